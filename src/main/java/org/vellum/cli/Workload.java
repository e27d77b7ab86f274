package org.vellum.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.vellum.Vellum;
import org.vellum.VellumBuilder;

/**
 * What the columns of a table do: the same work under several policies, each, unless said, with a memory of its own.
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

    /** What else there is to tell of the cell just run, or NaN. */
    double figure(final List<H> crew) {
        return Double.NaN;
    }

    /** How a policy's memory is built. */
    VellumBuilder builder(final String policy) {
        return Vellum.builder();
    }

    /** What the memory of a policy is called: policies with one name share one. */
    String memoryName(final String policy) {
        return policy;
    }

    /** Gives back what belongs to a memory rather than to a thread, once its threads have; returns whether all was in order. */
    boolean finishMemory(final String memory) {
        return true;
    }

    /** Opens the memories of all policies and prepares so many threads' work in it. */
    final void open(final long memoryBytes, final int maxThreads) {
        for (final String policy : policies) {
            final Vellum memory = memories.computeIfAbsent(memoryName(policy), name -> builder(policy).memory(memoryBytes).open());
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
            held &= content;
        }
        for (final Map.Entry<String, Vellum> memory : memories.entrySet()) {
            if (!finishMemory(memory.getKey())) {
                console.failure("%s: memory=%s", complaint(), memory.getKey());
                held = false;
            }
            held &= LeakReport.of(name + " " + memory.getKey(), memory.getValue()).print(console);
        }
        return held;
    }

    @Override
    public final void close() {
        memories.values().forEach(Vellum::close);
    }
}
