package org.vellum.cli;

import java.util.concurrent.locks.LockSupport;
import org.vellum.Vellum;
import org.vellum.mem.Pages;

/**
 * What a memory still holds after everything was freed; its structures are verified on the way.
 *
 * @param memory which memory.
 * @param frames frames still allocated, found by walking the frame table.
 * @param mappedPages pages still mapped in blocks.
 * @param areas areas still live.
 * @param flushes advances of the epoch in the memory's life.
 * @param firstSight what was wrong at the first look and right at a later one, or null: shown, so that nothing is hidden.
 */
record LeakReport(String memory, long frames, long mappedPages, long areas, long flushes, String firstSight) {
    /** How long the memory's own worker, which drains limbo when asked to, may take to come to rest. */
    private static final long SETTLE_NANOS = 2_000_000_000L;

    /**
     * Waits until nothing is in limbo, then looks. The walks need a memory that nobody uses, and its worker may still be releasing
     * what was freed last; so what looks wrong is looked at again until it is right, or has been wrong for too long.
     *
     * @throws AssertionError if a structure is broken.
     */
    static LeakReport of(final String name, final Vellum memory) {
        return of(name, memory, SETTLE_NANOS);
    }

    static LeakReport of(final String name, final Vellum memory, final long settleNanos) {
        final long deadline = System.nanoTime() + settleNanos;
        String firstSight = null;
        while (true) {
            memory.unmapAliases();
            memory.synchronize();
            int released;
            do {
                released = memory.poll();
            } while (released > 0);
            final boolean last = System.nanoTime() - deadline >= 0;
            try {
                final LeakReport report = look(name, memory, firstSight);
                if (report.bytes() == 0 || last) {
                    return report;
                }
                firstSight = firstSight == null ? report.bytes() + " bytes held" : firstSight;
            } catch (final AssertionError e) {
                if (last) {
                    throw e;
                }
                firstSight = firstSight == null ? e.getMessage() : firstSight;
            }
            LockSupport.parkNanos(1_000_000L);
        }
    }

    private static LeakReport look(final String name, final Vellum memory, final String firstSight) {
        final LeakReport report = new LeakReport(name, memory.frames().allocatedFrames(), memory.mapRam().mappedPages(),
            memory.stats().liveAreas(), memory.stats().flushes(), firstSight);
        memory.verify();
        return report;
    }

    /** Bytes of frames, and at least a page of addresses for each thing that is still mapped. */
    long bytes() {
        return frames + mappedPages + areas << Pages.SHIFT;
    }

    /** Prints it, and says in every mode if anything is left. */
    boolean print(final Console console) {
        console.line("  %-20s %8d frames  %8d mapped pages  %6d live areas  verified  (%d flushes)",
            memory, frames, mappedPages, areas, flushes);
        if (firstSight != null) {
            console.line("  %-20s not at rest at first sight: %s", "", firstSight);
        }
        if (bytes() != 0) {
            console.failure("leaked: memory=%s frames=%d mapped_pages=%d areas=%d", memory, frames, mappedPages, areas);
        }
        return bytes() == 0;
    }
}
