package org.vellum.cli;

import java.util.List;
import java.util.function.Function;
import org.vellum.Vellum;

/** Allocate, touch and free memory of one size; see {@link AllocHammer}. */
final class AllocWorkload extends Workload<AllocHammer> {
    private final long size;
    private final Function<Vellum, Allocations> allocator;

    AllocWorkload(final long size, final Function<Vellum, Allocations> allocator) {
        super("alloc " + size, List.of("touch", "vellum", "malloc"));
        this.size = size;
        this.allocator = allocator;
    }

    /** Refuses a memory that two allocations of each of so many threads would fill by more than half. */
    static void checkRoom(final long memoryBytes, final int threads, final long size) {
        if (threads * 2L * size > memoryBytes / 2) {
            throw new BadInput("--memory is too small for " + threads + " threads and " + size + " bytes: at least "
                + ((threads * 4L * size + (1 << 20) - 1) >> 20) + "m are needed");
        }
    }

    @Override
    AllocHammer hammer(final String policy, final Vellum memory, final int thread) {
        return AllocHammer.of(policy, memory, allocator, size, thread);
    }

    @Override
    boolean finish(final AllocHammer hammer) {
        return hammer.finish();
    }

    @Override
    String complaint() {
        return "an allocation that was live all the time is not what was written";
    }
}
