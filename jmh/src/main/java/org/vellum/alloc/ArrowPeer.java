package org.vellum.alloc;

import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;

/**
 * Arrow's allocator over the C library's. Each thread has a child with a reservation of its own, so that its allocations are
 * charged without a word that threads share.
 */
final class ArrowPeer extends ObjectPeer<ArrowBuf> {
    private static final long RESERVATION_BYTES = 512L << 20;

    private final BufferAllocator child;

    private ArrowPeer(final BufferAllocator root, final int slots) {
        super(slots);
        child = root.newChildAllocator("thread", RESERVATION_BYTES, Long.MAX_VALUE);
    }

    static PeerAllocator open() {
        final RootAllocator root = new RootAllocator();
        return slots -> new ArrowPeer(root, slots);
    }

    @Override
    ArrowBuf allocate(final int size) {
        return child.buffer(size);
    }

    @Override
    void release(final ArrowBuf handle) {
        handle.close();
    }

    @Override
    long address(final ArrowBuf handle) {
        return handle.memoryAddress();
    }

    /** Throws if anything leaked. */
    @Override
    void close() {
        child.close();
    }
}
