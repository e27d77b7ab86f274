package org.vellum.alloc;

/**
 * Has every allocation and free recorded before anybody else can know of it; the rest is up to the allocator behind.
 *
 * <p>A free is recorded before it is done, so that the next owner of the address comes after it in the trace. One that is then
 * refused was of an address that is not live, and the trace leaves such frees out. A reallocation is a free and an allocation.
 */
final class RecordingAllocator implements Detour {
    private final PlainAllocator plain;
    private final CheckedAllocator checked;
    private final TraceWriter trace;

    /** The allocator behind is the checked one, or the plain one if that is null. */
    RecordingAllocator(final PlainAllocator plain, final CheckedAllocator checked, final TraceWriter trace) {
        this.plain = plain;
        this.checked = checked;
        this.trace = trace;
    }

    @Override
    public long allocate(final long size, final long alignment, final Budget budget, final boolean zeroed) {
        final long address = checked == null ? plain.allocate(size, alignment, budget, zeroed)
            : checked.allocate(size, alignment, budget, zeroed);
        trace.allocated(address, size);
        return address;
    }

    @Override
    public void free(final long address, final boolean deferred) {
        trace.freed(address);
        if (checked != null) {
            checked.free(address, deferred);
        } else if (deferred) {
            plain.freeDeferred(address);
        } else {
            plain.free(address);
        }
    }

    @Override
    public long reallocate(final long address, final long size) {
        // Misuse is told before anything is recorded.
        final long before = sizeOf(address);
        if (size <= 0) {
            throw new IllegalArgumentException("size=" + size);
        }
        trace.freed(address);
        boolean done = false;
        try {
            final long moved = checked == null ? plain.reallocate(address, size) : checked.reallocate(address, size);
            done = true;
            trace.allocated(moved, size);
            return moved;
        } finally {
            if (!done) {
                // Whatever stopped it, the memory is where it was.
                trace.allocated(address, before);
            }
        }
    }

    @Override
    public long sizeOf(final long address) {
        return checked == null ? plain.sizeOf(address) : checked.sizeOf(address);
    }

    /** Ends the recording; waits for the file. */
    void close() {
        trace.close();
    }
}
