package org.vellum.alloc;

import org.vellum.Vellum;
import org.vellum.cpu.Cpu;

/** Vellum by the overloads that take a {@code Cpu}: the one that the thread had at the start of the iteration. */
final class VellumCpuPeer extends LongPeer {
    private final Vellum memory;
    private final OffHeapAllocator allocator;
    private Cpu hint;

    VellumCpuPeer(final Vellum memory, final int slots) {
        super(slots);
        this.memory = memory;
        allocator = memory.allocator();
    }

    @Override
    void begin() {
        hint = memory.enter();
        hint.exit();
    }

    @Override
    long allocate(final int size) {
        return allocator.allocate(hint, size);
    }

    @Override
    void release(final long handle) {
        allocator.free(hint, handle);
    }

    @Override
    long address(final long handle) {
        return allocator.nativeAddress(handle);
    }
}
