package org.vellum.frame;

import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;

/**
 * Moves blocks between the lists of slots, the depot, the buddy and the banks: what {@link FrameAllocator} does once a list is empty or
 * full.
 *
 * <p>Thread safety: methods that take a {@link Cpu} are for its occupant, who has reserved stack; nothing parks but
 * {@link #drainIdle} and {@link #grow}.
 */
final class Supply {
    private static final long NO_FRAME = PhysicalMemory.NO_FRAME;

    private final Cpus cpus;
    private final FrameTable table;
    private final Buddy buddy;
    private final Banks banks;
    private final SlotLists lists;
    private final Depot depot;
    private final Counters counters;
    private final FrameTotals totals;
    private final int bankOrder;
    private volatile Watermark watermark = new Watermark(0, () -> { });

    Supply(
        final Cpus cpus,
        final FrameTable table,
        final Buddy buddy,
        final Banks banks,
        final SlotLists lists,
        final Depot depot,
        final Counters counters,
        final FrameTotals totals,
        final int bankOrder) {
        this.cpus = cpus;
        this.table = table;
        this.buddy = buddy;
        this.banks = banks;
        this.lists = lists;
        this.depot = depot;
        this.counters = counters;
        this.totals = totals;
        this.bankOrder = bankOrder;
    }

    void watch(final Watermark mark) {
        watermark = mark;
    }

    /** Tells the watermark of frames about to be taken. Before anything is taken: should the callback throw, nothing is lost. */
    void announce(final long frames) {
        watermark.fall(totals.sharedFreeFrames() - frames);
    }

    /**
     * A block of a batch that fills the slot's empty list, from the depot or else from the buddy; or from a bank that is added for it.
     *
     * @return its head, allocated, or NO_FRAME.
     * @throws IllegalArgumentException if the order is negative.
     */
    long allocate(final Cpu cpu, final int order) {
        if (order < 0) {
            throw new IllegalArgumentException("order=" + order);
        }
        final long frame = take(cpu, order, 1L << order, true);
        if (frame != NO_FRAME) {
            table.putWord(frame, FrameWord.allocated(order));
        }
        return frame;
    }

    /**
     * The first frames of a block as {@link #allocate} gets it; the others stay in the buddy.
     *
     * @param order at least 0.
     * @param frames of the block that are wanted: all, or at least one.
     * @param patient whether to wait for a bank that another thread is adding.
     * @return the head of the first of the blocks that cover those exactly, all CACHED and the caller's; or NO_FRAME.
     */
    long take(final Cpu cpu, final int order, final long frames, final boolean patient) {
        if (order > bankOrder) {
            return NO_FRAME;
        }
        if (frames == 1L << order && SlotLists.isListed(cpu, order) && depot.withdraw(cpu.index(), order)) {
            // Not announced: what every slot can get at has not become less.
            return lists.take(cpu, order);
        }
        announce(frames);
        while (true) {
            final long seen = banks.added();
            if (!buddy.lock()) {
                return NO_FRAME;
            }
            final long frame;
            try {
                frame = takeFromBuddy(order);
                if (frame != NO_FRAME && frames != 1L << order) {
                    buddy.trim(frame, frames);
                } else if (frame != NO_FRAME && SlotLists.isListed(cpu, order)) {
                    refill(cpu.index(), order);
                }
            } finally {
                buddy.unlock();
            }
            if (frame != NO_FRAME) {
                return frame;
            }
            // What the slot's own lists hold may be all there is, or complete a larger block.
            if (!banks.add(seen, patient) && drain(cpu) == 0) {
                return NO_FRAME;
            }
        }
    }

    /**
     * A block of what is in the buddy, or else of what the depot's blocks make there: before a bank is added, and in one visit, so that
     * exhaustion is only reported by who has seen both empty. Under the buddy's lock.
     */
    private long takeFromBuddy(final int order) {
        final long frame = buddy.take(order);
        if (frame != NO_FRAME || depot.drainTo(buddy) == 0) {
            return frame;
        }
        watermark.rise(totals.sharedFreeFrames());
        return buddy.take(order);
    }

    /**
     * Fills the list of a slot with what a batch has left after the block just taken. It was empty, but the watermark's callback may have
     * freed into it since. Under the buddy's lock.
     */
    private void refill(final int slot, final int order) {
        final boolean empty = lists.size(slot, order) == 0;
        while (lists.size(slot, order) < lists.batch(order) - 1) {
            final long frame = buddy.take(order);
            if (frame == NO_FRAME) {
                break;
            }
            lists.push(slot, order, frame);
        }
        if (empty && lists.size(slot, order) != 0) {
            lists.reverse(slot, order);
            counters.count(FrameEvent.REFILL);
        }
    }

