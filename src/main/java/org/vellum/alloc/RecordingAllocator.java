package org.vellum.alloc;

/** Writes down what callers do, and passes it on. */
final class RecordingAllocator implements Detour, AutoCloseable {
    private final Detour next;
    private final TraceWriter trace;

    RecordingAllocator(final Detour next, final TraceWriter trace) {
        this.next = next;
        this.trace = trace;
    }

    @Override
    public long allocate(final long size, final long alignment, final Budget budget, final boolean zeroed) {
        final long address = next.allocate(size, alignment, budget, zeroed);
        trace.allocated(address, size);
        return address;
    }

    @Override
    public void free(final long address, final boolean deferred) {
        // Before the memory is somebody else's. Addresses that are refused then are in no trace.
        trace.freed(address);
        next.free(address, deferred);
    }

    /** As a free and an allocation: that is what it is to another allocator. */
    @Override
    public long reallocate(final long address, final long size) {
        final long before = next.sizeOf(address);
        trace.freed(address);
        long now = address;
        long bytes = before;
        try {
            now = next.reallocate(address, size);
            bytes = size;
        } finally {
            trace.allocated(now, bytes);
        }
        return now;
    }

    @Override
    public long sizeOf(final long address) {
        return next.sizeOf(address);
    }

    @Override
    public void close() {
        trace.close();
    }
}
