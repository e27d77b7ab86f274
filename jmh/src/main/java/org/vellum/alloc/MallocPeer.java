package org.vellum.alloc;

import org.agrona.UnsafeApi;

/** The C library's allocator by way of the JVM. */
final class MallocPeer extends LongPeer {
    MallocPeer(final int slots) {
        super(slots);
    }

    @Override
    long allocate(final int size) {
        return UnsafeApi.allocateMemory(size);
    }

    @Override
    void release(final long handle) {
        UnsafeApi.freeMemory(handle);
    }
}
