package org.vellum.gather;

import org.vellum.cpu.Cpu;
import org.vellum.cpu.StackReserve;
import org.vellum.frame.PhysicalMemory;
import org.vellum.lock.LockOrder;

/**
 * What one thread takes out of an address space, between clearing and freeing: the {@code mmu_gather} of reference 3, whose essay is in the
 * package documentation.
 *
 * <pre>
 *   inline   8 frames, always there
 *   batches  up to 19, of 510 frames each, each in a frame; one is filled at a time
 * </pre>
 *
 * <p>Belongs to the thread that began it, which may be suspended anywhere: nothing here is held between calls but memory. Entries are
 * cleared, and told to it, under their page-table lock; {@link #flush} is called without any.
 */
public final class MmuGather implements AutoCloseable {
    /** Frames that need no memory. */
    public static final int INLINE = 8;
    /** Frames that a batch lists. */
    public static final int BATCH_FRAMES = FrameBatches.ENTRIES;
    /** Batches at most: some ten thousand frames freed in one go do no harm. */
    public static final int MAX_BATCHES = 19;
    /** What fits before a flush must come. */
    public static final int MOST_FRAMES = INLINE + MAX_BATCHES * BATCH_FRAMES;

    /** How long a flush waits for limbo to fall below its bound: no reason to stay for a section that does not end. */
    private static final long MOST_WAIT_NANOS = 10_000_000;

    private final Gathers gathers;
    private final long[] inline = new long[INLINE];
    private final long[] held = new long[MAX_BATCHES];
    private int inlineCount;
    private int heldCount;
    /** How many of the held batches list anything. The last of them is being filled. */
    private int filled;
    private boolean full;

    private SpaceFlushes space;
    private GatherMode mode;
    private boolean freedTables;
    private long startPage;
    private long endPage;

    MmuGather(final Gathers gathers) {
        this.gathers = gathers;
    }

    void begin(final SpaceFlushes flushes, final GatherMode gatherMode) {
        assert space == null : "begun twice";
        // Enough for each step to the end, which the same thread takes at about this depth: half an unmap cannot be taken back.
        StackReserve.ensureOperations();
        flushes.begin();
        space = flushes;
        mode = gatherMode;
        resetRange();
    }

    private void resetRange() {
        startPage = Long.MAX_VALUE;
        endPage = 0;
        freedTables = false;
    }

    /**
     * Notes that an entry has changed in a way that owes a flush: cleared, or its permission lowered.
     *
     * @param page of the space.
     */
    public void touch(final long page) {
        startPage = Math.min(startPage, page);
        endPage = Math.max(endPage, page + 1);
    }

    /**
     * Takes the reference of an entry that has been cleared. Adds first, then looks whether there is room for another (G2).
     *
     * @param cpu the slot that the caller occupies, for a batch; null if it could get none.
     * @param page whose entry it was.
     * @param frame that it held a reference to.
     * @return whether there is no more room: the caller lets go of its lock and calls {@link #flush} before it clears another.
     */
    public boolean remove(final Cpu cpu, final long page, final long frame) {
        assert space != null && !full : "page=" + page + " full=" + full;
        touch(page);
        if (filled > 0) {
            gathers.batches.add(held[filled - 1], frame);
            full = gathers.batches.count(held[filled - 1]) == BATCH_FRAMES && !nextBatch(cpu);
        } else {
            inline[inlineCount++] = frame;
            full = inlineCount == INLINE && !nextBatch(cpu);
        }
        return full;
    }

    /** One of those that an earlier flush has emptied, or a new one: one attempt in each full batch (G3). */
    private boolean nextBatch(final Cpu cpu) {
        if (filled == heldCount) {
            final long batch = heldCount == MAX_BATCHES ? PhysicalMemory.NO_FRAME : gathers.batches.allocate(cpu);
            if (batch == PhysicalMemory.NO_FRAME) {
                return false;
            }
            held[heldCount++] = batch;
        }
        filled++;
        return true;
    }

    /**
     * Takes the frame of a table that has been detached. It is on its way at once, before all pages (G8), and comes free a grace period later.
     *
     * @param cpu the slot that the caller occupies, or null if it could get none.
     * @param page of the table.
     * @param frame of the table.
     */
    public void removeTable(final Cpu cpu, final long page, final long frame) {
        assert space != null : "not begun";
        touch(page);
        freedTables = true;
        gathers.tables.retire(cpu, frame);
    }

    /** @return whether there is no room for another frame before a flush. */
    public boolean isFull() {
        return full;
    }

    /** @return how many frames are gathered, and not flushed. */
    public int gathered() {
        return inlineCount + (filled == 0 ? 0 : (filled - 1) * BATCH_FRAMES + gathers.batches.count(held[filled - 1]));
    }

    /** @return the first page touched since the last flush; {@link Long#MAX_VALUE} if none was. */
    public long startPage() {
        return startPage;
    }

    /** @return the end, exclusive, of what was touched since the last flush; 0 if nothing was. */
    public long endPage() {
        return endPage;
    }

    /** @return whether a table was taken since the last flush. */
    public boolean freedTables() {
        return freedTables;
    }

