package org.vellum.alloc;

import org.agrona.UnsafeApi;

/** An allocator whose handles are numbers. */
abstract class LongPeer extends Peer {
    private final long[] handles;

    /** @param slots of the table. */
    LongPeer(final int slots) {
        handles = new long[slots];
    }

    abstract long allocate(int size);

    abstract void release(long handle);

    /** @return the raw address of an allocation. */
    long address(final long handle) {
        return handle;
    }

    @Override
    final long cycle(final int size) {
        final long handle = allocate(size);
        touch(address(handle), size);
        release(handle);
        return handle;
    }

    @Override
    final void allocate(final int slot, final int size) {
        final long handle = allocate(size);
        touch(address(handle), size);
        handles[slot] = handle;
    }

    @Override
    final void free(final int slot) {
        release(handles[slot]);
    }

    @Override
    final boolean send(final Channel channel, final int slot) {
        return channel.numbers.offer(handles[slot]);
    }

    @Override
    final boolean receive(final Channel channel) {
        final long handle = channel.numbers.poll();
        if (handle == LongRing.EMPTY) {
            return false;
        }
        channel.received += UnsafeApi.getLong(address(handle));
        release(handle);
        return true;
    }
}
