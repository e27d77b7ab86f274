package org.vellum.gather;

import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.SpinLock;
import org.vellum.epoch.Retirement;
import org.vellum.frame.FrameTable;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mem.Words;
import org.vellum.mmu.SpaceEntry;
import org.vellum.mmu.SpaceTable;

/**
 * The end of a space, all of it at once: flushes once, first, then frees (the kernel's {@code fullmm}).
 *
 * <pre>
 *   t1: detach every leaf, entries and all: no walker that comes later finds any
 *   t2: one grace period
 *   t3: leaf by leaf: give up the references that its entries hold, free it
 * </pre>
 * No entry is cleared, hence none needs to be remembered: the leaves themselves, chained through the words of the frame table, are the list
 * of what is to be freed. Whoever sets A or D does so inside a section, so what t3 finds in an entry is final.
 *
 * <p>Nobody may install entries any more: all regions have ended. {@link #detach} and {@link #free} are called by one thread each, in this order;
 * if the grace period takes too long, limbo calls the latter.
 */
public final class SpaceTeardown extends Retirement {
    private static final long NOTHING = 0;

    private final Gathers gathers;
    private final SpaceTable table;
    private final ClearedEntries entries;
    /** Frame of the first leaf in the chain, or 0: there is no frame of that number. */
    private long first = NOTHING;
    /** How many entries of the first leaf are dealt with. */
    private int done;

    /**
     * @param gathers of the memory.
     * @param table of the space.
     * @param entries hears of each that held anything.
     */
    public SpaceTeardown(final Gathers gathers, final SpaceTable table, final ClearedEntries entries) {
        this.gathers = gathers;
        this.table = table;
        this.entries = entries;
    }

    private Words records() {
        return gathers.frames.table().records();
    }

    private static long record(final long frame) {
        return frame * FrameTable.RECORD_WORDS;
    }

    /**
     * t1. Waits for short locks only. First for all of them once: a fault that has found its region current, and holds the lock, may be about to
     * attach a leaf where none is seen yet; afterwards none is attached any more, and a look without the lock is enough.
     */
    public void detach() {
        table.passLocks();
        for (long leaf = 0; leaf < table.leaves(); leaf++) {
            final long page = leaf << SpaceTable.LEAF_SHIFT;
            if (table.hasLeafFor(page)) {
                chain(leaf, take(page));
            }
        }
    }

    private long take(final long page) {
        final SpinLock lock = table.lockOf(page);
        lock.acquireSurely();
        try {
            return table.detachNoFlush(page);
        } finally {
            lock.unlock();
        }
    }

    private void chain(final long leaf, final long frame) {
        if (frame != PhysicalMemory.NO_FRAME) {
            // Plain: of the frame's holder, who is the caller now.
            records().putPlain(record(frame) + FrameTable.LINK, first);
            records().putPlain(record(frame) + FrameTable.STAMP, leaf);
            first = frame;
        }
    }

    /**
     * t2 and t3: waits, parked, then frees; or, if sections stay open for too long, leaves it to limbo. Outside sections.
     *
     * @param nanos how long to wait.
     */
    public void flushAndFree(final long nanos) {
        gathers.count(GatherEvent.FLUSH);
        // The stamp carries the fence that makes the detaching visible first.
        if (first == NOTHING || gathers.epochs.awaitPassed(gathers.epochs.stamp(), nanos)) {
            gathers.count(GatherEvent.WAIT);
            free();
        } else {
            gathers.count(GatherEvent.RETIRE);
            gathers.retire(this);
        }
    }

    @Override
    protected void released() {
        free();
    }

    /** t3: a section for each leaf, nothing held in between. */
    private void free() {
        while (first != NOTHING) {
            final Cpu cpu = gathers.enterSurely(this);
            try {
                freeLeaf(cpu);
            } finally {
                cpu.exit();
            }
        }
    }

    private void freeLeaf(final Cpu cpu) {
        final long frame = first;
        final long base = gathers.frames.memory().nativeAddress(frame);
        final long firstPage = records().getPlain(record(frame) + FrameTable.STAMP) << SpaceTable.LEAF_SHIFT;
        for (; done < SpaceTable.LEAF_PAGES; done++) {
            final long entry = UnsafeApi.getLong(base + ((long)done << 3));
            if (!SpaceEntry.isNone(entry)) {
                freeEntry(cpu, firstPage + done, entry);
            }
        }
        first = records().getPlain(record(frame) + FrameTable.LINK);
        done = 0;
        gathers.tables.free(cpu, frame);
    }

    private void freeEntry(final Cpu cpu, final long page, final long entry) {
        entries.cleared(page, entry);
        if (SpaceEntry.isCounted(entry)) {
            gathers.frames.put(cpu, gathers.frames.memory().frameOf(SpaceEntry.nativePage(entry)));
        }
    }
}
