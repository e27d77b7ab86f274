package org.vellum.alloc;

import java.nio.ByteBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.vellum.mmu.MappedAccess;
import org.vellum.vmap.VmapBuffer;

/** The allocator as buffers see it, for one budget. */
final class BudgetMemory implements BufferMemory {
    private final OffHeapAllocator allocator;
    private final MappedAccess access;
    private final Budget budget;

    /**
     * @param budget that is charged; null for the root.
     */
    BudgetMemory(final OffHeapAllocator allocator, final MappedAccess access, final Budget budget) {
        this.allocator = allocator;
        this.access = access;
        this.budget = budget;
    }

    @Override
    public long allocate(final long size, final long alignment, final boolean zeroed) {
        return zeroed ? allocator.allocateZeroed(size, alignment, budget) : allocator.allocate(size, alignment, budget);
    }

    @Override
    public void free(final long address) {
        allocator.free(address);
    }

    @Override
    public long reallocate(final long address, final long size) {
        return allocator.reallocate(address, size);
    }

    @Override
    public boolean isContiguous(final long address) {
        return allocator.isContiguous(address);
    }

    @Override
    public void wrap(final long address, final int length, final UnsafeBuffer buffer) {
        allocator.wrap(address, length, buffer);
    }

    @Override
    public VmapBuffer view(final long address, final int length) {
        final VmapBuffer view = new VmapBuffer(access);
        view.wrap(address, length);
        return view;
    }

    @Override
    public ByteBuffer byteBuffer(final long address, final int length) {
        return allocator.byteBuffer(address, length);
    }
}
