package org.vellum.alloc;

import org.agrona.UnsafeApi;

/** What all rows do besides allocating: always the same memory, which is in the caches if it fits there. */
final class FloorPeer extends LongPeer {
    /** The largest size of any benchmark here. */
    private static final int BYTES = 1 << 20;

    private final long block = UnsafeApi.allocateMemory(BYTES);

    FloorPeer(final int slots) {
        super(slots);
        UnsafeApi.setMemory(block, BYTES, (byte)0);
    }

    @Override
    long allocate(final int size) {
        return block;
    }

    @Override
    void release(final long handle) {
        // nothing was allocated
    }

    @Override
    void close() {
        UnsafeApi.freeMemory(block);
    }
}
