package org.vellum.cli;

import org.vellum.Vellum;
import org.vellum.mem.Pages;

/** The memory's own allocator, as commands see it: {@code vmalloc}, of whole pages. */
final class VellumAllocations implements Allocations {
    private final Vellum memory;

    VellumAllocations(final Vellum memory) {
        this.memory = memory;
    }

    @Override
    public long allocate(final long size) {
        return memory.vmalloc(size);
    }

    @Override
    public void free(final long address) {
        memory.vfree(address);
    }

    @Override
    public long nativeAddress(final long address) {
        return memory.access().writable(address);
    }

    @Override
    public boolean isContiguous(final long size) {
        return size <= Pages.SIZE;
    }

    @Override
    public long liveBytes() {
        memory.quiesce();
        return memory.frames().allocatedFrames() << Pages.SHIFT;
    }

    @Override
    public long reservedBytes() {
        return memory.frames().configuredFrames() - memory.frames().freeFrames() + memory.frames().cachedFrames() << Pages.SHIFT;
    }
}
