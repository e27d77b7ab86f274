package org.vellum.cli;

import java.util.List;
import org.vellum.Vellum;

/** Allocations of one size; see {@link PercpuHammer}. */
final class PercpuWorkload extends Workload<PercpuHammer> {
    private final int size;

    PercpuWorkload(final int size) {
        super("percpu alloc " + size, List.of("percpu"));
        this.size = size;
    }

    /** Refuses a memory that what so many threads hold, on all CPUs, would fill by more than a quarter. */
    static void checkRoom(final long memoryBytes, final int threads, final long size, final int slots) {
        // A unit of each chunk is there whole, however little of it is needed.
        final long bytes = slots * (64L << 10) + (long)threads * PercpuHammer.LIVE * size * slots;
        if (bytes > memoryBytes / 4) {
            throw new BadInput("--memory is too small for " + threads + " threads and " + size + " bytes on each of " + slots
                + " CPUs: at least " + ((4 * bytes + (1 << 20) - 1) >> 20) + "m are needed");
        }
    }

    @Override
    PercpuHammer hammer(final String policy, final Vellum memory, final int thread) {
        return new PercpuHammer(memory, size, thread);
    }

    @Override
    boolean finish(final PercpuHammer hammer) {
        return hammer.finish();
    }

    @Override
    String complaint() {
        return "an allocation was not zero, or not what was written when it was freed";
    }
}
