package org.vellum.gather;

import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.SpinLock;
import org.vellum.frame.PhysicalMemory;
import org.vellum.lock.HoldTimes;
import org.vellum.mmu.SpaceEntry;
import org.vellum.mmu.SpaceTable;

/**
 * Changes ranges of one space, slice by slice: a leaf at most under its page-table lock at a time, in a section of its own. Between slices
 * nothing is held, so the caller may be suspended, interrupted, or hand the rest to somebody else.
 *
 * <p>Each method does one slice and says where to go on: at least the end if all is done. Thread safety: any thread, each with a gather of its
 * own.
 */
public final class SpaceUnmapper {
    private final Gathers gathers;
    private final SpaceTable table;
    private final HoldTimes holdTimes;

    /**
     * @param gathers whose slots and frames are used.
     * @param table of the space.
     * @param holdTimes hears how long page-table locks were held.
     */
    public SpaceUnmapper(final Gathers gathers, final SpaceTable table, final HoldTimes holdTimes) {
        this.gathers = gathers;
        this.table = table;
        this.holdTimes = holdTimes;
    }

    /** What is done to the entries of one leaf, under its lock. */
    private interface Change {
        long apply(Cpu cpu, MmuGather gather, long startPage, long endPage, ClearedEntries entries);
    }

    private final Change clear = (cpu, gather, start, end, entries) -> clear(cpu, gather, start, end, entries, false);
    private final Change clearAndFreeTables = this::clearAndFreeTables;
    private final Change takeDirty = (cpu, gather, start, end, entries) -> takeDirty(gather, start, end);
    private final Change dropClean = (cpu, gather, start, end, entries) -> clear(cpu, gather, start, end, entries, true);

    /**
     * Clears a range that is nobody's any more.
     *
     * @param gather of the calling thread.
     * @param startPage the first.
     * @param endPage exclusive.
     * @param freeTables whether leaves without an entry are taken away: not if the pages are likely to be touched again.
     */
    public void unmap(final MmuGather gather, final long startPage, final long endPage, final boolean freeTables) {
        for (long page = startPage; page < endPage; ) {
            page = slice(gather, page, endPage, freeTables, ClearedEntries.ANY);
        }
    }

    /**
     * Clears what lies in one leaf, or as much of it as the gather has room for; and then flushes, if it has no more. Waits for the short lock
     * and, as the gather's mode says, for the flush; the last flush is that of the gather's end.
     *
     * @param gather of the calling thread.
     * @param startPage the first.
     * @param endPage exclusive.
     * @param freeTables as for {@link #unmap}.
     * @param entries whose they are.
     * @return where to go on.
     */
    public long slice(
        final MmuGather gather, final long startPage, final long endPage, final boolean freeTables, final ClearedEntries entries) {
        return locked(freeTables ? clearAndFreeTables : clear, gather, startPage, endPage, entries);
    }

    /**
     * As {@link #slice}, of what holds a reference and was not stored to since D was taken from it, and no more.
     *
     * @param gather of the calling thread.
     * @param startPage the first.
     * @param endPage exclusive.
     * @param entries whose they are.
     * @return where to go on.
     */
    public long sliceClean(final MmuGather gather, final long startPage, final long endPage, final ClearedEntries entries) {
        return locked(dropClean, gather, startPage, endPage, entries);
    }

    /**
     * Takes bits from what is present in one leaf; who wants them back faults for them. The gather's end flushes.
     *
     * @param gather of the calling thread.
     * @param startPage the first.
     * @param endPage exclusive.
     * @param bits of {@link SpaceEntry}.
     * @param entries whose they are.
     * @return where to go on.
     */
    public long lower(final MmuGather gather, final long startPage, final long endPage, final long bits, final ClearedEntries entries) {
        return locked((cpu, mine, start, end, whose) -> lower(mine, start, end, bits), gather, startPage, endPage, entries);
    }

    /**
     * Takes D from what is present in one leaf and nobody has pinned: who has may store at any time, and sets no D. The gather's end flushes.
     *
     * @param gather of the calling thread.
     * @param startPage the first.
     * @param endPage exclusive.
     * @param entries whose they are.
     * @return where to go on.
     */
    public long takeDirty(final MmuGather gather, final long startPage, final long endPage, final ClearedEntries entries) {
        return locked(takeDirty, gather, startPage, endPage, entries);
    }

