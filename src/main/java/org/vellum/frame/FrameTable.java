package org.vellum.frame;

import org.vellum.mem.Words;

/**
 * What is known about each frame, packed into words off-heap. Indexes are in 64-bit words.
 *
 * <pre>
 *   record of one frame, 32 bytes: two to a cache line
 *   +---------+----------------------------------------------------------------------+
 *   | word 0  | {@link FrameWord}: who may change it depends on its state, see the package      |
 *   | word 1  | next, in a list of the buddy or on the overflow stack; 0 = last        |  lock, or pusher
 *   | word 2  | previous, in a list of the buddy; 0 = first                           |  lock
 *   | word 3  | owner: kept free for the room that maps frames                        |
 *   +---------+----------------------------------------------------------------------+
 * </pre>
 * Frame 0 does not exist, so 0 ends the lists. Records are reserved for all frames there may be, which costs addresses
 * only; those of a bank are set when it is added.
 *
 * <p>The public methods may be called by any thread; what they return about a frame that the caller does not own may
 * have changed before it is looked at.
 */
public final class FrameTable {
    /** The frame's bank is not present. */
    public static final int ABSENT = 0;

    /** Head of a free block in the buddy. */
    public static final int FREE = 1;

    /** Head of a free block in the list of a slot, or waiting for the buddy. */
    public static final int CACHED = 2;

    /** Head of a block that somebody owns. */
    public static final int ALLOCATED = 3;

    /** Inside a block of order above 0: {@link #head} finds the frame whose state counts. */
    public static final int TAIL = 4;

    private static final int RECORD_SHIFT = 2;
    private static final int NEXT = 1;
    private static final int PREVIOUS = 2;

    private final PhysicalMemory memory;
    private final Words words;

    FrameTable(final PhysicalMemory memory) {
        this.memory = memory;
        words = Words.reserve((long)memory.bankLimit() << memory.bankShift() + RECORD_SHIFT);
    }

    /**
     * @param frame any number.
     * @return the state of that very frame, one of the constants above; {@link #ABSENT} for what is no frame.
     */
    public int state(final long frame) {
        return memory.isPresent(frame) ? FrameWord.state(word(frame)) : ABSENT;
    }

    /**
     * @param frame the head of a block.
     * @return the order of the block; 0 for what is no head.
     */
    public int order(final long frame) {
        return memory.isPresent(frame) ? FrameWord.order(word(frame)) : 0;
    }

    /**
     * @param frame the head of a block.
     * @return its reference count: 0 unless it is allocated.
     */
    public int count(final long frame) {
        return memory.isPresent(frame) ? FrameWord.count(word(frame)) : 0;
    }

    /**
     * Finds the block that a frame belongs to.
     *
     * @param frame any number.
     * @return the head of its block, or {@link PhysicalMemory#NO_FRAME} if there is no such frame, or its block is just
     *         being split or joined by others.
     */
    public long head(final long frame) {
        if (memory.isPresent(frame)) {
            for (int order = 0; order <= memory.bankShift(); order++) {
                final long candidate = frame & -(1L << order);
                final long word = word(candidate);
                if (FrameWord.state(word) != TAIL) {
                    return FrameWord.order(word) >= order ? candidate : PhysicalMemory.NO_FRAME;
                }
            }
        }
        return PhysicalMemory.NO_FRAME;
    }

    long word(final long frame) {
        return words.getOpaque(index(frame));
    }

    /** Only who may change the word by its state: see the package documentation. */
    void putWord(final long frame, final long word) {
        words.putOpaque(index(frame), word);
    }

    boolean compareAndSetWord(final long frame, final long expected, final long word) {
        return words.compareAndSet(index(frame), expected, word);
    }

    /**
     * Makes an allocated block the caller's to put into a list: the step at which one of two frees wins.
     *
     * @return false if it is no block of that order with a count of 1; {@link #misuse} says why.
     */
    boolean claim(final long frame, final int order) {
        return order >= 0 && order <= memory.bankShift() && memory.isPresent(frame)
            // CAS: partner of the same CAS of whoever else frees or references the block.
            && compareAndSetWord(frame, FrameWord.allocated(order), FrameWord.cached(order));
    }

    /** @return the exception for a block that could not be claimed. */
    RuntimeException misuse(final long frame, final int order) {
        final int state = state(frame);
        final String what = "frame=" + frame + " order=" + order;
        if (state == ABSENT) {
            return new IllegalArgumentException(what + " is in no present bank");
        }
        if (state == TAIL) {
            return new IllegalArgumentException(what + " is inside the block at head=" + head(frame));
        }
        if (state != ALLOCATED) {
            return new IllegalStateException(what + " is already free");
        }
        if (order(frame) != order) {
            return new IllegalArgumentException(what + " was allocated with order=" + order(frame));
        }
        return new IllegalStateException(what + " is referenced: count=" + count(frame));
    }

    long next(final long frame) {
        return words.getPlain(index(frame) + NEXT);
    }

    void putNext(final long frame, final long next) {
        words.putPlain(index(frame) + NEXT, next);
    }

    long previous(final long frame) {
        return words.getPlain(index(frame) + PREVIOUS);
    }

    void putPrevious(final long frame, final long previous) {
        words.putPlain(index(frame) + PREVIOUS, previous);
    }

    /** Sets the records of a bank that nobody knows yet: all tails of one block, whose head the buddy then sets. */
    void clear(final MemoryBank bank) {
        words.zero(index(bank.firstFrame()), bank.frames() << RECORD_SHIFT);
        for (long frame = bank.firstFrame(), end = frame + bank.frames(); frame < end; frame++) {
            putWord(frame, FrameWord.TAIL);
        }
    }

    private static long index(final long frame) {
        return frame << RECORD_SHIFT;
    }
}