    /** Puts a claimed block where it can be had again: into the slot's list, or to the buddy. Never waits. */
    void giveBack(final Cpu cpu, final long frame, final int order) {
        if (lists.offer(cpu, order, frame)) {
            return;
        }
        if (SlotLists.isListed(cpu, order) && lists.batch(order) != 0) {
            if (!depot.deposit(cpu.index(), order)) {
                drainOldest(cpu.index(), order, lists.batch(order));
            }
            lists.push(cpu.index(), order, frame);
        } else {
            giveBackChain(frame, frame, 1L << order);
        }
    }

    /** Gives claimed blocks, linked by their next words, to the buddy. Never waits. */
    void giveBackChain(final long first, final long last, final long frames) {
        buddy.giveOrPush(first, last, frames);
        watermark.rise(totals.sharedFreeFrames());
    }

    /** Gives the blocks that were freed longest ago back: to the buddy, or in one chain to its overflow stack. */
    private void drainOldest(final int slot, final int order, final int count) {
        if (buddy.tryLock()) {
            try {
                for (int i = 0; i < count; i++) {
                    buddy.give(lists.get(slot, order, i), order);
                }
            } finally {
                buddy.unlock();
            }
        } else {
            for (int i = 1; i < count; i++) {
                table.putNext(lists.get(slot, order, i - 1), lists.get(slot, order, i));
            }
            buddy.pushOverflow(lists.get(slot, order, 0), lists.get(slot, order, count - 1), (long)count << order);
        }
        lists.dropOldest(slot, order, count);
        counters.count(FrameEvent.DRAIN);
        watermark.rise(totals.sharedFreeFrames());
    }

    /** Gives everything in the lists of the occupant's slot back. Never waits. Returns how many frames that were. */
    int drain(final Cpu cpu) {
        int frames = 0;
        if (cpu.carriesCaches()) {
            for (int order = 0; order < SlotLists.ORDERS; order++) {
                final int size = lists.size(cpu.index(), order);
                if (size != 0) {
                    drainOldest(cpu.index(), order, size);
                    frames += size << order;
                }
            }
        }
        return frames;
    }

    /**
     * Gives everything in the depot to the buddy; how many frames that were.
     *
     * @param patient whether to try the buddy's lock as long as an allocation does, or for some microseconds only.
     */
    int drainDepot(final boolean patient) {
        // Looked at first, without the lock: mostly there is nothing.
        if (depot.frames() == 0 || !(patient ? buddy.lock() : buddy.tryLock())) {
            return 0;
        }
        final int frames;
        try {
            frames = depot.drainTo(buddy);
        } finally {
            buddy.unlock();
        }
        watermark.rise(totals.sharedFreeFrames());
        return frames;
    }

    /** {@link #drain} of all slots that nobody occupies, and of the depot; waits, parked, for a bank being added. Outside sections. */
    int drainIdle() {
        int frames = 0;
        for (int slot = 0; slot < cpus.usedCachedSlots(); slot++) {
            final Cpu cpu = cpus.tryVisit(slot);
            if (cpu != null) {
                try {
                    frames += drain(cpu);
                } finally {
                    cpu.exit();
                }
            }
        }
        frames += drainDepot(true);
        banks.awaitGrowth();
        return frames;
    }

    /** Adds banks until so many frames are free in those that are present. Outside sections. Whether there are. */
    boolean grow(final long frames) {
        while (totals.freePresentFrames() < frames) {
            final long seen = banks.added();
            // Again, now that it is known what has been added: else a bank would be added beside one that is enough.
            if (totals.freePresentFrames() < frames && !banks.add(seen, true)) {
                return false;
            }
        }
        return true;
    }

    /**
     * {@link #grow}, inside a section only what others add; whether there are more banks than were seen. One on its way is waited for
     * no matter how many frames are free: they are not what was wanted, or belong to that bank, which has been served but not counted.
     */
    boolean awaitBank(final long frames, final long seen) {
        if (banks.added() == seen) {
            if (banks.growing() || cpus.inSection()) {
                banks.awaitGrowth();
            } else {
                grow(frames);
            }
        }
        return banks.added() != seen;
    }
}
