package org.vellum.kmap;

import java.util.concurrent.locks.ReentrantLock;

/**
 * Which cache frame is for which high frame: look-up by anyone, changes under one lock, which is held for a few steps of the clock and
 * never across a read, a write, a wait, or a call into another room. Nobody takes it inside a section.
 *
 * <p>The one rule that makes two threads that miss the same page read it once: a frame gets its high frame (word and hash) under the
 * lock, by who has found there, under the lock, that the hash does not have it. The second finds it, in state reading, and waits.
 *
 * <p>Victims are found by a clock: a hand goes round, takes the mark from what was used since it last came by, and stops at what was
 * not. A dirty victim is claimed for writing, since the lock does not last for that: whoever has written it asks again and
 * names it, and has it unless somebody has used it meanwhile.
 */
final class CacheDirectory {
    /** The page is there, or somebody is reading it. */
    static final int PRESENT = -1;
    /** Every frame is in use. */
    static final int FULL = -2;
    /** There is no frame yet under some index: {@link #add} one, or ask again without. */
    static final int GROW = -3;
    /** No index. */
    static final int NONE = -1;

    private static final int FIRST_DIRTY = -4;
    private static final int DESCRIBED = 8;

    final CacheFrames frames;
    final CacheHash hash;
    private final int capacity;
    private final CacheCounts counts;
    private final ReentrantLock lock = new ReentrantLock();
    /** Indexes that hold nothing, the lowest {@link #freeCount} of these. */
    private final int[] free;
    private int freeCount;
    private int hand;
    /** Indexes below have a frame. Written under the lock. */
    private volatile int size;

    CacheDirectory(final int capacity, final CacheCounts counts) {
        this.capacity = capacity;
        this.counts = counts;
        frames = new CacheFrames(capacity);
        hash = new CacheHash(capacity);
        free = new int[capacity];
    }

    /** @return whether the answer of {@link #claim} is a dirty frame that the caller has to write. */
    static boolean isDirty(final int claim) {
        return claim <= FIRST_DIRTY;
    }

    /** @return the index that such an answer names. */
    static int dirtyIndex(final int claim) {
        return FIRST_DIRTY - claim;
    }

    int size() {
        return size;
    }

    int capacity() {
        return capacity;
    }

