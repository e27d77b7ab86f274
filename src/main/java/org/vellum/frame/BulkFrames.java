package org.vellum.frame;

import org.vellum.cpu.Cpu;

/** Many single frames in one call: straight between an array and the buddy, past the slot's list, as far as that saves visits. */
final class BulkFrames {
    /** Blocks moved in one go between an array and the buddy: bounds how long the lock is held. */
    private static final int BATCH = 64;

    private final FrameTable table;
    private final Buddy buddy;
    private final SlotLists lists;
    private final Supply supply;

    BulkFrames(final FrameTable table, final Buddy buddy, final SlotLists lists, final Supply supply) {
        this.table = table;
        this.buddy = buddy;
        this.lists = lists;
        this.supply = supply;
    }

    /** How many there were. By the slot's occupant, who has reserved stack and checked the range. */
    int allocate(final Cpu cpu, final long[] frames, final int offset, final int count) {
        int got = 0;
        boolean settled = false;
        try {
            for (int taken = 1; taken != 0 && got < count; got += taken) {
                taken = allocateSome(cpu, frames, offset + got, count - got);
            }
            settled = true;
            return got;
        } finally {
            if (!settled) {
                // The watermark's callback threw, and the caller will not learn how many there are.
                free(cpu, frames, offset, got);
            }
        }
    }

    private int allocateSome(final Cpu cpu, final long[] frames, final int offset, final int count) {
        final int taken = count < BATCH ? 0 : takeBatch(frames, offset);
        if (taken != 0) {
            return taken;
        }
        frames[offset] = allocateOne(cpu);
        return frames[offset] == PhysicalMemory.NO_FRAME ? 0 : 1;
    }

    private long allocateOne(final Cpu cpu) {
        final long frame = lists.take(cpu, 0);
        if (frame == PhysicalMemory.NO_FRAME) {
            return supply.allocate(cpu, 0);
        }
        table.putWord(frame, FrameWord.allocated(0));
        return frame;
    }

    /**
     * Takes up to a batch past the lists; 0 if the buddy is empty or contended: the single allocation knows what to do.
     */
    private int takeBatch(final long[] frames, final int offset) {
        supply.announce(BATCH);
        if (!buddy.tryLock()) {
            return 0;
        }
        int taken = 0;
        try {
            for (long frame; taken < BATCH && (frame = buddy.take(0)) != PhysicalMemory.NO_FRAME; taken++) {
                frames[offset + taken] = frame;
            }
        } finally {
            buddy.unlock();
        }
        for (int i = 0; i < taken; i++) {
            table.putWord(frames[offset + i], FrameWord.allocated(0));
        }
        return taken;
    }

    /** All, or on misuse none. By the slot's occupant, who has reserved stack and checked the range. */
    void free(final Cpu cpu, final long[] frames, final int offset, final int count) {
        for (int i = 0; i < count; i++) {
            if (!table.claim(frames[offset + i], 0)) {
                final RuntimeException misuse = table.misuse(frames[offset + i], 0);
                for (int claimed = 0; claimed < i; claimed++) {
                    // Ours since the claim, so a store gives it back to its owner.
                    table.putWord(frames[offset + claimed], FrameWord.allocated(0));
                }
                throw misuse;
            }
        }
        for (int i = 0; i < count; i++) {
            supply.giveBack(cpu, frames[offset + i], 0);
        }
    }
}
