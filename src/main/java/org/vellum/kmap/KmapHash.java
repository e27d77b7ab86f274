package org.vellum.kmap;

import org.vellum.mem.Words;

/**
 * Which slot of the shared window maps a frame: chains of slots, their links stored by slot, so that there is nothing to allocate.
 *
 * <p>Changed under the window's lock, read without. A reader may follow a slot that is just being moved to another chain, and miss what it
 * looks for; it never finds too much, since the slot's word decides, and whoever misses looks again under the lock ({@link #findLocked}). It takes at
 * most a bounded number of steps, whatever the writers do.
 */
final class KmapHash {
    static final int NONE = -1;

    private static final int MOST_STEPS = 64;
    private static final long SPREAD = 0x9E37_79B9_7F4A_7C15L;

    private final KmapWords slots;
    private final Words heads;
    private final Words links;
    private final int shift;

    KmapHash(final KmapWords slots) {
        this.slots = slots;
        final int buckets = Integer.highestOneBit(slots.count()) << 1;
        heads = Words.zeroed(buckets);
        links = Words.zeroed(slots.count());
        shift = Long.SIZE - Integer.numberOfTrailingZeros(buckets);
    }

    private long bucket(final long frame) {
        return frame * SPREAD >>> shift;
    }

    /** The slot whose word names the frame, or {@link #NONE}; it may be overlooked, or have changed since. */
    int find(final long frame) {
        // Acquire: a slot's word was set before the slot was linked; partner: the releases in add() and remove().
        long link = heads.getAcquire(bucket(frame));
        for (int step = 0; link != 0 && step < MOST_STEPS; step++) {
            final int slot = (int)link - 1;
            if (slots.names(slot, frame)) {
                return slot;
            }
            link = links.getAcquire(slot);
        }
        return NONE;
    }

    /** {@link #find} under the lock: exact, however long the chain. Overlooking a slot here would map its frame a second time. */
    int findLocked(final long frame) {
        long link = heads.getPlain(bucket(frame));
        while (link != 0 && !slots.names((int)link - 1, frame)) {
            link = links.getPlain(link - 1);
        }
        return (int)link - 1;
    }

    /** Under the lock, after the slot's word. */
    void add(final long frame, final int slot) {
        final long bucket = bucket(frame);
        links.putRelease(slot, heads.getPlain(bucket));
        heads.putRelease(bucket, slot + 1);
    }

    /** Under the lock. */
    void remove(final long frame, final int slot) {
        final long bucket = bucket(frame);
        final long next = links.getPlain(slot);
        long link = heads.getPlain(bucket);
        if (link == slot + 1) {
            heads.putRelease(bucket, next);
            return;
        }
        while (links.getPlain(link - 1) != slot + 1) {
            link = links.getPlain(link - 1);
            assert link != 0 : "frame=" + frame + " slot=" + slot;
        }
        links.putRelease(link - 1, next);
    }
}
