package org.vellum.percpu;

import java.util.SplittableRandom;
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
import org.vellum.cpu.CpuOptions;

/**
 * An allocation and a free among so many live ones, of one size: a random one is freed and another takes its place, so that the chunks are
 * nearly full and the holes are everywhere. What it is to show is that ten times the objects, and so the chunks, cost about the same. If a
 * random one is drawn of {@code all}, what is exchanged lies in memory that no cache holds; of a {@code thousand}, the same thousand all the
 * time, it is what the allocator does that counts.
 *
 * <p>{@code slots} copies of everything are in memory: 1,000,000 live of 1,024 bytes and 2 slots are 2 GiB.
 *
 * <p>Run: {@code java -jar jmh/target/benchmarks.jar '\.PerCpuAllocateBenchmark\.' -t 1 -jvmArgsAppend -XX:MaxDirectMemorySize=8g}.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsPrepend = "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class PerCpuAllocateBenchmark {
    private static final long MEMORY = 6L << 30;
    private static final int HOT = 1000;

    /** The live ones; for one thread. */
    @State(Scope.Benchmark)
    public static class Live extends LazyMemory {
        /** Bytes of each. */
        @Param({"4", "16", "64", "256", "1024"})
        public int size;
        /** How many. */
        @Param({"100000", "1000000"})
        public int live;
        /** Of which a random one is exchanged. */
        @Param({"thousand", "all"})
        public String drawn;
        /** How many copies there are of each. */
        @Param("2")
        public int slots;

        private final SplittableRandom random = new SplittableRandom(5);
        private PercpuAllocator percpu;
        private long[] pointers;
        private int places;

        @Override
        protected VellumBuilder builder() {
            return super.builder().memory(MEMORY).cpus(CpuOptions.forThisMachine().withCachedSlots(slots));
        }

        /** Allocates all, and then lets time pass. */
        @Setup(Level.Trial)
        public void prepare() {
            percpu = vellum.percpu();
            pointers = new long[live];
            for (int i = 0; i < live; i++) {
                pointers[i] = percpu.allocate(size, 4);
            }
            places = live;
            for (int i = 0; i < live; i++) {
                exchange();
            }
            places = drawn.equals("all") ? live : HOT;
        }

        private void exchange() {
            final int place = random.nextInt(places);
            percpu.free(pointers[place]);
            pointers[place] = percpu.allocate(size, 4);
        }

        @Override
        protected void finish() {
            System.out.println("chunks=" + percpu.stats().chunks() + " frames=" + percpu.stats().frames());
            for (final long pointer : pointers) {
                percpu.free(pointer);
            }
        }
    }

    /** @param live of this trial. */
    @Benchmark
    public void exchange(final Live live) {
        live.exchange();
    }
}
