package org.vellum.frame;

import java.util.BitSet;

/** The walker behind {@link FrameAllocator#verify}: under the buddy's lock, in a quiet system. */
final class FrameVerifier {
    private final PhysicalMemory memory;
    private final FrameTable table;
    private final Buddy buddy;
    private final SlotLists lists;
    private final Depot depot;
    private final Counters counters;

    /** Heads found in lists of slots and in the depot. */
    private final BitSet listed = new BitSet();
    private long freeFrames;
    private long cachedFrames;

    /** Exclusive end of the last run that was found. */
    private long runEnd;

    FrameVerifier(
        final PhysicalMemory memory,
        final FrameTable table,
        final Buddy buddy,
        final SlotLists lists,
        final Depot depot,
        final Counters counters) {
        this.memory = memory;
        this.table = table;
        this.buddy = buddy;
        this.lists = lists;
        this.depot = depot;
        this.counters = counters;
    }

    void verify() {
        walkLists();
        walkDepot();
        for (int number = 1; number < memory.bankLimit(); number++) {
            final MemoryBank bank = memory.bank(number);
            if (bank != null) {
                final long inTable = walkTable(bank);
                final long inBuddy = walkBuddy(bank);
                require(inTable == inBuddy, bank.firstFrame(), "free in table=" + inTable + " in buddy=" + inBuddy);
                freeFrames += inTable;
            }
        }
        final long cached = lists.frames() + depot.frames();
        require(cachedFrames == cached, 0, "cached in table=" + cachedFrames + " in lists and depot=" + cached);
        require(freeFrames == counters.buddyFrames(), 0, "free=" + freeFrames + " counted=" + counters.buddyFrames());
        // Whoever holds the lock has emptied the stack.
        require(counters.overflowFrames() == 0, 0, "overflow=" + counters.overflowFrames());
    }

    private void walkLists() {
        for (int slot = 0; slot < lists.slots(); slot++) {
            for (int order = 0; order < SlotLists.ORDERS; order++) {
                for (int i = 0; i < lists.size(slot, order); i++) {
                    note(lists.get(slot, order, i), order, "slot=" + slot);
                }
            }
        }
    }

    private void walkDepot() {
        for (int order = 0; order < SlotLists.ORDERS; order++) {
            for (int index = 0; index < depot.entries(); index++) {
                require(!depot.isBusy(order, index), 0, "entry=" + index + " of order=" + order + " is busy in a quiet system");
                for (int i = 0; i < depot.size(order, index); i++) {
                    note(depot.get(order, index, i), order, "the depot");
                }
            }
        }
    }

    private void note(final long frame, final int order, final String where) {
        require(memory.isPresent(frame) && table.word(frame) == FrameWord.cached(order), frame,
            where + " lists it with order=" + order);
        require(!listed.get(Math.toIntExact(frame)), frame, "listed twice, again by " + where);
        listed.set((int)frame);
    }

    /** Every frame belongs to one aligned block of a known state. Returns the free frames. */
    private long walkTable(final MemoryBank bank) {
        final long end = bank.firstFrame() + bank.frames();
        long free = 0;
        for (long frame = bank.firstFrame(); frame < end;) {
            final int order = table.order(frame);
            final long size = 1L << order;
            require((frame & size - 1) == 0 && frame + size <= end, frame, "misaligned");
            for (long tail = frame + 1; tail < frame + size; tail++) {
                require(table.word(tail) == FrameWord.TAIL && table.run(tail) == 0, tail, "not a tail of head=" + frame);
            }
            switch (table.state(frame)) {
                case FrameTable.FREE -> free += size;
                case FrameTable.CACHED -> {
                    require(listed.get(Math.toIntExact(frame)), frame, "cached in no list");
                    cachedFrames += size;
                }
                default -> require(
                    table.state(frame) == FrameTable.ALLOCATED && table.count(frame) >= 1, frame, "no state");
            }
            walkRun(frame, end);
            frame += size;
        }
        return free;
    }

    /** A run of several blocks is cut as its ends demand, and nobody is in the middle of resizing it. */
    private void walkRun(final long frame, final long end) {
        final int mark = Math.max(0, table.mark(frame));
        final long run = table.run(frame);
        require(mark == 0 || table.count(frame) == 1, frame, "marked and shared");
        require(mark != FrameTable.RUN_CHANGING, frame, "in the middle of a change");
        require((mark == FrameTable.RUN_PIECE) == (frame < runEnd), frame, "mark=" + mark + " in or behind a run to " + runEnd);
        if (mark == 0) {
            // Then it says who shows the block.
            require(run == 0 || table.state(frame) == FrameTable.ALLOCATED, frame, "free, and shown by mapper=" + run);
        } else if (run != 0) {
            require(mark != 0 && mark != FrameTable.RUN_PIECE, frame, "run=" + run + " but mark=" + mark);
            require(run > 1L << table.order(frame) && frame + run <= end, frame, "run=" + run);
            runEnd = frame + run;
        }
        require(frame >= runEnd || table.order(frame) == FrameRuns.pieceOrder(frame, runEnd), frame,
            "not the block that a run to " + runEnd + " has here");
    }

    /**
     * The lists of the bank hold free blocks only, linked both ways, none beside a free buddy. Returns their frames.
     */
    private long walkBuddy(final MemoryBank bank) {
        long frames = 0;
        for (int order = 0; order <= memory.bankShift(); order++) {
            long previous = 0;
            for (long frame = buddy.firstFree(bank.number(), order); frame != 0; frame = table.next(frame)) {
                require(frame >>> memory.bankShift() == bank.number(), frame, "in the list of bank=" + bank.number());
                require(table.word(frame) == FrameWord.free(order), frame, "in the free list of order=" + order);
                require(table.previous(frame) == previous, frame, "previous should be " + previous);
                require(order == memory.bankShift() || table.word(frame ^ 1L << order) != FrameWord.free(order), frame,
                    "not joined with its free buddy");
                previous = frame;
                frames += 1L << order;
                require(frames <= bank.frames(), frame, "the free list of order=" + order + " has a cycle");
            }
        }
        return frames;
    }

    private void require(final boolean holds, final long frame, final String what) {
        if (!holds) {
            throw new AssertionError("frame=" + frame + " state=" + table.state(frame) + " order=" + table.order(frame)
                + " count=" + table.count(frame) + ": " + what);
        }
    }
}
