package org.vellum.vmap;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.vellum.LazyMemory;
import org.vellum.VellumBuilder;
import org.vellum.mem.Pages;
import org.vellum.mmu.MappedAccess;

/**
 * {@code vmalloc}, a store to each page, {@code vfree}, while ever more areas live: the cost should grow like their logarithm.
 *
 * <p>{@code pair} is that; {@code touch} is its floor, the same stores to an area that was allocated before. The live areas are
 * sparse ones of one page without frames, so that a million fit into any memory, and every second one of twice as many
 * was freed, so that there are as many holes as areas: each hole takes a one-page area and its guard (16 pages go behind them
 * all). The window has room for them and a gigabyte more at any number.
 *
 * <p>Run: {@code java -jar jmh/target/benchmarks.jar '\.VmallocBenchmark\.' -t 1 -prof gc}.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsPrepend = "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class VmallocBenchmark {
    private static final long ROOM_BYTES = 1L << 30;
    private static final long BLOCK_BYTES = (long)VmapOptions.BLOCK_PAGES * Pages.SIZE;

    /** A window with many areas in it. */
    @State(Scope.Benchmark)
    public static class Crowd extends LazyMemory {
        @Param({"1000", "10000", "100000", "1000000"})
        int live;

        @Override
        protected VellumBuilder builder() {
            // Two areas, each of a page and its guard, for each that will live.
            final long bytes = 4L * Pages.SIZE * live + ROOM_BYTES;
            return super.builder().window((bytes + BLOCK_BYTES - 1) & -BLOCK_BYTES);
        }

        /** Fills the window, then frees every second area. */
        @Setup(Level.Trial)
        public void fill() {
            final long[] holes = new long[live];
            for (int i = 0; i < live; i++) {
                vellum.vmap().sparseArea(Pages.SIZE);
                holes[i] = vellum.vmap().sparseArea(Pages.SIZE);
            }
            for (final long hole : holes) {
                vellum.vmap().vunmap(hole);
            }
            vellum.synchronize();
            vellum.poll();
        }
    }

    /** What a thread allocates, and the way to touch it. */
    @State(Scope.Thread)
    public static class Caller {
        @Param({"1", "16"})
        int pages;
        private Vmalloc vmalloc;
        private MappedAccess access;
        private long kept;
        private long value;

        /** @param crowd where. */
        @Setup(Level.Trial)
        public void prepare(final Crowd crowd) {
            vmalloc = crowd.vellum.vmalloc();
            access = crowd.vellum.access();
            kept = vmalloc.vmalloc((long)pages * Pages.SIZE);
        }

        private void touch(final long address) {
            final long stored = ++value;
            for (int i = 0; i < pages; i++) {
                access.putLong(address + (long)i * Pages.SIZE, stored);
            }
        }
    }

    /**
     * @param caller of this thread.
     * @return the address.
     */
    @Benchmark
    public long touch(final Caller caller) {
        caller.touch(caller.kept);
        return caller.kept;
    }

    /**
     * @param caller of this thread.
     * @return the address.
     */
    @Benchmark
    public long pair(final Caller caller) {
        final long address = caller.vmalloc.vmalloc((long)caller.pages * Pages.SIZE);
        caller.touch(address);
        caller.vmalloc.vfree(address);
        return address;
    }
}
