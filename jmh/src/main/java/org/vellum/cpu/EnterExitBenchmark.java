package org.vellum.cpu;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What a section costs by itself: the floor under every per-CPU operation. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsPrepend = "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class EnterExitBenchmark {
    private final Cpus cpus = new Cpus(CpuOptions.forThisMachine());

    /** A thread's last slot, as a caller would keep it. */
    @State(Scope.Thread)
    public static class Hint {
        private Cpu cpu;
    }

    /** @return nothing of interest: the floor of a benchmark call. */
    @Benchmark
    public int baseline() {
        return 0;
    }

    /** @return the slot's number. */
    @Benchmark
    public int enterExit() {
        final Cpu cpu = cpus.enter();
        final int index = cpu.index();
        cpu.exit();
        return index;
    }

    /**
     * @param hint the slot of the call before.
     * @return the slot's number.
     */
    @Benchmark
    public int enterExitByHint(final Hint hint) {
        final Cpu cpu = cpus.enter(hint.cpu);
        hint.cpu = cpu;
        final int index = cpu.index();
        cpu.exit();
        return index;
    }

    /** @return the slot's number. */
    @Benchmark
    public int enterNestExit() {
        final Cpu cpu = cpus.enter();
        final Cpu nested = cpus.enter();
        final int index = nested.index();
        nested.exit();
        cpu.exit();
        return index;
    }
}
