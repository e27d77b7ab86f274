package org.vellum.cli;

import org.vellum.Vellum;
import org.vellum.mem.Pages;

/**
 * What a memory still holds when everything was given back, found by walking it.
 *
 * @param memory name for the report.
 * @param frames allocated frames, from the frame table.
 * @param mappedPages pages that blocks still map.
 * @param areas live areas.
 * @param flushes how often the epoch advanced, for the table.
 */
record LeakReport(String memory, long frames, long mappedPages, long areas, long flushes) {
    /**
     * Brings the memory to rest, looks and verifies.
     *
     * @throws AssertionError if a structure is broken.
     */
    static LeakReport of(final String name, final Vellum memory) {
        memory.unmapAliases();
        memory.quiesce();
        // What slots keep for the next allocation is nobody's.
        memory.allocator().drainIdle();
        final LeakReport report = new LeakReport(name, memory.frames().allocatedFrames(), memory.mapRam().mappedPages(),
            memory.stats().liveAreas(), memory.stats().flushes());
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
        if (bytes() != 0) {
            console.failure("leaked: memory=%s frames=%d mapped_pages=%d areas=%d", memory, frames, mappedPages, areas);
        }
        return bytes() == 0;
    }
}
