package org.vellum.kmap;

import java.util.concurrent.TimeUnit;
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
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.ThreadParams;

/**
 * Map a frame, touch it, unmap it; at {@code depth} 8, eight of them nested. Nanoseconds are of <em>one</em> map, touch and unmap at any
 * depth. Each thread has 16 frames, so that whatever can be found mapped, is: {@link KmapWrapBenchmark} has the window wrap.
 *
 * <table>
 * <caption>Rows, by {@code policy}</caption>
 * <tr><td>{@code touch}</td><td>the floor: the touch that all rows have in common, by the linear address</td></tr>
 * <tr><td>{@code local}</td><td>{@code kmapLocal} of low frames: on the stack</td></tr>
 * <tr><td>{@code localCpu}</td><td>the same by the overload with a {@code Cpu}</td></tr>
 * <tr><td>{@code direct}, {@code directCpu}</td><td>the same calls in direct mode: a bare addition</td></tr>
 * <tr><td>{@code high-local}</td><td>{@code kmapLocal} of high frames that are in the cache, of a sparse file of 64 GiB</td></tr>
 * <tr><td>{@code high-shared}</td><td>{@code kmap} of those</td></tr>
 * <tr><td>{@code shared}</td><td>{@code kmap} of low frames in force mode: through the window</td></tr>
 * <tr><td>{@code forced-local}</td><td>{@code kmapLocal} of low frames in force mode: through entries of the slot</td></tr>
 * <tr><td>{@code global-lock}</td><td>{@link GlobalLockKmap}: the window as it was of old</td></tr>
 * <tr><td>{@code fixed}</td><td>{@link TypedSlots}: the stack's predecessor, through entries and without checks</td></tr>
 * </table>
 *
 * <p>What was touched is counted in the frames, and compared afterwards. Run: {@code java -jar jmh/target/benchmarks.jar
 * '\.KmapBenchmark\.' -t 1 -prof gc}, and with {@code -t 2}, {@code -t 4}, {@code -t 8}; ratios hold within one run only.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsPrepend = "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class KmapBenchmark {
    private static final int FRAMES = 16;

    /** A row. */
    public static class Row extends KmapRow {
        /** Which. */
        @Param({"touch", "local", "localCpu", "direct", "directCpu", "high-local", "high-shared", "shared", "forced-local",
            "global-lock", "fixed"})
        public String policy;

        @Override
        String policy() {
            return policy;
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

    /**
     * @param caller of this thread.
     * @return an address.
     */
    @Benchmark
    @OperationsPerInvocation(KmapLoop.MAPS)
    public long mapTouchUnmap(final Caller caller) {
        return caller.loop.run();
    }
}
