package org.vellum.frame;

import org.agrona.UnsafeApi;
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
 *   | word 3  | of a marked block, run: frames of the run whose head is here, if it   |  owner of the run
 *   |         | has several blocks, otherwise 0                                        |
 *   |         | of an unmarked one, mapper: who shows it in address spaces, or 0       |  whoever sets it by CAS
 *   +---------+----------------------------------------------------------------------+
 * </pre>
 * Frame 0 does not exist, so 0 ends the lists. Records are reserved for all frames there may be, which costs addresses
 * only; those of a bank are set when it is added.
 *
 * <h2>Marks</h2>
 * Whoever holds an allocated block may mark it: 1..{@link #MAX_MARK}, with a meaning of its own. While it is marked this
 * room lets nobody free, reference or split it, and any thread can tell from its number alone what it is. Both changing
 * the mark and freeing are one compare-and-set of the block's word, so of two of them one wins.
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

    /** The largest mark that a room above may use. */
    public static final int MAX_MARK = 0xFFFD;

    /** The mark of the first block of a run while its owner makes the run longer or shorter. */
    public static final int RUN_CHANGING = 0xFFFE;

    /** The mark of the blocks of a run other than the first. */
    public static final int RUN_PIECE = 0xFFFF;

    private static final int RECORD_SHIFT = 2;
    private static final int NEXT = 1;
    private static final int PREVIOUS = 2;
    private static final int RUN = 3;

    /** Words of one record, for a room that keeps words of a block it has marked, see {@link #records}. */
    public static final int RECORD_WORDS = 1 << RECORD_SHIFT;

    /** A word of a record that serves free blocks, and whoever has marked the block else. */
    public static final int LINK = NEXT;

    /** Another one. */
    public static final int STAMP = PREVIOUS;

    private final PhysicalMemory memory;
    private final Words words;
    /** Of the words: one load less on hot paths than by way of the object. */
    private final long base;

    FrameTable(final PhysicalMemory memory) {
        this.memory = memory;
        words = Words.reserve((long)memory.bankLimit() << memory.bankShift() + RECORD_SHIFT);
        base = words.address(0);
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
     * The mark of a block. One opaque load: it orders nothing, but the marks of one frame are seen in the order in which they
     * were set.
     *
     * @param frame any number.
     * @return the mark, 0 if there is none, of the block whose head is that very frame; -1 if no allocated block has its
     *     head there.
     */
    public int mark(final long frame) {
        final long word = memory.isPresent(frame) ? word(frame) : FrameWord.ABSENT;
        return FrameWord.state(word) == ALLOCATED ? FrameWord.mark(word) : -1;
    }

    /**
     * Marks an allocated block, changes its mark or takes it away, if nobody has done anything to the block meanwhile.
     * For who is to decide by it what becomes of the block: of several such calls, frees and references one wins.
     *
     * @param frame any number.
     * @param order the order that the block should have; of the first block of a run that may be less than the run's.
     * @param expected the mark that it should have; any number, but only 0..{@link #MAX_MARK} can be found.
     * @param mark the new one, 0..{@link #MAX_MARK}; 0 gives the block back to {@link FrameAllocator#free}.
     * @return false, and nothing has changed, if that frame is not the head of an allocated block of that order and mark
     *     with a count of 1.
     * @throws IllegalArgumentException if the new mark is out of range.
     * @throws IllegalStateException if the new mark is 0 for a run of several blocks, which only
     *     {@link FrameAllocator#freeRun} ends.
     */
    public boolean compareAndSetMark(final long frame, final int order, final int expected, final int mark) {
        if (mark <= 0 || mark > MAX_MARK) {
            requireSettable(frame, expected, mark);
        }
        return isMark(expected) && order >= 0 && order <= memory.bankShift() && memory.isPresent(frame)
            // CAS: partner of the same CAS of whoever else marks the block, and of the ones that claim it for a free.
            && compareAndSetWord(frame, FrameWord.marked(order, expected), FrameWord.marked(order, mark));
    }

    /**
     * {@link #compareAndSetMark} for who does not know the order.
     *
     * @param frame any number.
     * @param expected the mark that it should have.
     * @param mark the new one.
     * @return false, and nothing has changed, if that frame is not the head of an allocated block of that mark with a count
     *     of 1, or has just been changed by others.
     * @throws IllegalArgumentException as {@link #compareAndSetMark} does.
     * @throws IllegalStateException as {@link #compareAndSetMark} does.
     */
    public boolean changeMark(final long frame, final int expected, final int mark) {
        return compareAndSetMark(frame, order(frame), expected, mark);
    }

    /**
     * The word of a marked block, for {@link #replaceMark}: one look that says everything.
     *
     * @param frame any number.
     * @return its word, or 0 if no marked block has its head there.
     */
    public long marked(final long frame) {
        final long word = memory.isPresent(frame) ? word(frame) : FrameWord.ABSENT;
        return FrameWord.state(word) == ALLOCATED && FrameWord.mark(word) != 0 ? word : 0;
    }

    /**
     * @param marked what {@link #marked} returned.
     * @return the mark in it; 0 if there was none.
     */
    public static int markOf(final long marked) {
        return FrameWord.mark(marked);
    }

    /**
     * {@link #compareAndSetMark} for who has looked at the word.
     *
     * @param frame as given to {@link #marked}.
     * @param marked what that returned, not 0.
     * @param mark the new one, 1..{@link #MAX_MARK}.
     * @return false, and nothing has changed, if the word is another by now.
     */
    public boolean replaceMark(final long frame, final long marked, final int mark) {
        assert marked != 0 && mark > 0 && mark <= MAX_MARK : "frame=" + frame + " mark=" + mark;
        // CAS: as in compareAndSetMark.
        return compareAndSetWord(frame, marked, FrameWord.marked(FrameWord.order(marked), mark));
    }

    /**
     * Whether a block is as the caller's list says.
     *
     * @param frame of a present bank.
     * @param order of its block.
     * @param mark 1..{@link #MAX_MARK}.
     * @return whether it is allocated in one such block, with that mark.
     */
    public boolean isMarked(final long frame, final int order, final int mark) {
        // Acquire: what was done to the block comes before; partner: the CAS in compareAndSetMark.
        return UnsafeApi.getLongAcquire(null, wordAddress(frame)) == FrameWord.marked(order, mark);
    }

    /**
     * Changes the mark of a block that nobody else may change, by what the marks mean to the room that set them.
     *
     * @param frame the head of a marked block.
     * @param order of the block.
     * @param mark 1..{@link #MAX_MARK}.
     */
    public void putMark(final long frame, final int order, final int mark) {
        assert mark > 0 && mark <= MAX_MARK && order(frame) == order && mark(frame) > 0 : "frame=" + frame + " mark=" + mark;
        // Opaque: whoever changes it next learns of the block from the caller.
        putWord(frame, FrameWord.marked(order, mark));
    }

    /**
     * The records themselves, for whoever has marked a block: of its first frame the words {@link #LINK} and {@link #STAMP} are its
     * own until it takes the mark off.
     *
     * @return the records of all frames, {@link #RECORD_WORDS} each.
     */
    public Words records() {
        return words;
    }

    private static boolean isMark(final int mark) {
        return mark >= 0 && mark <= MAX_MARK;
    }

    private void requireSettable(final long frame, final int expected, final int mark) {
        if (mark != 0) {
            throw new IllegalArgumentException("mark=" + mark);
        }
        if (expected > 0 && mark(frame) == expected && run(frame) != 0) {
            throw new IllegalStateException("frame=" + frame + " is the head of a run of frames=" + run(frame));
        }
    }

    /**
     * Who shows an unmarked block in address spaces. Opaque to this room; it is forgotten when the last reference is given up.
     *
     * @param frame the head of an unmarked block that the caller holds a reference to.
     * @return what was set by {@link #compareAndSetMapper}; 0 if nobody does.
     */
    public long mapper(final long frame) {
        // Acquire: what whoever set it did before; partner: the CAS in compareAndSetMapper().
        return words.getAcquire(index(frame) + RUN);
    }

    /**
     * Says who shows an unmarked block in address spaces: of several that would have it, one wins.
     *
     * @param frame the head of an unmarked block that the caller holds a reference to.
     * @param expected who shows it now; 0 for nobody.
     * @param mapper who shall; 0 for nobody.
     * @return false, and nothing has changed, if it is somebody else by now.
     */
    public boolean compareAndSetMapper(final long frame, final long expected, final long mapper) {
        // CAS: of two that give one frame to two spaces, one is told so; partner: the same, and mapper().
        return words.compareAndSet(index(frame) + RUN, expected, mapper);
    }

    /**
     * {@link #compareAndSetMapper} of a block that nobody else knows yet.
     *
     * @param frame the head of an unmarked block, just allocated.
     * @param mapper who shows it.
     */
    public void putMapper(final long frame, final long mapper) {
        // Opaque: whoever learns of the block learns it from the caller, after this.
        words.putOpaque(index(frame) + RUN, mapper);
    }

    /** By whoever has given the last reference up. */
    void forgetMapper(final long frame) {
        if (words.getPlain(index(frame) + RUN) != 0) {
            words.putPlain(index(frame) + RUN, 0);
        }
    }

    /**
     * How long a run is, or a single block that is marked. For its owner; what others see may be of two lives.
     *
     * @param frame any number.
     * @return its frames; 0 if no run begins there, or it is just being made longer or shorter.
     */
    public long runFrames(final long frame) {
        final long word = memory.isPresent(frame) ? word(frame) : FrameWord.ABSENT;
        final int mark = FrameWord.mark(word);
        if (mark == 0 || !isMark(mark)) {
            return 0;
        }
        final long frames = run(frame);
        return frames == 0 ? 1L << FrameWord.order(word) : frames;
    }

    /**
     * Finds the block that a frame belongs to: in a run of several, the one of them.
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

    private long wordAddress(final long frame) {
        assert frame >= 0 && index(frame) < words.length() : "frame=" + frame;
        return base + (frame << RECORD_SHIFT + 3);
    }

    long word(final long frame) {
        return UnsafeApi.getLongOpaque(null, wordAddress(frame));
    }

    /** Only who may change the word by its state: see the package documentation. */
    void putWord(final long frame, final long word) {
        UnsafeApi.putLongOpaque(null, wordAddress(frame), word);
    }

    /**
     * {@link #putWord} of a block that becomes marked. Release: whoever claims it by its mark, be it by mistake, finds the
     * run's length as it is in this life; partner: the CAS in {@link #claimMarked}.
     */
    void putWordRelease(final long frame, final long word) {
        words.putRelease(index(frame), word);
    }

    boolean compareAndSetWord(final long frame, final long expected, final long word) {
        return UnsafeApi.compareAndSetLong(null, wordAddress(frame), expected, word);
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

    /**
     * Makes a marked block the caller's: the step at which one of two frees of a run wins.
     *
     * @param mark that it must have, 1..{@link #MAX_MARK}.
     * @param changing whether it stays allocated, marked {@link #RUN_CHANGING}; else it is CACHED, to be put into a list.
     * @return the order of the block.
     * @throws IllegalArgumentException if there is no such frame, or it is inside a block or a run.
     * @throws IllegalStateException if the block is free, or its mark another.
     */
    int claimMarked(final long frame, final int mark, final boolean changing) {
        while (true) {
            final long word = memory.isPresent(frame) ? word(frame) : FrameWord.ABSENT;
            final int order = FrameWord.order(word);
            if (word != FrameWord.marked(order, mark)) {
                throw misuseOfRun(frame, "frame=" + frame + " mark=" + mark);
            }
            final long claimed = changing ? FrameWord.marked(order, RUN_CHANGING) : FrameWord.cached(order);
            // CAS: partner of the same CAS of whoever else frees, resizes or marks it, and of putWordRelease.
            if (compareAndSetWord(frame, word, claimed)) {
                return order;
            }
        }
    }

    /** @return the exception for a block that could not be claimed. */
    RuntimeException misuse(final long frame, final int order) {
        final long word = memory.isPresent(frame) ? word(frame) : FrameWord.ABSENT;
        final String what = "frame=" + frame + " order=" + order;
        if (FrameWord.state(word) != ALLOCATED) {
            return notAllocated(frame, word, what);
        }
        if (FrameWord.mark(word) != 0) {
            return new IllegalStateException(what + " is held by another room: mark=" + FrameWord.mark(word));
        }
        if (FrameWord.order(word) != order) {
            return new IllegalArgumentException(what + " was allocated with order=" + FrameWord.order(word));
        }
        return new IllegalStateException(what + " is referenced: count=" + FrameWord.count(word));
    }

    /** @return the exception for a run that could not be claimed, whose message begins with what was asked for. */
    RuntimeException misuseOfRun(final long frame, final String what) {
        final long word = memory.isPresent(frame) ? word(frame) : FrameWord.ABSENT;
        if (FrameWord.state(word) != ALLOCATED) {
            return notAllocated(frame, word, what);
        }
        return switch (FrameWord.mark(word)) {
            case 0 -> new IllegalStateException(what + " is not marked: count=" + FrameWord.count(word));
            case RUN_PIECE -> new IllegalArgumentException(what + " is inside a run");
            case RUN_CHANGING -> new IllegalStateException(what + " is just being resized");
            default -> new IllegalStateException(what + " is held by another room: mark=" + FrameWord.mark(word));
        };
    }

    private RuntimeException notAllocated(final long frame, final long word, final String what) {
        return switch (FrameWord.state(word)) {
            case ABSENT -> new IllegalArgumentException(what + " is in no present bank");
            case TAIL -> new IllegalArgumentException(what + " is inside the block at head=" + head(frame));
            default -> new IllegalStateException(what + " is already free");
        };
    }

    /** Word 3 of a head whose block is marked: frames of a run of several blocks, else 0. */
    long run(final long frame) {
        return words.getOpaque(index(frame) + RUN);
    }

    /** By the owner of the run. Opaque: published with the head's word, by {@link #putWordRelease} or a list. */
    void putRun(final long frame, final long frames) {
        words.putOpaque(index(frame) + RUN, frames);
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
