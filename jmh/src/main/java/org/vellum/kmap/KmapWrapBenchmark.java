package org.vellum.kmap;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.ThreadParams;

/**
 * {@link KmapBenchmark} with more frames than the window has slots: 2,048 for each thread, against 1,024 slots, as the kernel's window has
 * on x86 without PAE. So no map finds its frame, and each round of the window owes a flush; {@code flushes} counts them, in all iterations
 * together.
 *
 * <p>Run: {@code java -jar jmh/target/benchmarks.jar '\.KmapWrapBenchmark\.' -t 8}.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsPrepend = "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class KmapWrapBenchmark {
    private static final int FRAMES = 2048;

    /** A row, with a window of 1,024 slots. */
    public static class Row extends KmapRow {
        private static final long WINDOW_BYTES = 4L << 20;

        /** Which; the others have nothing that wraps. */
        @Param({"touch", "forced-local", "shared", "global-lock"})
        public String policy;

        @Override
        String policy() {
            return policy;
        }

        @Override
        long windowBytes() {
            return WINDOW_BYTES;
        }
    }

    /** A thread and its frames. */
    @State(Scope.Thread)
    public static class Caller {
        /** How many are mapped at a time. */
        @Param({"1", "8"})
        public int depth;
        private KmapLoop loop;

        /**
         * @param row where, and how.
         * @param thread which.
         */
        @Setup(Level.Trial)
        public void prepare(final Row row, final ThreadParams thread) {
            loop = row.loop(thread.getThreadIndex(), FRAMES, depth);
        }

        /** On the thread that will call. */
        @Setup(Level.Iteration)
        public void begin() {
            loop.begin();
        }
    }

    /** How often the window was flushed, of all threads together: the first one tells. */
    @AuxCounters(AuxCounters.Type.EVENTS)
    @State(Scope.Thread)
    public static class Flushes {
        /** In an iteration; JMH resets it. */
        public long flushes;
        private long before;

        /** @param row what is counted. */
        @Setup(Level.Iteration)
        public void begin(final Row row) {
            before = row.flushes();
        }

        /**
         * @param row what is counted.
         * @param thread which.
         */
        @TearDown(Level.Iteration)
        public void end(final Row row, final ThreadParams thread) {
            flushes = thread.getThreadIndex() == 0 ? row.flushes() - before : 0;
        }
    }

    /**
     * @param caller of this thread.
     * @param flushes of all.
     * @return an address.
     */
    @Benchmark
    @OperationsPerInvocation(KmapLoop.MAPS)
    public long mapTouchUnmap(final Caller caller, final Flushes flushes) {
        return caller.loop.run();
    }
}
