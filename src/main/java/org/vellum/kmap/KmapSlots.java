package org.vellum.kmap;

import org.agrona.UnsafeApi;
import org.vellum.mem.Words;

/**
 * The slots of the shared window, a record each: what a new mapping changes of a slot was last changed by another thread as a rule, and
 * lies together.
 *
 * <pre>
 *   record of one slot, 32 bytes
 *   +------------+---------------------------------------------------------------------------------------+
 *   | word       | frame and users, see {@link KmapWord}: by compare-and-set as long as anybody may join |
 *   | link       | frame and next slot of the chain in {@link KmapHash}, see {@link ChainLink}           |
 *   | pin        | of the frame's page, see {@link Backing}, until the slot is free                      |
 *   | generation | of its last mapping, see {@link KmapTags}                                             |
 *   +------------+---------------------------------------------------------------------------------------+
 * </pre>
 *
 * <p>All but the word are changed by the holder of the window's lock.
 */
final class KmapSlots {
    private static final int LINK = Long.BYTES;
    private static final int PIN = 2 * Long.BYTES;
    private static final int GENERATION = 3 * Long.BYTES;
    private static final int RECORD_WORDS = 4;
    private static final int RECORD_SHIFT = 5;

    /** Keeps the memory. */
    private final Words records;
    private final long base;
    private final int count;
    /** Who mapped a slot first, or of one that is free, who did last. */
    private final Thread[] mappers;

    KmapSlots(final int count) {
        this.count = count;
        records = Words.zeroed((long)count * RECORD_WORDS);
        base = records.address(0);
        mappers = new Thread[count];
        for (int slot = 0; slot < count; slot++) {
            UnsafeApi.putLong(at(slot) + GENERATION, KmapTags.before(slot));
        }
    }

    private long at(final int slot) {
        assert slot >= 0 && slot < count : "slot=" + slot;
        return base + ((long)slot << RECORD_SHIFT);
    }

    int count() {
        return count;
    }

    long word(final int slot) {
        // Volatile: between a waiter's look and its park, and an unmapper's change and its look for waiters; see Waiters.
        return UnsafeApi.getLongVolatile(null, at(slot));
    }

    boolean compareAndSet(final int slot, final long expected, final long word) {
        return UnsafeApi.compareAndSetLong(null, at(slot), expected, word);
    }

    /** Under the lock, of a slot that nobody can join. Release: after the entry; partner: word(). */
    void put(final int slot, final long word) {
        UnsafeApi.putLongRelease(null, at(slot), word);
    }

    /** For who looks without the lock. */
    long linkAcquire(final int slot) {
        // Acquire: partner of the release in putLink().
        return UnsafeApi.getLongAcquire(null, at(slot) + LINK);
    }

    /** Under the lock. */
    long link(final int slot) {
        return UnsafeApi.getLong(at(slot) + LINK);
    }

    /** Under the lock. Release: the word of the slot that is linked was set before; partner: linkAcquire(). */
    void putLink(final int slot, final long link) {
        UnsafeApi.putLongRelease(null, at(slot) + LINK, link);
    }

    /** Under the lock. */
    int pin(final int slot) {
        return (int)UnsafeApi.getLong(at(slot) + PIN);
    }

    /** Under the lock, of a slot that is mapped: for reports. */
    Thread mapper(final int slot) {
        return mappers[slot];
    }

    /** Under the lock: for a new mapping of the caller's; takes the pin, and returns the generation. */
    long renew(final int slot, final int pin) {
        final Thread me = Thread.currentThread();
        // A store of a reference costs more than a look.
        if (mappers[slot] != me) {
            mappers[slot] = me;
        }
        final long generation = KmapTags.next(UnsafeApi.getLong(at(slot) + GENERATION));
        UnsafeApi.putLong(at(slot) + GENERATION, generation);
        UnsafeApi.putLong(at(slot) + PIN, pin);
        return generation;
    }
}
