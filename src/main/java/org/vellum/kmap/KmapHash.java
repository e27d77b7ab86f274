package org.vellum.kmap;

import org.agrona.UnsafeApi;
import org.vellum.mem.Words;

/**
 * Which slot of the shared window maps a frame: chains of slots, their links stored by slot, so that there is nothing to allocate.
 *
 * <p>Changed under the window's lock, read without. A reader may follow a slot that is just being moved to another chain, and miss what it
 * looks for; it never finds too much, since the slot's word decides, and whoever misses looks again under the lock ({@link #findLocked}).
 * It takes at most a bounded number of steps, whatever the writers do.
 */
final class KmapHash {
    static final int NONE = -1;

    private static final int MOST_STEPS = 64;
    private static final long SPREAD = 0x9E37_79B9_7F4A_7C15L;

    private final KmapSlots slots;
    /** Keeps the memory. */
    private final Words heads;
    private final long base;
    private final int bits;

    KmapHash(final KmapSlots slots) {
        this.slots = slots;
        final int buckets = Integer.highestOneBit(slots.count()) << 1;
        heads = Words.zeroed(buckets);
        base = heads.address(0);
        bits = Integer.numberOfTrailingZeros(buckets);
    }

    /** Neighbours come into neighbouring buckets, for a thread's frames are often neighbours; what lies further apart is spread. */
    static long bucket(final long frame, final int bits) {
        return (frame ^ (frame >>> bits) * SPREAD >>> Long.SIZE - bits) & (1L << bits) - 1;
    }

    /** Of the bucket's head. */
    private long at(final long frame) {
        return base + (bucket(frame, bits) << 3);
    }

    /** The slot whose word names the frame, or {@link #NONE}; it may be overlooked, or have changed since. */
    int find(final long frame) {
        // Acquire: a slot's word was set before the slot was linked; partner: the releases in add() and remove().
        long link = UnsafeApi.getLongAcquire(null, at(frame));
        for (int step = 0; link != 0 && step < MOST_STEPS; step++) {
            final int slot = (int)link - 1;
            if (KmapWord.names(slots.word(slot), frame)) {
                return slot;
            }
            link = slots.linkAcquire(slot);
        }
        return NONE;
    }

    /** {@link #find} under the lock: exact, however long the chain. Overlooking a slot here would map its frame a second time. */
    int findLocked(final long frame) {
        long link = UnsafeApi.getLong(at(frame));
        while (link != 0 && !KmapWord.names(slots.word((int)link - 1), frame)) {
            link = slots.link((int)link - 1);
        }
        return (int)link - 1;
    }

    /** Under the lock, after the slot's word. */
    void add(final long frame, final int slot) {
        final long head = at(frame);
        slots.putLink(slot, UnsafeApi.getLong(head));
        // Release: partner of the acquire in find().
        UnsafeApi.putLongRelease(null, head, slot + 1);
    }

    /** Under the lock. */
    void remove(final long frame, final int slot) {
        final long head = at(frame);
        final long next = slots.link(slot);
        int before = (int)UnsafeApi.getLong(head) - 1;
        if (before == slot) {
            UnsafeApi.putLongRelease(null, head, next);
            return;
        }
        while (slots.link(before) != slot + 1) {
            before = (int)slots.link(before) - 1;
            assert before != NONE : "frame=" + frame + " slot=" + slot;
        }
        slots.putLink(before, next);
    }
}
