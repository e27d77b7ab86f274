package org.vellum.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.vellum.Vellum;

/** Map, touch and unmap of four pages; see {@link VmapHammer}. */
final class VmapWorkload implements Workload {
    static final List<String> POLICIES = List.of("touch", "blocks", "lazy", "eager");

    private final Map<String, Vellum> memories = new LinkedHashMap<>();
    private final Map<String, List<VmapHammer>> hammers = new LinkedHashMap<>();

    VmapWorkload(final long memoryBytes, final int maxThreads) {
        checkRoom(memoryBytes, maxThreads);
        for (final String policy : POLICIES) {
            final Vellum memory = Workload.open(policy, memoryBytes);
            memories.put(policy, memory);
            final List<VmapHammer> crew = new ArrayList<>();
            for (int i = 0; i < maxThreads; i++) {
                crew.add(VmapHammer.of(policy, memory, i));
            }
            hammers.put(policy, crew);
        }
    }

    /** Refuses a memory that the frames of so many threads would fill by more than half. */
    static void checkRoom(final long memoryBytes, final int threads) {
        if ((long)threads * VmapHammer.BYTES > memoryBytes / 2) {
            throw new BadInput("--memory is too small for the frames of " + threads + " threads: at least "
                + (2L * threads * VmapHammer.BYTES >> 20) + "m are needed");
        }
    }

    @Override
    public List<String> policies() {
        return POLICIES;
    }

    @Override
    public List<VmapHammer> hammers(final String policy) {
        return hammers.get(policy);
    }

    @Override
    public double mapShare(final List<? extends Hammer> crew) {
        return Double.NaN;
    }

    @Override
    public boolean finish(final Console console) {
        boolean held = true;
        for (final String policy : POLICIES) {
            try (Vellum memory = memories.get(policy)) {
                boolean touched = true;
                for (final VmapHammer hammer : hammers.get(policy)) {
                    touched &= hammer.finish();
                }
                if (!touched) {
                    console.failure("a touch did not arrive in its frame: policy=%s", policy);
                }
                held &= touched & LeakReport.of("vmap " + policy, memory).print(console);
            }
        }
        return held;
    }
}
