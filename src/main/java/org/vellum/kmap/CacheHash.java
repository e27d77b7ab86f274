package org.vellum.kmap;

import org.vellum.mem.Words;

/**
 * High frame → index of its cache frame, with at most one entry a frame: chains of indexes, so that there is nothing to allocate.
 *
 * <pre>
 *   link of an index   63                                    24 23                      0
 *                     +----------------------------------------+-------------------------+
 *                     | frame + 1                              | next index + 1, 0 = end |
 *                     +----------------------------------------+-------------------------+
 * </pre>
 *
 * <p>Changed under the directory's lock; looked up by anyone, without. <b>A look-up finds an entry that is there all the while it
 * lasts</b>, whatever else comes and goes: that is what lets a thread that holds a page map it again inside a section, and never miss.
 * <pre>
 *   R (looks for x)                                W (an index that R stands on goes, and comes elsewhere)
 *   r1: load the link of the index: frame, next    w1: its predecessor's link: past it
 *   r2: x?  its bucket?  else begin anew           w2: its own link: another frame, the head of that frame's chain
 *   r3: go on to next                              w3: that head: the index
 * </pre>
 * Frame and next are one word. A chain grows at its head, and what is in it keeps its order; what is unlinked keeps its link until w2. So
 * as long as R stands on links that name frames of its bucket, x is on the way: behind the index when that was last in this chain, or, if
 * it has come back to it, behind the head, where it is now. After w2 R finds a frame of another bucket, and begins anew; who had it do so
 * was a writer, none of which it waits for. (Open addressing would move entries that stay, and a look-up that notices would have to wait
 * for the mover.)
 */
final class CacheHash {
    /** No such frame. */
    static final int NONE = -1;

    private static final int FRAME_SHIFT = 24;
    private static final long NEXT_MASK = (1L << FRAME_SHIFT) - 1;
    private static final long SPREAD = 0x9E37_79B1L;

    /** By bucket: the first index + 1, or 0. */
    private final Words heads;
    private final Words links;
    private final int mask;

    /** @param capacity how many entries there can be. */
    CacheHash(final int capacity) {
        final int buckets = Integer.highestOneBit(Math.max(1, 2 * capacity - 1)) << 1;
        heads = Words.zeroed(buckets);
        links = Words.zeroed(capacity);
        mask = buckets - 1;
    }

    /** Neighbours in a file come into neighbouring buckets; files begin at odd distances. */
    private int bucket(final long frame) {
        return (int)(frame ^ (frame >>> 32) * SPREAD) & mask;
    }

    private static long frame(final long link) {
        return (link >>> FRAME_SHIFT) - 1;
    }

    private static int next(final long link) {
        return (int)(link & NEXT_MASK) - 1;
    }

    private static long link(final long frame, final int next) {
        return frame + 1 << FRAME_SHIFT | next + 1;
    }

    int get(final long frame) {
        final int bucket = bucket(frame);
        // Acquire, here and below: partner of the releases in put().
        int index = (int)heads.getAcquire(bucket) - 1;
        while (index != NONE) {
            final long link = links.getAcquire(index);
            final long found = frame(link);
            if (found == frame) {
                return index;
            }
            index = bucket(found) == bucket ? next(link) : (int)heads.getAcquire(bucket) - 1;
        }
        return NONE;
    }

    /** Under the lock. */
    void put(final long frame, final int index) {
        assert get(frame) == NONE : "frame=" + frame;
        final int bucket = bucket(frame);
        // w2. Release: whoever finds another frame here finds its chain without this index; partner: the acquire in get().
        links.putRelease(index, link(frame, (int)heads.getPlain(bucket) - 1));
        // w3. Release: the link is whole; partner: the acquire in get(). Volatile, because who waits looks before he parks.
        heads.putVolatile(bucket, index + 1);
    }

    /** Under the lock: w1. */
    void remove(final long frame) {
        final int bucket = bucket(frame);
        int index = (int)heads.getPlain(bucket) - 1;
        if (frame(links.getPlain(index)) == frame) {
            heads.putVolatile(bucket, next(links.getPlain(index)) + 1);
            return;
        }
        int before;
        do {
            before = index;
            index = next(links.getPlain(index));
        } while (frame(links.getPlain(index)) != frame);
        final long link = links.getPlain(before);
        links.putRelease(before, link(frame(link), next(links.getPlain(index))));
    }

    /** How many entries there are; for the walker, under the lock. */
    int size() {
        int size = 0;
        for (int bucket = 0; bucket <= mask; bucket++) {
            for (int index = (int)heads.getPlain(bucket) - 1; index != NONE; index = next(links.getPlain(index))) {
                size++;
            }
        }
        return size;
    }
}