    /** One more frame of memory, unless there are enough by now. */
    boolean add(final long nativePage, final long physicalFrame) {
        lock.lock();
        try {
            if (size == capacity) {
                return false;
            }
            frames.back(size, nativePage, physicalFrame);
            free[freeCount++] = size;
            size++;
            return true;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes a cache frame for a page.
     *
     * @param file that the page is in.
     * @param frame the page.
     * @param prefer an index that the caller has just made clean, or {@link #NONE}.
     * @param mayGrow whether the caller would add a frame.
     * @param refusals dirty frames that the caller would not write, or null if it would write any.
     * @return the index, in state reading: the caller owes {@link CacheFrames#finishRead} or {@link #giveUp}. Or one of {@link
     *     #PRESENT}, {@link #FULL}, {@link #GROW}; or, see {@link #isDirty}, one that the caller has to write.
     * @throws IllegalStateException if the file is not open any more.
     */
    int claim(final HighFile file, final long frame, final int prefer, final boolean mayGrow, final Refusals refusals) {
        lock.lock();
        try {
            if (!file.isOpen()) {
                throw new IllegalStateException("closed, or being closed: " + file);
            }
            if (hash.get(frame) != CacheHash.NONE) {
                return PRESENT;
            }
            if (freeCount > 0) {
                final int index = free[--freeCount];
                final boolean replaced = frames.replace(index, CacheWord.FREE, frame);
                assert replaced : CacheWord.describe(frames.word(index));
                hash.put(frame, index);
                return index;
            }
            if (mayGrow && size < capacity) {
                return GROW;
            }
            if (prefer != NONE && evict(prefer, frames.word(prefer), frame)) {
                return prefer;
            }
            return victim(frame, refusals);
        } finally {
            lock.unlock();
        }
    }

    private boolean evict(final int index, final long word, final long frame) {
        // A preferred one may have gone with its file: the free ones are in the list, or not there any more.
        if (word == CacheWord.FREE || !CacheWord.isIdleAndClean(word) || !frames.replace(index, word, frame)) {
            return false;
        }
        counts.note(CacheEvent.EVICTION, 1);
        hash.remove(CacheWord.frame(word));
        hash.put(frame, index);
        return true;
    }

    /** Two rounds: after one, nothing that is not used meanwhile bears the mark. */
    private int victim(final long frame, final Refusals refusals) {
        for (int steps = 2 * size; steps > 0; steps--) {
            final int index = hand;
            hand = hand + 1 >= size ? 0 : hand + 1;
            final long word = frames.word(index);
            if (CacheWord.isBusy(word)) {
                continue;
            }
            if (CacheWord.is(word, CacheWord.REFERENCED)) {
                frames.forgetReference(index, word);
            } else if (!CacheWord.is(word, CacheWord.DIRTY)) {
                if (evict(index, word, frame)) {
                    return index;
                }
            } else if ((refusals == null || !refusals.has(index, CacheWord.frame(word)))
                && frames.startWrite(index, CacheWord.frame(word))) {
                return FIRST_DIRTY - index;
            }
        }
        return FULL;
    }

    /** Whether {@link #claim} might find a frame: what who waits for one looks at, without the lock. */
    boolean hasVictim(final boolean mayGrow) {
        final int limit = size;
        if (mayGrow && limit < capacity) {
            return true;
        }
        for (int i = 0; i < limit; i++) {
            if (!CacheWord.isBusy(frames.word(i))) {
                return true;
            }
        }
        return false;
    }

    /** The claimed frame's content could not be read: nobody has seen it, and it is free again. */
    void giveUp(final int index, final long frame) {
        lock.lock();
        try {
            hash.remove(frame);
            frames.failRead(index);
            free[freeCount++] = index;
        } finally {
            lock.unlock();
        }
    }

    /** How many frames of a file are in use: pinned, or being read. */
    int countUsed(final HighFile file) {
        int used = 0;
        for (int i = 0, limit = size; i < limit; i++) {
            final long word = frames.word(i);
            if (isOf(file, word) && (CacheWord.pins(word) != 0 || CacheWord.is(word, CacheWord.READING))) {
                used++;
            }
        }
        return used;
    }

    /** Says which frames are in use, for the message of an exhaustion. */
    String describeUsers() {
        final StringBuilder text = new StringBuilder();
        int used = 0;
        for (int i = 0, limit = size; i < limit; i++) {
            final long word = frames.word(i);
            if (CacheWord.isBusy(word) && used++ < DESCRIBED) {
                text.append(text.length() == 0 ? "" : "; ").append(CacheWord.describe(word));
            }
        }
        return used + " of " + size + " (" + text + (used > DESCRIBED ? "; ..." : "") + ")";
    }

    static boolean isOf(final HighFile file, final long word) {
        return word != CacheWord.FREE && HighFrames.file(CacheWord.frame(word)) == file.number;
    }

    /**
     * Forgets the frames of a file that nobody uses and that are clean; no new ones come, since it is closing.
     *
     * @return how many are left.
     */
    int forget(final HighFile file) {
        lock.lock();
        try {
            int left = 0;
            for (int i = 0; i < size; i++) {
                final long word = frames.word(i);
                if (!isOf(file, word)) {
                    continue;
                }
                if (CacheWord.isIdleAndClean(word) && frames.clear(i, word)) {
                    hash.remove(CacheWord.frame(word));
                    free[freeCount++] = i;
                } else {
                    left++;
                }
            }
            return left;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes all frames of memory away, if none holds anything: then no file is open, or nothing of it was read yet.
     *
     * @return the frames of physical memory; they are the caller's.
     */
    long[] takeAll() {
        lock.lock();
        try {
            if (freeCount != size) {
                return new long[0];
            }
            final long[] taken = new long[size];
            for (int i = 0; i < taken.length; i++) {
                taken[i] = frames.physicalFrame(i);
            }
            size = 0;
            freeCount = 0;
            hand = 0;
            return taken;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Walks a quiet cache.
     *
     * @throws AssertionError naming the first thing that is wrong.
     */
    void verify() {
        lock.lock();
        try {
            final boolean[] listed = new boolean[size];
            for (int i = 0; i < freeCount; i++) {
                require(!listed[free[i]], free[i], "listed twice");
                listed[free[i]] = true;
            }
            for (int i = 0; i < size; i++) {
                final long word = frames.word(i);
                require(listed[i] == (word == CacheWord.FREE), i, "listed=" + listed[i]);
                require(!CacheWord.is(word, CacheWord.READING | CacheWord.WRITING), i, "not quiet");
                require(!CacheWord.is(word, CacheWord.STORABLE) || CacheWord.is(word, CacheWord.DIRTY) && CacheWord.pins(word) != 0, i,
                    "storable");
                require(word == CacheWord.FREE || hash.get(CacheWord.frame(word)) == i, i, "not in the hash");
            }
            final int entries = hash.size();
            if (entries != size - freeCount) {
                throw new AssertionError("entries of the hash=" + entries + " frames in use=" + (size - freeCount));
            }
        } finally {
            lock.unlock();
        }
    }

    private void require(final boolean holds, final int index, final String what) {
        if (!holds) {
            throw new AssertionError(what + ": index=" + index + " " + CacheWord.describe(frames.word(index)));
        }
    }
}
