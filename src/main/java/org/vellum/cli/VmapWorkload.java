package org.vellum.cli;

import java.util.List;
import org.vellum.Vellum;
import org.vellum.VellumBuilder;
import org.vellum.vmap.FlushPolicy;

/** Map, touch and unmap of four pages; see {@link VmapHammer}. */
final class VmapWorkload extends Workload<VmapHammer> {
    VmapWorkload() {
        super("vmap", List.of("touch", "blocks", "lazy", "eager"));
    }

    /** Refuses a memory that the frames of so many threads would fill by more than half. */
    static void checkRoom(final long memoryBytes, final int threads) {
        if ((long)threads * VmapHammer.BYTES > memoryBytes / 2) {
            throw new BadInput("--memory is too small for the frames of " + threads + " threads: at least "
                + (2L * threads * VmapHammer.BYTES >> 20) + "m are needed");
        }
    }

    @Override
    VellumBuilder builder(final String policy) {
        return super.builder(policy).flushPolicy(policy.equals("eager") ? FlushPolicy.EAGER : FlushPolicy.LAZY);
    }

    @Override
    VmapHammer hammer(final String policy, final Vellum memory, final int thread) {
        return VmapHammer.of(policy, memory, thread);
    }

    @Override
    boolean finish(final VmapHammer hammer) {
        return hammer.finish();
    }

    @Override
    String complaint() {
        return "a touch did not arrive in its frame";
    }
}
