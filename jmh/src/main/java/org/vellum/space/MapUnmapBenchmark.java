package org.vellum.space;

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
import org.vellum.mem.Pages;
import org.vellum.mmu.SpaceAccess;

/**
 * Map a range and unmap it, without touching a page and with all of them touched, under both policies. All threads use one space.
 *
 * <p>Run: {@code java -jar jmh/target/benchmarks.jar '\.MapUnmapBenchmark\.' -t 1 -prof gc}, and with {@code -t 2}, {@code -t 8}; ratios hold
 * within one run only.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsPrepend = "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class MapUnmapBenchmark {
    /** Of one thread. */
    @State(Scope.Thread)
    public static class Range {
        /** Of the range. */
        @Param({"4", "64", "1024"})
        public int pages;

        private long bytes;
        private AddressSpace space;
        private SpaceAccess access;

        /** @param row where, and how. */
        @Setup(Level.Trial)
        public void prepare(final UnmapRow row) {
            bytes = (long)pages << Pages.SHIFT;
            space = row.space;
            access = space.access();
        }
    }

    /** @param range of this thread. */
    @Benchmark
    public void mapUnmap(final Range range) {
        range.space.unmap(range.space.map(range.bytes), range.bytes);
    }

    /** @param range of this thread. */
    @Benchmark
    public void mapTouchUnmap(final Range range) {
        final long start = range.space.map(range.bytes);
        for (long address = start; address < start + range.bytes; address += Pages.SIZE) {
            range.access.putLong(address, address);
        }
        range.space.unmap(start, range.bytes);
    }
}
