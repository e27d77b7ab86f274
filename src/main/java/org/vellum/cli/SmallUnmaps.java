package org.vellum.cli;

import java.util.concurrent.atomic.AtomicInteger;
import org.HdrHistogram.Histogram;
import org.vellum.mem.Pages;
import org.vellum.space.AddressSpace;

/**
 * A thread that maps 1 to 4 pages, faults them in by storing to each, and unmaps them, again and again. The time of all three is one
 * figure: where only one of them has to wait for the large unmap, leaving it out would hide the wait.
 *
 * <p>Each page must be zero when it is new, and then what was written: so a frame with two owners shows.
 */
final class SmallUnmaps {
    static final int MOST_PAGES = 4;

    private static final long HIGHEST_NANOS = 60_000_000_000L;
    private static final long STAMP_STEP = 0x9E37_79B9_7F4A_7C15L;

    private final Histogram nanos = emptyHistogram();
    private long stamp;
    private long unmaps;
    private boolean intact = true;

    SmallUnmaps(final int thread) {
        stamp = thread + 1;
    }

    static Histogram emptyHistogram() {
        return new Histogram(HIGHEST_NANOS, 3);
    }

    void reset() {
        nanos.reset();
        unmaps = 0;
    }

    /** Until told to stop. What overlaps an odd phase counts, from whenever it began to whenever it ended. */
    void run(final AddressSpace space, final AtomicInteger phase, final Stop stop) {
        while (!stop.requested()) {
            final int before = phase.get();
            final long begun = System.nanoTime();
            once(space, 1 + (int)(unmaps % MOST_PAGES));
            final long ended = System.nanoTime();
            if ((before & 1) != 0 || phase.get() != before) {
                nanos.recordValue(Math.min(HIGHEST_NANOS, ended - begun));
            }
        }
    }

    private void once(final AddressSpace space, final int pages) {
        final long bytes = (long)pages << Pages.SHIFT;
        final long start = space.map(bytes);
        touch(space, start, bytes);
        space.unmap(start, bytes);
        unmaps++;
    }

    void touch(final AddressSpace space, final long start, final long bytes) {
        stamp += STAMP_STEP;
        for (long address = start; address < start + bytes; address += Pages.SIZE) {
            intact &= space.access().getAndAddLong(address, stamp) == 0;
        }
        for (long address = start; address < start + bytes; address += Pages.SIZE) {
            intact &= space.access().getLong(address) == stamp;
        }
    }

    Histogram nanos() {
        return nanos;
    }

    long unmaps() {
        return unmaps;
    }

    /** Whether all pages were zero at first, and then as written. */
    boolean isIntact() {
        return intact;
    }
}
