package org.vellum.alloc;

import org.vellum.Vellum;
import org.vellum.cpu.Cpu;

/**
 * Vellum inside sections, each held for {@value #OPERATIONS} allocations and the frees between them; none is open while the
 * thread waits, or after its iteration.
 */
final class VellumSectionPeer extends LongPeer {
    private static final int OPERATIONS = 64;

    private final Vellum memory;
    private final OffHeapAllocator allocator;
    /** The slot of the open section, else of the last one. */
    private Cpu cpu;
    /** Allocations that the open section is still good for; 0 if none is open. */
    private int left;

    VellumSectionPeer(final Vellum memory, final int slots) {
        super(slots);
        this.memory = memory;
        allocator = memory.allocator();
    }

    @Override
    void begin() {
        cpu = memory.enter();
        cpu.exit();
    }

    @Override
    void pause() {
        if (left > 0) {
            left = 0;
            cpu.exit();
        }
    }

    @Override
    void end() {
        pause();
    }

    @Override
    long allocate(final int size) {
        if (left == 0) {
            open();
        } else if (--left == 0) {
            cpu.exit();
            open();
        }
        return allocator.allocate(cpu, size);
    }

    private void open() {
        cpu = memory.enter(cpu);
        left = OPERATIONS;
    }

    @Override
    void release(final long handle) {
        allocator.free(cpu, handle);
    }

    @Override
    long address(final long handle) {
        return allocator.nativeAddress(handle);
    }
}
