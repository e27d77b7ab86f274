package org.vellum.kmap;

import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * High frame → index of its cache frame, with at most one entry a frame.
 *
 * <p>Changed under the directory's lock; looked up by anyone, without. Entries never move and are never reused: a chain grows at
 * its head, and what is unlinked keeps its link. So a look-up finds an entry that is there all the while it lasts, whatever else comes and
 * goes: who stands on an entry that has just been unlinked still gets to all that were behind it and stay. That is what lets a thread
 * that holds a page map it again inside a section, and never miss. (Open addressing, which moves entries when one goes, would miss now and
 * then; a look-up that notices would have to wait for the mover.) The collector takes the unlinked; they are made at misses only, each of
 * which costs a read of the file.
 */
final class CacheHash {
    /** No such frame. */
    static final int NONE = -1;

    private static final class Link {
        final long frame;
        final int index;
        /** Volatile, because a removal changes it under those who look up. */
        volatile Link next;

        Link(final long frame, final int index, final Link next) {
            this.frame = frame;
            this.index = index;
            this.next = next;
        }
    }

    private final AtomicReferenceArray<Link> heads;
    private final int mask;

    /** @param capacity how many entries there can be. */
    CacheHash(final int capacity) {
        final int buckets = Integer.highestOneBit(Math.max(1, 2 * capacity - 1)) << 1;
        heads = new AtomicReferenceArray<>(buckets);
        mask = buckets - 1;
    }

    /** Neighbours in a file come into neighbouring buckets; files begin at odd distances. */
    private int bucket(final long frame) {
        return (int)(frame ^ (frame >>> 32) * 0x9E37_79B1L) & mask;
    }

    int get(final long frame) {
        // Acquire: partner of the release in put().
        Link link = heads.getAcquire(bucket(frame));
        while (link != null && link.frame != frame) {
            link = link.next;
        }
        return link == null ? NONE : link.index;
    }

    /** Under the lock. */
    void put(final long frame, final int index) {
        assert get(frame) == NONE : "frame=" + frame;
        final int bucket = bucket(frame);
        // Release: the link is whole; partner: the acquire in get(). Volatile, because who waits looks before he parks.
        heads.set(bucket, new Link(frame, index, heads.getPlain(bucket)));
    }

    /** Under the lock. */
    void remove(final long frame) {
        final int bucket = bucket(frame);
        final Link head = heads.getPlain(bucket);
        if (head.frame == frame) {
            heads.set(bucket, head.next);
            return;
        }
        Link before = head;
        while (before.next.frame != frame) {
            before = before.next;
        }
        before.next = before.next.next;
    }

    /** How many entries there are; for the walker, under the lock. */
    int size() {
        int size = 0;
        for (int i = 0; i <= mask; i++) {
            for (Link link = heads.getPlain(i); link != null; link = link.next) {
                size++;
            }
        }
        return size;
    }
}
