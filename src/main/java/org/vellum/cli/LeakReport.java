package org.vellum.cli;

import org.vellum.Vellum;
import org.vellum.mem.Pages;
import org.vellum.percpu.PercpuStats;

/**
 * What a memory still holds when everything was given back, found by walking it.
 *
 * @param memory name for the report.
 * @param frames allocated frames, from the frame table, but for those of chunks of per-CPU memory: a few pages are kept ready there.
 * @param mappedPages pages that blocks still map.
 * @param areas live areas, likewise, and allocations of per-CPU memory.
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
        if (memory.stats().percpu().slots() > 0) {
            memory.percpu().balance();
        }
        final PercpuStats percpu = memory.stats().percpu();
        // The first chunk has no area, each further one has one: the tool's CPUs are all in one group.
        final long chunkAreas = Math.max(0, percpu.chunks() - 1);
        final LeakReport report = new LeakReport(name, memory.frames().allocatedFrames() - percpu.frames() - percpu.pendingFrames(),
            memory.mapRam().mappedPages(), memory.stats().liveAreas() - chunkAreas + percpu.areas(), memory.stats().flushes());
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
