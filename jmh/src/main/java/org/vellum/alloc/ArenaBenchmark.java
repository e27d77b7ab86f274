package org.vellum.alloc;

import org.agrona.UnsafeApi;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Group;
import org.openjdk.jmh.annotations.GroupThreads;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * An arena's life: open, allocate and touch 8 × 128 bytes, close. {@code alone} is one thread that does it; in the group
 * {@code beside} a bystander reads memory of its own meanwhile: its latency tells what a close costs threads that have nothing
 * to do with the arena. {@code undisturbed} is the bystander with nobody beside it.
 *
 * <p>Other numbers of threads: {@code -tg 1,3} is one with an arena and three bystanders. Run: {@code java -jar
 * jmh/target/benchmarks.jar '\.ArenaBenchmark\.' -prof gc}.
 */
@BenchmarkMode({Mode.AverageTime, Mode.SampleTime})
public class ArenaBenchmark extends PeerBenchmark {
    private static final int READS = 64;
    private static final int BYTES = 1 << 20;
    private static final int STRIDE_BYTES = 4096 + 64;

    /** The kind of arena of a row. */
    @State(Scope.Benchmark)
    public static class Row {
        @Param({"vellumConfined", "vellumShared", "ffmConfined", "ffmShared"})
        String arena;
        private ScopedArena scoped;

        /** Fails, and JMH says why, if this JDK has no such arena. */
        @Setup(Level.Trial)
        public void open() {
            scoped = ScopedArena.open(arena);
        }

        /** Every arena was closed before. */
        @TearDown(Level.Trial)
        public void close() {
            scoped.close();
        }
    }

    /** A thread's memory that no arena knows of. */
    @State(Scope.Thread)
    public static class Bystander {
        private long block;
        private int offset;

        /** Allocates and touches it. */
        @Setup(Level.Trial)
        public void open() {
            block = UnsafeApi.allocateMemory(BYTES);
            UnsafeApi.setMemory(block, BYTES, (byte)1);
        }

        /** Frees it. */
        @TearDown(Level.Trial)
        public void close() {
            UnsafeApi.freeMemory(block);
        }

        private long read() {
            long sum = 0;
            for (int i = 0; i < READS; i++) {
                offset = offset + STRIDE_BYTES & BYTES - 1;
                sum += UnsafeApi.getLong(block + offset);
            }
            return sum;
        }
    }

    /**
     * @param row of the trial.
     * @return something that depends on the allocations.
     */
    @Benchmark
    public long alone(final Row row) {
        return row.scoped.openAllocateClose();
    }

    /**
     * @param bystander of this thread.
     * @return something that depends on what was read.
     */
    @Benchmark
    public long undisturbed(final Bystander bystander) {
        return bystander.read();
    }

    /**
     * @param row of the trial.
     * @return something that depends on the allocations.
     */
    @Benchmark
    @Group("beside")
    @GroupThreads(1)
    public long arena(final Row row) {
        return row.scoped.openAllocateClose();
    }

    /**
     * @param bystander of this thread.
     * @return something that depends on what was read.
     */
    @Benchmark
    @Group("beside")
    @GroupThreads(1)
    public long bystander(final Bystander bystander) {
        return bystander.read();
    }
}
