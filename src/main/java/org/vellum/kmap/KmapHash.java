package org.vellum.kmap;

import org.agrona.UnsafeApi;
import org.vellum.mem.Words;

/**
 * Which slot of the shared window maps a frame: chains of slots, their links stored by slot, so that there is nothing to allocate.
 *
 * <p>Changed under the window's lock, read without. <b>A look-up finds a frame that is mapped all the while it lasts</b>, so whoever holds a
 * map finds it again. Links are those of {@link ChainLink}, which argues that. What is found may have been unmapped since: the slot's word
 * decides.
 */
final class KmapHash {
    static final int NONE = ChainLink.END;

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

    /** The slot that maps the frame, or did so just now; or {@link #NONE}. Under the lock exact. */
    int find(final long frame) {
        final long head = at(frame);
        // Acquire, here and below: partner of the releases in add() and remove().
        int slot = (int)UnsafeApi.getLongAcquire(null, head) - 1;
        while (slot != NONE) {
            final long link = slots.linkAcquire(slot);
            final long found = ChainLink.frame(link);
            if (found == frame) {
                return slot;
            }
            slot = at(found) == head ? ChainLink.next(link) : (int)UnsafeApi.getLongAcquire(null, head) - 1;
        }
        return NONE;
    }

    /** Under the lock, after the slot's word. */
    void add(final long frame, final int slot) {
        final long head = at(frame);
        slots.putLink(slot, ChainLink.of(frame, (int)UnsafeApi.getLong(head) - 1));
        // Release: partner of the acquire in find().
        UnsafeApi.putLongRelease(null, head, slot + 1);
    }

    /** Under the lock. */
    void remove(final long frame, final int slot) {
        final long head = at(frame);
        final int next = ChainLink.next(slots.link(slot));
        int before = (int)UnsafeApi.getLong(head) - 1;
        if (before == slot) {
            UnsafeApi.putLongRelease(null, head, next + 1);
            return;
        }
        while (ChainLink.next(slots.link(before)) != slot) {
            before = ChainLink.next(slots.link(before));
            assert before != NONE : "frame=" + frame + " slot=" + slot;
        }
        slots.putLink(before, ChainLink.of(ChainLink.frame(slots.link(before)), next));
    }
}
