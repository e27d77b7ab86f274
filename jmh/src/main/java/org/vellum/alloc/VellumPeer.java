package org.vellum.alloc;

import org.vellum.Vellum;

/** Vellum by its plain calls. */
final class VellumPeer extends LongPeer {
    private final OffHeapAllocator allocator;

    VellumPeer(final Vellum memory, final int slots) {
        super(slots);
        allocator = memory.allocator();
    }

    @Override
    long allocate(final int size) {
        return allocator.allocate(size);
    }

    @Override
    void release(final long handle) {
        allocator.free(handle);
    }

    @Override
    long address(final long handle) {
        return allocator.nativeAddress(handle);
    }
}
