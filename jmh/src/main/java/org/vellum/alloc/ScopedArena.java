package org.vellum.alloc;

/** A kind of arena: opened, allocated from and closed by one thread, while others do something else. */
abstract class ScopedArena implements AutoCloseable {
    /** Allocations in an arena's life. */
    static final int ALLOCATIONS = 8;
    /** Each of them in bytes. */
    static final int SIZE = 128;

    /**
     * Opens the kind that a row names.
     *
     * @param name of the row.
     * @return it.
     * @throws UnsupportedOperationException if this JDK does not have it.
     */
    static ScopedArena open(final String name) {
        switch (name) {
            case "vellumConfined":
                return new VellumArena(false);
            case "vellumShared":
                return new VellumArena(true);
            case "ffmConfined":
                ForeignMemory.requireAvailable();
                return new ForeignConfined();
            case "ffmShared":
                ForeignMemory.requireAvailable();
                return new ForeignShared();
            default:
                throw new IllegalArgumentException("arena=" + name);
        }
    }

    /**
     * Opens one, allocates and touches, and closes it; any thread may call.
     *
     * @return something that depends on the allocations.
     */
    abstract long openAllocateClose();

    /** Nobody calls any more. */
    @Override
    public void close() {
    }

    private static long allocate(final Object arena) {
        long sum = 0;
        for (int i = 0; i < ALLOCATIONS; i++) {
            final long address = ForeignMemory.allocate(arena, SIZE);
            Peer.touch(address, SIZE);
            sum += address;
        }
        return sum;
    }

    private static final class ForeignConfined extends ScopedArena {
        @Override
        long openAllocateClose() {
            final Object arena = ForeignMemory.confined();
            final long sum = allocate(arena);
            ForeignMemory.close(arena);
            return sum;
        }
    }

    private static final class ForeignShared extends ScopedArena {
        @Override
        long openAllocateClose() {
            final Object arena = ForeignMemory.shared();
            final long sum = allocate(arena);
            ForeignMemory.close(arena);
            return sum;
        }
    }
}
