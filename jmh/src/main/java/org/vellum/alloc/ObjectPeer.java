package org.vellum.alloc;

import org.agrona.UnsafeApi;

/**
 * An allocator whose handles are objects.
 *
 * @param <T> of the handles.
 */
abstract class ObjectPeer<T> extends Peer {
    private final Object[] handles;

    /** @param slots of the table. */
    ObjectPeer(final int slots) {
        handles = new Object[slots];
    }

    abstract T allocate(int size);

    abstract void release(T handle);

    /** @return the raw address of an allocation. */
    abstract long address(T handle);

    @Override
    final long cycle(final int size) {
        final T handle = allocate(size);
        final long address = address(handle);
        touch(address, size);
        release(handle);
        return address;
    }

    @Override
    final void allocate(final int slot, final int size) {
        final T handle = allocate(size);
        touch(address(handle), size);
        handles[slot] = handle;
    }

    @Override
    final void free(final int slot) {
        release(handle(handles[slot]));
    }

    @Override
    final boolean send(final Channel channel, final int slot) {
        return channel.objects.relaxedOffer(handles[slot]);
    }

    @Override
    final boolean receive(final Channel channel) {
        final Object received = channel.objects.relaxedPoll();
        if (received == null) {
            return false;
        }
        final T handle = handle(received);
        channel.received += UnsafeApi.getLong(address(handle));
        release(handle);
        return true;
    }

    /** The tables and channels of a run hold handles of its one allocator only. */
    @SuppressWarnings("unchecked")
    private T handle(final Object object) {
        return (T)object;
    }
}
