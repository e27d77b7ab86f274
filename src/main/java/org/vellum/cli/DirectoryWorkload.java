package org.vellum.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.vellum.Vellum;
import org.vellum.mem.Pages;

/** The application of reference 1: directory blocks over scattered frames; see {@link DirectoryHammer}. */
final class DirectoryWorkload implements Workload {
    static final List<String> POLICIES = List.of("blocks", "lazy", "batched", "eager");

    private static final int CLOCK_READINGS = 100_000;

    private final Map<String, Vellum> memories = new LinkedHashMap<>();
    private final Map<String, List<DirectoryHammer>> hammers = new LinkedHashMap<>();
    private final double clockNanos = clockNanos();

    DirectoryWorkload(final long memoryBytes, final int maxThreads) {
        checkRoom(memoryBytes, maxThreads);
        for (final String policy : POLICIES) {
            final Vellum memory = Workload.open(policy, memoryBytes);
            memories.put(policy, memory);
            final List<DirectoryHammer> crew = new ArrayList<>();
            for (int i = 0; i < maxThreads; i++) {
                crew.add(DirectoryHammer.of(policy, memory, i));
            }
            hammers.put(policy, crew);
        }
    }

    /** Refuses a memory that the blocks of so many threads would fill by more than half. */
    static void checkRoom(final long memoryBytes, final int threads) {
        long pages = 2 * DirectoryBlock.MAX_PAGES;
        for (int i = 0; i < threads; i++) {
            pages += Arrays.stream(DirectoryHammer.sizes(i)).sum();
        }
        if (pages << Pages.SHIFT > memoryBytes / 2) {
            throw new BadInput("--memory is too small for the directory blocks of " + threads + " threads: at least "
                + (pages >> 20 - Pages.SHIFT - 1) + "m are needed");
        }
    }

    /** What reading the clock costs: the least of several tries, to leave out interruptions. */
    private static double clockNanos() {
        double least = Double.MAX_VALUE;
        for (int attempt = 0; attempt < 5; attempt++) {
            final long start = System.nanoTime();
            long last = start;
            for (int i = 0; i < CLOCK_READINGS; i++) {
                last = System.nanoTime();
            }
            least = Math.min(least, (double)(last - start) / CLOCK_READINGS);
        }
        return least;
    }

    @Override
    public List<String> policies() {
        return POLICIES;
    }

    @Override
    public List<DirectoryHammer> hammers(final String policy) {
        return hammers.get(policy);
    }

    @Override
    public double mapShare(final List<? extends Hammer> crew) {
        double map = 0;
        double work = 0;
        for (final Hammer hammer : crew) {
            final DirectoryHammer one = (DirectoryHammer)hammer;
            map += one.operations() * one.mapNanosPerOperation(clockNanos);
            work += one.operations() * one.workNanosPerOperation(clockNanos);
        }
        return map + work == 0 ? 0 : map / (map + work);
    }

    @Override
    public boolean finish(final Console console) {
        boolean held = true;
        for (final String policy : POLICIES) {
            try (Vellum memory = memories.get(policy)) {
                boolean intact = true;
                for (final DirectoryHammer hammer : hammers.get(policy)) {
                    intact &= hammer.finish();
                }
                if (!intact) {
                    console.failure("a directory block is not what its visits made of it: policy=%s", policy);
                }
                held &= intact & LeakReport.of("directory " + policy, memory).print(console);
            }
        }
        return held;
    }
}
