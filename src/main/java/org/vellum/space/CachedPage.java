package org.vellum.space;

import java.util.concurrent.atomic.AtomicLongFieldUpdater;

/**
 * One page of a file in memory, from the moment somebody begins to read it until it is given up. The cache holds one reference to its frame, each
 * entry that shows it another.
 *
 * <pre>
 *   word:   [ turn (32) | users (24) | flags (8) ]
 *   flags:  READING ──► PRESENT, with DIRTY and WRITING as need be ──► none: it is over, for ever
 *              └──────────────────────────────────────────────────────►
 * </pre>
 *
 * <h2>A reference against a drop</h2>
 * <pre>
 *   G (gives the page to an entry)              D (drops it)
 *   g1: CAS: users + 1, turn + 1                d1: word: present, clean, no users
 *   g2: one reference more                      d2: the count is 1
 *   g3: users − 1                               d3: CAS of what d1 saw: over
 *                                               d4: the reference of the cache is given up
 * </pre>
 * A g1 before d1 whose g3 is not over shows as a user; one whose g3 is over has raised the count by d2, unless the reference has been given up
 * again, and then there is nothing to protect. A g1 between d1 and d3 makes d3 fail, by the turn. A g1 after d3 finds that it is over, and
 * reads anew. Entries are copied, and pages pinned, only by who holds a reference already: then d2 sees more than 1.
 *
 * <p>Who closes the file ends the page whatever the count, with users at it perhaps: of those the last gives the cache's reference up.
 *
 * <h2>Dirty</h2>
 * Set by whoever has taken D out of an entry, under its page-table lock. {@link FileWrites} turns it into WRITING, waits for the sections that
 * may still store by what they had found, and copies then.
 *
 * <p>Thread safety: any thread; nothing here waits.
 */
final class CachedPage {
    static final long READING = 1;
    static final long PRESENT = 1 << 1;
    static final long DIRTY = 1 << 2;
    static final long WRITING = 1 << 3;

    private static final long FLAGS = 0xFF;
    private static final long USER_ONE = 1 << 8;
    private static final long USERS = 0xFF_FFFFL << 8;
    private static final long TURN_ONE = 1L << 32;
    private static final AtomicLongFieldUpdater<CachedPage> WORD = AtomicLongFieldUpdater.newUpdater(CachedPage.class, "word");

    /** Of the file. */
    final long filePage;
    /** What is to be waited for while it is READING; null afterwards. Volatile: read by who has found READING, and may come late. */
    private volatile PendingRead reading;
    /** Plain: written before the word says PRESENT, by the one who reads it. */
    private long frame;
    private volatile long word = READING;

    CachedPage(final long filePage, final PendingRead reading) {
        this.filePage = filePage;
        this.reading = reading;
    }

    /** Of a page that is, or was, present. */
    long frame() {
        return frame;
    }

    PendingRead reading() {
        return reading;
    }

    boolean is(final long flag) {
        return (word & flag) != 0;
    }

    boolean isOver() {
        return (word & FLAGS) == 0;
    }

    /** The content is in the frame, which has a reference for the cache. By the one who has read it. */
    void present(final long frameNumber) {
        frame = frameNumber;
        // Volatile: the content and the frame come before; partner: g1, and each look at the word.
        word = PRESENT;
        reading = null;
    }

    /** It could not be read. By the one who tried. */
    void failed() {
        word = 0;
        reading = null;
    }

    /**
     * g1 to g3.
     *
     * @return false if the page is not present, or not any more.
     */
    boolean tryGet(final BackingFrames frames) {
        long seen;
        do {
            seen = word;
            if ((seen & PRESENT) == 0) {
                return false;
            }
            // CAS: g1; partner: d3.
        } while (!WORD.compareAndSet(this, seen, seen + USER_ONE + TURN_ONE));
        try {
            frames.get(frame);
        } finally {
            // Atomic: g3; partner: d1, and end().
            if ((WORD.addAndGet(this, -USER_ONE) & (FLAGS | USERS)) == 0) {
                frames.put(frame);
            }
        }
        return true;
    }

    /** d1 to d3: whether the caller has ended it, and owes d4. */
    boolean tryDrop(final BackingFrames frames) {
        final long seen = word;
        return (seen & (FLAGS | USERS)) == PRESENT && frames.count(frame) == 1
            // CAS: d3; partner: g1.
            && WORD.compareAndSet(this, seen, seen & ~FLAGS);
    }

    /** Adds flags to a page that is present; false, with nothing changed, if it is not. */
    boolean set(final long flags) {
        long seen;
        do {
            seen = word;
            if ((seen & PRESENT) == 0) {
                return false;
            }
            // CAS: DIRTY that is set while it is being written stays; partner: the ones in startWrite() and finishWrite().
        } while (!WORD.compareAndSet(this, seen, seen | flags));
        return true;
    }

    /** Turns DIRTY into WRITING: by who has the file's write lock. */
    boolean startWrite() {
        long seen;
        do {
            seen = word;
            if ((seen & (PRESENT | DIRTY)) != (PRESENT | DIRTY)) {
                return false;
            }
            assert (seen & WRITING) == 0 : this;
            // CAS: what is stored from here on makes it dirty again; partner: set().
        } while (!WORD.compareAndSet(this, seen, seen & ~DIRTY | WRITING));
        return true;
    }

    /** By who has the file's write lock, and has started the write. */
    void finishWrite(final boolean written) {
        long seen;
        do {
            seen = word;
            assert (seen & WRITING) != 0 : this;
            // CAS: partner: set().
        } while (!WORD.compareAndSet(this, seen, seen & ~WRITING | (written ? 0 : DIRTY)));
    }

    /**
     * Ends it, however many references there are: by who closes the file, once.
     *
     * @return whether the caller owes d4; else the last user gives the cache's reference up, or whoever has dropped it.
     */
    boolean end() {
        long seen;
        do {
            seen = word;
            if ((seen & FLAGS) == 0) {
                return false;
            }
            // CAS: partner: g1 and g3.
        } while (!WORD.compareAndSet(this, seen, seen & ~FLAGS));
        return (seen & USERS) == 0;
    }

    /** No thread is between g1 and g3. */
    boolean isUnused() {
        return (word & USERS) == 0;
    }

    @Override
    public String toString() {
        return "file page=" + filePage + " frame=" + frame + " word=0x" + Long.toHexString(word);
    }
}