    private long locked(
        final Change change, final MmuGather gather, final long startPage, final long endPage, final ClearedEntries entries) {
        final long leafEnd = Math.min(endPage, (SpaceTable.leafOf(startPage) + 1) << SpaceTable.LEAF_SHIFT);
        final SpinLock lock = table.lockOf(startPage);
        final long next;
        // Surely: unmapping must not fail, and whoever holds it does a bounded number of steps.
        lock.acquireSurely();
        final long since = System.nanoTime();
        try {
            next = lazily(change, gather, startPage, leafEnd, entries);
        } finally {
            lock.unlock();
            holdTimes.ended(since);
        }
        if (gather.isFull()) {
            gather.flush();
        }
        return next;
    }

    private long lazily(
        final Change change, final MmuGather gather, final long startPage, final long endPage, final ClearedEntries entries) {
        table.lazyEnter(startPage);
        try {
            return inSection(change, gather, startPage, endPage, entries);
        } finally {
            // Before the lock is let go: whoever has it next may store a new entry (G12).
            table.lazyExit(startPage);
        }
    }

    private long inSection(
        final Change change, final MmuGather gather, final long startPage, final long endPage, final ClearedEntries entries) {
        if (!entries.isStillThere()) {
            return endPage;
        }
        final Cpu cpu = gathers.cpus.tryEnter();
        try {
            return change.apply(cpu, gather, startPage, endPage, entries);
        } finally {
            if (cpu != null) {
                cpu.exit();
            }
        }
    }

    private long clear(
        final Cpu cpu, final MmuGather gather, final long startPage, final long endPage, final ClearedEntries entries,
        final boolean onlyClean) {
        if (table.used(startPage) == 0) {
            return endPage;
        }
        long page = startPage;
        while (page < endPage && !gather.isFull()) {
            final long old = onlyClean ? table.clearCleanNoFlush(page) : table.replaceNoFlush(page, SpaceEntry.NONE);
            if (SpaceEntry.isCounted(old)) {
                gather.remove(cpu, page, gathers.frames.memory().frameOf(SpaceEntry.nativePage(old)));
                entries.cleared(page, old);
            } else if (!SpaceEntry.isNone(old)) {
                gather.touch(page);
                entries.cleared(page, old);
            }
            page++;
        }
        return page;
    }

    private long clearAndFreeTables(
        final Cpu cpu, final MmuGather gather, final long startPage, final long endPage, final ClearedEntries entries) {
        final long next = clear(cpu, gather, startPage, endPage, entries, false);
        if (next == endPage) {
            final long frame = table.detachUnusedNoFlush(startPage);
            if (frame != PhysicalMemory.NO_FRAME) {
                gather.removeTable(cpu, startPage, frame);
            }
        }
        return next;
    }

    private long lower(final MmuGather gather, final long startPage, final long endPage, final long bits) {
        if (table.used(startPage) > 0) {
            for (long page = startPage; page < endPage; page++) {
                if ((table.changeNoFlush(page, bits, 0) & bits) != 0) {
                    gather.touch(page);
                }
            }
        }
        return endPage;
    }

    private long takeDirty(final MmuGather gather, final long startPage, final long endPage) {
        if (table.used(startPage) > 0) {
            for (long page = startPage; page < endPage; page++) {
                final long old = table.get(page);
                if (SpaceEntry.isCounted(old) && SpaceEntry.has(old, SpaceEntry.DIRTY)) {
                    takeDirtyUnlessPinned(gather, page, gathers.frames.memory().frameOf(SpaceEntry.nativePage(old)));
                }
            }
        }
        return endPage;
    }

    /**
     * First D, then the count: u1 and u2 of the walker's second look. Who pins for writing counts first and then looks for D: so its pin is
     * seen here, or it sees that D has gone.
     */
    private void takeDirtyUnlessPinned(final MmuGather gather, final long page, final long frame) {
        table.changeNoFlush(page, SpaceEntry.DIRTY, 0);
        UnsafeApi.fullFence();
        if (gathers.frames.table().count(frame) > 1) {
            table.changeNoFlush(page, 0, SpaceEntry.DIRTY);
        } else {
            gather.touch(page);
        }
    }
}
