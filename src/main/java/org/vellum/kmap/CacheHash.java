package org.vellum.kmap;

import org.vellum.mem.Words;

/**
 * High frame → index of its cache frame, with at most one entry a frame: chains of indexes, so that there is nothing to allocate.
 *
 * <p>Changed under the directory's lock; looked up by anyone, without. <b>A look-up finds an entry that is there all the while it
 * lasts</b>: links are those of {@link ChainLink}, which argues that.
 */
final class CacheHash {
    /** No such frame. */
    static final int NONE = ChainLink.END;

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

    int get(final long frame) {
        final int bucket = bucket(frame);
        // Acquire, here and below: partner of the releases in put().
        int index = (int)heads.getAcquire(bucket) - 1;
        while (index != NONE) {
            final long link = links.getAcquire(index);
            final long found = ChainLink.frame(link);
            if (found == frame) {
                return index;
            }
            index = bucket(found) == bucket ? ChainLink.next(link) : (int)heads.getAcquire(bucket) - 1;
        }
        return NONE;
    }

    /** Under the lock. */
    void put(final long frame, final int index) {
        assert get(frame) == NONE : "frame=" + frame;
        final int bucket = bucket(frame);
        // w2. Release: whoever finds another frame here finds its chain without this index; partner: the acquire in get().
        links.putRelease(index, ChainLink.of(frame, (int)heads.getPlain(bucket) - 1));
        // w3. Release: the link is whole; partner: the acquire in get(). Volatile, because who waits looks before he parks.
        heads.putVolatile(bucket, index + 1);
    }

    /** Under the lock: w1. */
    void remove(final long frame) {
        final int bucket = bucket(frame);
        int index = (int)heads.getPlain(bucket) - 1;
        if (ChainLink.frame(links.getPlain(index)) == frame) {
            heads.putVolatile(bucket, ChainLink.next(links.getPlain(index)) + 1);
            return;
        }
        int before;
        do {
            before = index;
            index = ChainLink.next(links.getPlain(index));
        } while (ChainLink.frame(links.getPlain(index)) != frame);
        final long link = links.getPlain(before);
        links.putRelease(before, ChainLink.of(ChainLink.frame(link), ChainLink.next(links.getPlain(index))));
    }

    /** How many entries there are; for the walker, under the lock. */
    int size() {
        int size = 0;
        for (int bucket = 0; bucket <= mask; bucket++) {
            for (int index = (int)heads.getPlain(bucket) - 1; index != NONE; index = ChainLink.next(links.getPlain(index))) {
                size++;
            }
        }
        return size;
    }
}
