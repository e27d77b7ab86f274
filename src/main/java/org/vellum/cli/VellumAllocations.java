package org.vellum.cli;

import org.vellum.Vellum;
import org.vellum.mem.Pages;

/** The memory's own allocator, as commands see it. */
final class VellumAllocations implements Allocations {
    /** What the allocator promises, in bytes. */
    private static final long CONTIGUOUS = 256L << 10;

    private final Vellum memory;

    VellumAllocations(final Vellum memory) {
        this.memory = memory;
    }

    @Override
    public long allocate(final long size) {
        return memory.allocate(size);
    }

    @Override
    public void free(final long address) {
        memory.free(address);
    }

    @Override
    public long nativeAddress(final long address) {
        return memory.allocator().isContiguous(address) ? memory.allocator().nativeAddress(address)
            : memory.access().writable(address);
    }

    @Override
    public boolean isContiguous(final long size) {
        return size <= CONTIGUOUS;
    }

    @Override
    public long liveBytes() {
        memory.quiesce();
        return memory.allocator().budget().used();
    }

    @Override
    public long reservedBytes() {
        return memory.frames().configuredFrames() - memory.frames().freeFrames() + memory.frames().cachedFrames() << Pages.SHIFT;
    }
}