    /**
     * Flushes what was touched, then frees what was gathered, or leaves it to limbo. Nothing touched, nothing done (G5). Holding neither a
     * page-table lock nor the space lock exclusively; waits, parked, as the {@linkplain GatherMode mode} says, and never inside a section.
     */
    public void flush() {
        assert space != null : "not begun";
        if (endPage == 0) {
            return;
        }
        if (full) {
            gathers.count(GatherEvent.FULL);
        }
        final boolean inSection = gathers.cpus.inSection();
        // Never a lock that a section might spin for: LockOrder.
        assert inSection || mode == GatherMode.RETIRE_AT_ONCE || LockOrder.mayAwaitGracePeriod() : "a flush may wait";
        flushNow(inSection);
        resetRange();
    }

    private void flushNow(final boolean inSection) {
        gathers.count(GatherEvent.FLUSH);
        if (inSection || mode != GatherMode.WAIT) {
            gathers.count(GatherEvent.RETIRE);
            retire(inSection);
        } else {
            gathers.count(GatherEvent.WAIT);
            await();
            free();
        }
        full = false;
    }

    private void await() {
        // The stamp carries the fence that makes the clear visible first.
        gathers.epochs.awaitPassed(gathers.epochs.stamp(), Long.MAX_VALUE);
    }

    /** After the grace period, outside sections. */
    private void free() {
        while (filled > 0) {
            final Cpu cpu = gathers.enterSurely(this);
            try {
                gathers.batches.freeListed(cpu, held[filled - 1]);
                filled--;
            } finally {
                cpu.exit();
            }
        }
        if (inlineCount > 0) {
            final Cpu cpu = gathers.enterSurely(this);
            try {
                freeInline(cpu);
            } finally {
                cpu.exit();
            }
        }
    }

    private void freeInline(final Cpu cpu) {
        while (inlineCount > 0) {
            gathers.frames.put(cpu, inline[inlineCount - 1]);
            // Afterwards: a put that throws has changed nothing.
            inlineCount--;
        }
    }

    /** Before the grace period, which limbo waits for. */
    private void retire(final boolean inSection) {
        final Cpu cpu = gathers.cpus.tryEnter();
        try {
            final boolean listed = filled > 0;
            while (filled > 0) {
                retireLast(cpu);
            }
            if (listed && !full && cpu != null) {
                // As much comes back as goes; who was full polls below.
                gathers.batches.releaseOwn(cpu);
            }
            while (inlineCount > 0 && gathers.open.add(cpu, inline[inlineCount - 1])) {
                inlineCount--;
            }
        } finally {
            if (cpu != null) {
                cpu.exit();
            }
        }
        if (inlineCount > 0) {
            retireWithoutBatch(inSection);
        }
        keepLimboSmall(inSection);
    }

    /** One poll in ten thousand frames, or when there is too much in limbo; then a bounded wait. */
    private void keepLimboSmall(final boolean inSection) {
        final boolean tooMuch = gathers.batches.limboBytes() > gathers.mostLimboBytes;
        if (full || tooMuch) {
            gathers.batches.poll();
        }
        if (tooMuch && !inSection && mode != GatherMode.RETIRE_AT_ONCE && gathers.batches.limboBytes() > gathers.mostLimboBytes) {
            gathers.count(GatherEvent.WAIT);
            gathers.epochs.awaitPassed(gathers.epochs.stamp(), MOST_WAIT_NANOS);
            gathers.batches.poll();
        }
    }

    /** The held batches that list something are the first ones; what is behind is empty, and kept. */
    private void retireLast(final Cpu cpu) {
        final long batch = held[filled - 1];
        if (gathers.batches.count(batch) == 0) {
            filled--;
            return;
        }
        filled--;
        heldCount--;
        held[filled] = held[heldCount];
        gathers.batches.retire(cpu, batch);
    }

    private void retireWithoutBatch(final boolean inSection) {
        if (inSection || mode == GatherMode.RETIRE_AT_ONCE) {
            gathers.retireOnHeap(inline, inlineCount);
            inlineCount = 0;
        } else {
            await();
            free();
        }
    }

    /**
     * Ends the gather: flushes, and lets go of all memory. Also if nothing was touched but another gather of the space is under way, because
     * what that has cleared and not flushed may be what this one found cleared (G9).
     */
    @Override
    public void close() {
        if (space == null) {
            return;
        }
        try {
            if (endPage != 0) {
                flush();
            } else if (mode == GatherMode.WAIT && space.isNested() && !gathers.cpus.inSection()) {
                gathers.count(GatherEvent.NESTED);
                await();
            } else {
                gathers.count(GatherEvent.NOTHING);
            }
            releaseBatches();
        } finally {
            end();
        }
    }

    private void releaseBatches() {
        if (heldCount > 0) {
            final Cpu cpu = gathers.cpus.tryEnter();
            try {
                while (heldCount > 0) {
                    heldCount--;
                    releaseBatch(cpu, held[heldCount]);
                }
            } finally {
                if (cpu != null) {
                    cpu.exit();
                }
            }
        }
    }

    private void releaseBatch(final Cpu cpu, final long batch) {
        if (cpu == null) {
            // No slot to free it on: limbo has one some time.
            gathers.batches.retire(null, batch);
        } else {
            gathers.batches.free(cpu, batch);
        }
    }

    /** The last step of all. */
    private void end() {
        final SpaceFlushes flushes = space;
        space = null;
        full = false;
        flushes.end();
        gathers.ended(this, inlineCount == 0 && heldCount == 0);
    }
}
