package org.vellum.kmap;

import org.vellum.Vellum;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mmu.Entry;
import org.vellum.mmu.PageTable;
import org.vellum.report.PageFaultException;

/**
 * Where the baselines have their entries: a window of their own in the place of the room's, so that a touch costs the same as through
 * that. The memory must not use its own kmap by entries.
 */
final class BaselineWindow {
    /** Behind the vmap window of any memory that benchmarks open. */
    private static final long START = 1L << 46;

    private BaselineWindow() {
    }

    static PageTable open(final Vellum vellum, final long pages) {
        final PageTable table = new PageTable(START, pages);
        table.extendTo(pages);
        table.onFault((address, write) -> new PageFaultException(address, "page fault: address=0x" + Long.toHexString(address)));
        vellum.access().setSecondWindow(table);
        return table;
    }

    /** What maps a low frame: without a tag, for nobody looked at one then. */
    static long entry(final PhysicalMemory memory, final long frame) {
        return Entry.present(memory.nativeAddress(frame), 0, Entry.WRITABLE);
    }
}
