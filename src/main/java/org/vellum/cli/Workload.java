package org.vellum.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.vellum.Vellum;
import org.vellum.vmap.FlushPolicy;

/**
 * What the columns of a table do: the same work under several policies, each with a memory of its own.
 *
 * @param <H> the work of one thread.
 */
abstract class Workload<H extends Hammer> implements AutoCloseable {
    private final String name;
    private final List<String> policies;
    private final Map<String, Vellum> memories = new LinkedHashMap<>();
    private final Map<String, List<H>> hammers = new LinkedHashMap<>();

    Workload(final String name, final List<String> policies) {
        this.name = name;
        this.policies = policies;
    }

    /** What it is called in lines for people. */
    final String name() {
        return name;
    }

    /** The work of one thread under a policy; the number of the thread is the seed. */
    abstract H hammer(String policy, Vellum memory, int thread);

    /** Checks what one thread's work left behind, and gives its frames back. */
    abstract boolean finish(H hammer);

    /** What it means that {@link #finish(Hammer)} was not content. */
    abstract String complaint();

    /** Share of the time of the cell just run that went into mapping and unmapping, or NaN if that is not measured. */
    abstract double mapShare(List<H> crew);

    /** Opens a memory for each policy and prepares so many threads' work in it. */
    final void open(final long memoryBytes, final int maxThreads) {
        for (final String policy : policies) {
            final Vellum memory = Vellum.builder().memory(memoryBytes)
                .flushPolicy(policy.equals("eager") ? FlushPolicy.EAGER : FlushPolicy.LAZY).open();
            memories.put(policy, memory);
            final List<H> crew = new ArrayList<>();
            for (int i = 0; i < maxThreads; i++) {
                crew.add(hammer(policy, memory, i));
            }
            hammers.put(policy, crew);
        }
    }

    /** The policies, in the order of the columns. */
    final List<String> policies() {
        return policies;
    }

    /** The work of the first so many threads under one policy. */
    final List<H> crew(final String policy, final int threads) {
        return hammers.get(policy).subList(0, threads);
    }

    /** Gives everything back and checks what can be checked. Returns whether every check held. */
    final boolean finish(final Console console) {
        boolean held = true;
        for (final String policy : policies) {
            boolean content = true;
            for (final H hammer : hammers.get(policy)) {
                content &= finish(hammer);
            }
            if (!content) {
                console.failure("%s: policy=%s", complaint(), policy);
            }
            held &= content & LeakReport.of(name + " " + policy, memories.get(policy)).print(console);
        }
        return held;
    }

    @Override
    public final void close() {
        memories.values().forEach(Vellum::close);
    }
}
