package org.vellum.cli;

import java.util.SplittableRandom;
import org.vellum.Vellum;
import org.vellum.percpu.OwnCopy;
import org.vellum.percpu.PercpuAllocator;

/**
 * Allocates per-CPU memory of one size and frees it, among some that stay: each operation frees a random one of the thread's and has another
 * take its place. All copies of what is allocated must be zero; the own one is then changed, and must be what was written when it is freed.
 */
final class PercpuHammer extends Hammer {
    /** Allocations that a thread holds all the time. */
    static final int LIVE = 64;

    private static final int GRANULE = Integer.BYTES;

    private final PercpuAllocator percpu;
    private final OwnCopy copies;
    private final int size;
    private final int last;
    private final SplittableRandom random;
    private final long[] pointers = new long[LIVE];
    private boolean intact = true;

    PercpuHammer(final Vellum memory, final int size, final int thread) {
        super(memory);
        this.size = size;
        percpu = memory.percpu();
        copies = percpu.access();
        last = Math.max(0, (size - GRANULE) & -GRANULE);
        random = new SplittableRandom(thread);
        for (int i = 0; i < LIVE; i++) {
            pointers[i] = allocate(i);
        }
    }

    private long allocate(final int place) {
        final long pointer = percpu.allocate(size, GRANULE);
        // Zero, and so the exchange tells; whichever copy it is.
        intact &= copies.exchangeInt(pointer + last, place + 1) == 0;
        return pointer;
    }

    private void free(final int place) {
        intact &= copies.sumInt(pointers[place] + last) == place + 1;
        percpu.free(pointers[place]);
    }

    @Override
    void batch() {
        for (int i = 0; i < BATCH; i++) {
            final int place = random.nextInt(LIVE);
            free(place);
            pointers[place] = allocate(place);
        }
    }

    /** Writes to all that the thread holds, as somebody else might. */
    void spoil() {
        for (final long pointer : pointers) {
            copies.addInt(pointer + last, 1);
        }
    }

    /** Whether all was zero when it was allocated, and as written when it was freed; frees the rest. */
    boolean finish() {
        for (int i = 0; i < LIVE; i++) {
            free(i);
        }
        return intact;
    }
}
