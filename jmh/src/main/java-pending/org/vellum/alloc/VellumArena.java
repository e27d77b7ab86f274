package org.vellum.alloc;

import org.vellum.Vellum;

/** Vellum's arena. */
final class VellumArena extends ScopedArena {
    private static final long BYTES = 256L << 20;

    private final Vellum memory = Vellum.open(BYTES);
    private final OffHeapAllocator allocator = memory.allocator();

    @Override
    long openAllocateClose() {
        long sum = 0;
        // memory.arena() as it stands; one row for each way to open it, if a confined and a shared one come to differ
        try (Arena arena = memory.arena()) {
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
