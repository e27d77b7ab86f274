package org.vellum.gather;

import org.vellum.cpu.Cpu;
import org.vellum.cpu.SpinLock;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mmu.SpaceEntry;
import org.vellum.mmu.SpaceTable;

/**
 * Clears ranges of one space, slice by slice: a leaf at most under its page-table lock at a time, in a section of its own. Between slices
 * nothing is held, so the caller may be suspended, interrupted, or hand the rest to somebody else.
 *
 * <p>Nobody may install entries in the range any more: its regions have ended. Thread safety: any thread, each with a gather of its own.
 */
public final class SpaceUnmapper {
    private final Gathers gathers;
    private final SpaceTable table;

    /**
     * @param gathers whose slots and frames are used.
     * @param table of the space.
     */
    public SpaceUnmapper(final Gathers gathers, final SpaceTable table) {
        this.gathers = gathers;
        this.table = table;
    }

    /**
     * Clears a range. Waits for the short locks and, as the gather's mode says, in its flushes; the last flush is that of the gather's end.
     *
     * @param gather of the calling thread.
     * @param startPage the first.
     * @param endPage exclusive.
     * @param freeTables whether leaves without an entry are taken away: not if the pages are likely to be touched again.
     */
    public void unmap(final MmuGather gather, final long startPage, final long endPage, final boolean freeTables) {
        for (long page = startPage; page < endPage; ) {
            page = slice(gather, page, endPage, freeTables);
        }
    }

    /**
     * One step of {@link #unmap}: what lies in one leaf, or as much of it as the gather has room for; and then a flush, if it has no more.
     *
     * @param gather of the calling thread.
     * @param startPage the first.
     * @param endPage exclusive.
     * @param freeTables as for {@link #unmap}.
     * @return where to go on; at least {@code endPage} if all is done.
     */
    public long slice(final MmuGather gather, final long startPage, final long endPage, final boolean freeTables) {
        final long leafEnd = (SpaceTable.leafOf(startPage) + 1) << SpaceTable.LEAF_SHIFT;
        final long next = clear(gather, startPage, Math.min(endPage, leafEnd), freeTables);
        if (gather.isFull()) {
            gather.flush();
        }
        return next;
    }

    private long clear(final MmuGather gather, final long startPage, final long endPage, final boolean freeTables) {
        final SpinLock lock = table.lockOf(startPage);
        // Surely: unmapping must not fail, and whoever holds it does a bounded number of steps.
        lock.acquireSurely();
        try {
            return clearLazily(gather, startPage, endPage, freeTables);
        } finally {
            lock.unlock();
        }
    }

    private long clearLazily(final MmuGather gather, final long startPage, final long endPage, final boolean freeTables) {
        table.lazyEnter(startPage);
        try {
            return clearInSection(gather, startPage, endPage, freeTables);
        } finally {
            // Before the lock is let go: whoever has it next may store a new entry (G12).
            table.lazyExit(startPage);
        }
    }

    private long clearInSection(final MmuGather gather, final long startPage, final long endPage, final boolean freeTables) {
        final Cpu cpu = gathers.cpus.tryEnter();
        try {
            return clearLocked(cpu, gather, startPage, endPage, freeTables);
        } finally {
            if (cpu != null) {
                cpu.exit();
            }
        }
    }

    private long clearLocked(
        final Cpu cpu, final MmuGather gather, final long startPage, final long endPage, final boolean freeTables) {
        long page = startPage;
        if (table.used(page) == 0) {
            page = endPage;
        }
        while (page < endPage && !gather.isFull()) {
            final long old = table.replaceNoFlush(page, SpaceEntry.NONE);
            if (SpaceEntry.isCounted(old)) {
                gather.remove(cpu, page, gathers.frames.memory().frameOf(SpaceEntry.nativePage(old)));
            } else if (!SpaceEntry.isNone(old)) {
                gather.touch(page);
            }
            page++;
        }
        if (freeTables && page == endPage) {
            final long frame = table.detachUnusedNoFlush(startPage);
            if (frame != PhysicalMemory.NO_FRAME) {
                gather.removeTable(cpu, startPage, frame);
            }
        }
        return page;
    }
}
