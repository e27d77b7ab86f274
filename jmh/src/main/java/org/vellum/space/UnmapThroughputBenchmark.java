package org.vellum.space;

import java.util.Collection;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
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
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.util.Statistics;
import org.vellum.mem.Pages;

/**
 * Unmaps a range of which each page was stored to: how long the unmap takes, nothing else.
 *
 * <p>Run: {@code java -cp jmh/target/benchmarks.jar org.vellum.space.UnmapThroughputBenchmark}, which says mean and standard deviation, as
 * the reference does (39.20 ± 0.34 s before, 38.99 ± 0.18 s after); or as any benchmark.
 */
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 3, jvmArgsPrepend = "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED")
@Warmup(iterations = 8)
@Measurement(iterations = 16)
public class UnmapThroughputBenchmark {
    /** Enough for the usual range, and what waits for its grace period. */
    @State(Scope.Benchmark)
    public static class Row extends UnmapRow {
        private static final long BYTES = 1280L << 20;

        @Override
        protected long memoryBytes() {
            return BYTES;
        }
    }

    /** Of one thread. */
    @State(Scope.Thread)
    public static class Range {
        /** Of the range. */
        @Param("1073741824")
        public long bytes;

        private SpaceMemory memory;
        private long start;

        /** @param row where, and how. */
        @Setup(Level.Trial)
        public void prepare(final Row row) {
            memory = row;
        }

        /** All pages are there. */
        @Setup(Level.Invocation)
        public void populate() {
            start = memory.space.map(bytes);
            for (long address = start; address < start + bytes; address += Pages.SIZE) {
                memory.space.access().putLong(address, address);
            }
        }

        /** What was unmapped is free. */
        @TearDown(Level.Invocation)
        public void settle() {
            memory.settle();
        }
    }

    /** @param range of this thread. */
    @Benchmark
    public void unmap(final Range range) {
        range.memory.space.unmap(range.start, range.bytes);
    }

    /**
     * Runs both policies.
     *
     * @param args none.
     * @throws RunnerException if one failed.
     */
    public static void main(final String[] args) throws RunnerException {
        final Collection<RunResult> results =
            new Runner(new OptionsBuilder().include(UnmapThroughputBenchmark.class.getName()).shouldFailOnError(true).build()).run();
        final Map<String, Double> means = new HashMap<>();
        for (final RunResult result : results) {
            final Statistics micros = result.getPrimaryResult().getStatistics();
            means.put(result.getParams().getParam("policy"), micros.getMean());
            System.out.println(String.format(Locale.ROOT, "%s: %.2f ± %.2f ms", result.getParams().getParam("policy"),
                micros.getMean() / 1e3, micros.getStandardDeviation() / 1e3));
        }
        System.out.println(String.format(
            Locale.ROOT, "throughput preemptible ÷ atomic: %.3f", means.get("atomic") / means.get("preemptible")));
    }
}
