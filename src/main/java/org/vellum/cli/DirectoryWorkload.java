package org.vellum.cli;

import java.util.Arrays;
import java.util.List;
import org.vellum.Vellum;
import org.vellum.VellumBuilder;
import org.vellum.mem.Pages;
import org.vellum.vmap.FlushPolicy;

/** The application of reference 1: directory blocks over scattered frames; see {@link DirectoryHammer}. */
final class DirectoryWorkload extends Workload<DirectoryHammer> {
    private final double clockNanos = ClockCost.nanos();

    DirectoryWorkload() {
        super("directory", List.of("blocks", "lazy", "batched", "eager"));
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

    @Override
    VellumBuilder builder(final String policy) {
        return super.builder(policy).flushPolicy(policy.equals("eager") ? FlushPolicy.EAGER : FlushPolicy.LAZY);
    }

    @Override
    DirectoryHammer hammer(final String policy, final Vellum memory, final int thread) {
        return DirectoryHammer.of(policy, memory, thread);
    }

    @Override
    boolean finish(final DirectoryHammer hammer) {
        return hammer.finish();
    }

    @Override
    String complaint() {
        return "a directory block is not what its visits made of it";
    }

    /** The share of the time that went into mapping and unmapping. */
    @Override
    double figure(final List<DirectoryHammer> crew) {
        double map = 0;
        double work = 0;
        for (final DirectoryHammer hammer : crew) {
            map += hammer.operations() * hammer.mapNanosPerOperation(clockNanos);
            work += hammer.operations() * hammer.workNanosPerOperation(clockNanos);
        }
        return map + work == 0 ? 0 : map / (map + work);
    }
}
