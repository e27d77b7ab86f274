package org.vellum.cli;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.vellum.Vellum;

/** One sum to which all threads add, ours and the JDK's; see {@link CounterHammer}. */
final class CounterWorkload extends Workload<CounterHammer> {
    static final List<String> IMPLS = List.of("percpu", "percpuCpu", "longadder", "atomiclong");

    private final Map<String, CounterHammer.Counter> counters = new HashMap<>();
    private final Map<String, Long> added = new HashMap<>();

    CounterWorkload() {
        super("percpu counter", IMPLS);
    }

    @Override
    CounterHammer hammer(final String policy, final Vellum memory, final int thread) {
        return counters.computeIfAbsent(policy, impl -> CounterHammer.of(impl, memory)).hammer(memory);
    }

    /** The counter that all threads of an implementation share. */
    CounterHammer.Counter counter(final String impl) {
        return counters.get(impl);
    }

    /** Whether the sum is right can be told once all have been added up: see {@link #finishMemory}. */
    @Override
    boolean finish(final CounterHammer hammer) {
        added.merge(hammer.impl(), hammer.added(), Long::sum);
        return true;
    }

    /** Each implementation has a memory of its own, of the same name. */
    @Override
    boolean finishMemory(final String memory) {
        final CounterHammer.Counter counter = counters.get(memory);
        final boolean held = counter.sum() == added.get(memory);
        counter.close();
        return held;
    }

    @Override
    String complaint() {
        return "a counter does not hold the number of its additions";
    }
}
