package org.vellum.percpu;

/**
 * What makes an object a member of {@link ChunkSlots}: its neighbours in the list and the list's number. Written by
 * {@link ChunkSlots} only, under the allocator's lock.
 *
 * @param <C> the member's own type.
 */
abstract class ChunkLink<C extends ChunkLink<C>> {
    /** The slot of a chunk that is in no list. */
    static final int UNLISTED = -1;

    C prev;
    C next;
    int slot = UNLISTED;
}
