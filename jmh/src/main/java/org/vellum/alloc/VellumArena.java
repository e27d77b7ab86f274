package org.vellum.alloc;

import org.vellum.Vellum;

/** Vellum's arenas. */
final class VellumArena extends ScopedArena {
    private static final long BYTES = 256L << 20;

    private final Vellum memory = Vellum.open(BYTES);
    private final OffHeapAllocator allocator = memory.allocator();
    private final boolean shared;

    VellumArena(final boolean shared) {
        this.shared = shared;
    }

    @Override
    long openAllocateClose() {
        long sum = 0;
        try (Arena arena = shared ? memory.sharedArena() : memory.arena()) {
            for (int i = 0; i < ALLOCATIONS; i++) {
                final long address = allocator.nativeAddress(arena.allocate(SIZE));
                Peer.touch(address, SIZE);
                sum += address;
            }
        }
        return sum;
    }

    /** A figure that broken structures produced is worth nothing. */
    @Override
    public void close() {
        memory.quiesce();
        memory.verify();
        memory.close();
    }
}
