package org.vellum.percpu;

import java.util.ArrayList;
import java.util.List;

/**
 * Chunks in lists by the length of their largest free run, so that an allocation looks first where it fits most tightly, and
 * never at a chunk whose largest run is below its own power of two.
 *
 * <pre>
 *   0            nothing to give: full, or set aside because it failed
 *   1, 2, 3 ..   largest run of 4..15, 16..31, 32..63 .. bytes
 *   sidelined    has free areas, but is looked at only when all of the above have failed
 *   free         nothing is allocated
 *   toDepopulate isolated: no allocation comes here
 * </pre>
 *
 * <p>Linked through the chunks themselves: nothing is allocated after construction. Every method runs under the allocator's lock.
 *
 * @param <C> what the lists hold; in one list at a time.
 */
final class ChunkSlots<C extends ChunkLink<C>> {
    private static final int BASE_SHIFT = 3;
    private static final int LOWEST_SLOT_WITH_ROOM = 1;

    private final int unitBytes;
    private final int sidelined;
    private final List<Head<C>> heads = new ArrayList<>();

    /**
     * Makes empty lists.
     *
     * @param unitBytes of a unit: the largest run there can be.
     */
    ChunkSlots(final int unitBytes) {
        this.unitBytes = unitBytes;
        sidelined = runSlot(unitBytes) + 1;
        for (int slot = 0; slot < count(); slot++) {
            heads.add(new Head<>());
        }
    }

    /** Where the search for {@code bytes}, from 1 to a whole unit, begins; it goes on up to {@link #free()} and no further. */
    int slotOfSize(final int bytes) {
        return bytes == unitBytes ? free() : runSlot(bytes);
    }

    /**
     * Where a chunk belongs.
     *
     * @param contiguousBytes its largest free run.
     * @param freeBytes all that is free in it.
     */
    int slotOf(final int contiguousBytes, final int freeBytes) {
        return contiguousBytes == 0 || freeBytes < AreaMap.GRANULE ? 0 : slotOfSize(contiguousBytes);
    }

    private static int runSlot(final int bytes) {
        return Math.max(Integer.SIZE - Integer.numberOfLeadingZeros(bytes) - BASE_SHIFT, LOWEST_SLOT_WITH_ROOM);
    }

    int sidelined() {
        return sidelined;
    }

    int free() {
        return sidelined + 1;
    }

    int toDepopulate() {
        return sidelined + 2;
    }

    /** How many lists there are. */
    int count() {
        return sidelined + 3;
    }

    /** The chunk at the front of a list, or null; {@link ChunkLink#next} is the one after it. */
    C first(final int slot) {
        return heads.get(slot).first;
    }

    /**
     * Moves a chunk to the list it belongs to now. One that has gained room goes to the front, where it is filled before others;
     * one that has lost room to the back, so that the chunks there before it come first. Nothing happens if the list is the same.
     */
    void relocate(final C chunk, final int slot) {
        if (chunk.slot < slot) {
            moveToFront(chunk, slot);
        } else if (chunk.slot > slot) {
            moveToBack(chunk, slot);
        }
    }

    /** Puts a chunk, whether it is in a list or not, at the front of one. */
    void moveToFront(final C chunk, final int slot) {
        remove(chunk);
        final Head<C> head = heads.get(slot);
        chunk.slot = slot;
        chunk.next = head.first;
        if (head.first == null) {
            head.last = chunk;
        } else {
            head.first.prev = chunk;
        }
        head.first = chunk;
    }

    /** Puts a chunk, whether it is in a list or not, at the back of one. */
    void moveToBack(final C chunk, final int slot) {
        remove(chunk);
        final Head<C> head = heads.get(slot);
        chunk.slot = slot;
        chunk.prev = head.last;
        if (head.last == null) {
            head.first = chunk;
        } else {
            head.last.next = chunk;
        }
        head.last = chunk;
    }

    /** Has a list begin behind one of its chunks: what was before it follows at the end, in the same order. */
    void rotate(final C chunk) {
        final Head<C> head = heads.get(chunk.slot);
        if (chunk.next == null) {
            return;
        }
        final C first = chunk.next;
        first.prev = null;
        chunk.next = null;
        head.last.next = head.first;
        head.first.prev = head.last;
        head.first = first;
        head.last = chunk;
    }

    /** Takes a chunk out of its list; nothing happens if it is in none. */
    void remove(final C chunk) {
        if (chunk.slot == ChunkLink.UNLISTED) {
            return;
        }
        final Head<C> head = heads.get(chunk.slot);
        if (chunk.prev == null) {
            head.first = chunk.next;
        } else {
            chunk.prev.next = chunk.next;
        }
        if (chunk.next == null) {
            head.last = chunk.prev;
        } else {
            chunk.next.prev = chunk.prev;
        }
        chunk.prev = null;
        chunk.next = null;
        chunk.slot = ChunkLink.UNLISTED;
    }

    /** Walks every list both ways; a link that is wrong is an {@link AssertionError}. */
    void verify() {
        for (int slot = 0; slot < count(); slot++) {
            C before = null;
            for (C chunk = first(slot); chunk != null; chunk = chunk.next) {
                if (chunk.slot != slot || chunk.prev != before) {
                    throw new AssertionError("slot=" + slot + " holds a chunk of slot=" + chunk.slot + " or is linked wrongly");
                }
                before = chunk;
            }
            if (heads.get(slot).last != before) {
                throw new AssertionError("slot=" + slot + " does not end where its links do");
            }
        }
    }

    private static final class Head<C> {
        private C first;
        private C last;
    }
}
