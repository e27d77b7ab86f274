package org.vellum.gather;

import org.vellum.mmu.HashedTable;

/**
 * Translations that one holder of a page-table lock has cleared and not yet taken out of the hash: the second of the three things that
 * reference 3 finds batched (frames, translations, tables). Address <em>and</em> old entry, since the hash is asked for both.
 *
 * <p>Lives inside one hold of its lock, between {@link #enter} and {@link #exit}; is empty outside. The kernel has one a processor, and
 * must empty it when the holder is preempted there; here it is the lock's, and whoever has that is not.
 */
final class AddressBatch {
    /** As powerpc has: enough for a third of a leaf. */
    static final int CAPACITY = 192;

    private final HashedTable hash;
    private final long[] pages = new long[CAPACITY];
    private final long[] entries = new long[CAPACITY];
    private int count;
    private boolean active;
    /** How often it was flushed because it was full, and because a new entry came. */
    private long full;
    private long early;

    AddressBatch(final HashedTable hash) {
        this.hash = hash;
    }

    void enter() {
        assert !active && count == 0 : "active=" + active + " count=" + count;
        active = true;
    }

    /** What was cleared is out of the hash. */
    void exit() {
        assert active : "not entered";
        flush();
        active = false;
    }

    /** Puts it off while active; else takes it out at once. */
    void add(final long page, final long old) {
        assert !holds(page) : "no entry was stored since, page=" + page;
        if (!active) {
            hash.forget(page, old);
            return;
        }
        pages[count] = page;
        entries[count++] = old;
        if (count == CAPACITY) {
            full++;
            flush();
        }
    }

    /** A new entry comes: not beside the old one's copy (RG11). */
    void flushIfHolds(final long page) {
        assert active || count == 0 : "not empty while inactive, count=" + count;
        if (holds(page)) {
            early++;
            flush();
        }
    }

    private boolean holds(final long page) {
        for (int i = 0; i < count; i++) {
            if (pages[i] == page) {
                return true;
            }
        }
        return false;
    }

    private void flush() {
        while (count > 0) {
            count--;
            hash.forget(pages[count], entries[count]);
        }
    }

    int count() {
        return count;
    }

    long full() {
        return full;
    }

    long early() {
        return early;
    }
}
