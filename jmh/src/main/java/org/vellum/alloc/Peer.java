package org.vellum.alloc;

import org.agrona.UnsafeApi;
import org.vellum.mem.Pages;

/**
 * One thread's use of the allocator of a row: what a benchmark calls, at the same price for all.
 *
 * <p>A fork measures one allocator, so that of this class's descendants one is ever instantiated there and each call through it is
 * a direct one after compilation. Allocators whose handles are numbers come by {@link LongPeer}, those whose handles are
 * objects by {@link ObjectPeer}: neither boxes. Memory is touched by the same store to a raw address whoever allocated it.
 *
 * <p>Only the thread that called {@link #begin} calls the rest, until it called {@link #end}; what one peer allocated, the
 * peer of another thread may release by {@link #receive}.
 */
abstract class Peer {
    /**
     * Allocates, touches and frees.
     *
     * @param size in bytes, at least 8.
     * @return something that depends on the allocation.
     */
    abstract long cycle(int size);

    /**
     * Allocates and touches.
     *
     * @param slot of this peer's table, which holds nothing.
     * @param size in bytes, at least 8.
     */
    abstract void allocate(int slot, int size);

    /** @param slot of this peer's table, which holds nothing afterwards. */
    abstract void free(int slot);

    /**
     * Sends what the slot holds to another thread.
     *
     * @param channel where to.
     * @param slot    of this peer's table; holds nothing afterwards if this succeeded.
     * @return whether there was room.
     */
    abstract boolean send(Channel channel, int slot);

    /**
     * Receives an allocation, reads its first word and frees it.
     *
     * @param channel where from.
     * @return whether there was one.
     */
    abstract boolean receive(Channel channel);

    /** The calling thread is about to use this peer: at the start of each iteration. */
    void begin() {
    }

    /** The calling thread is about to wait for another one. */
    void pause() {
    }

    /** The calling thread has stopped to use this peer: at the end of each iteration. */
    void end() {
    }

    /** Nobody uses this peer any more. */
    void close() {
    }

    /** Stores one word into each page. */
    static void touch(final long address, final int size) {
        for (int offset = 0; offset < size; offset += Pages.SIZE) {
            UnsafeApi.putLong(address + offset, address);
        }
    }
}
