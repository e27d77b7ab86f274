package org.vellum.alloc;

/**
 * An arena for each allocation, which is how {@code java.lang.foreign} frees one: confined to its thread, so that hand-over to
 * another one fails, and JMH shows it. The memory is zeroed, which no other row's is: there is no way to go without.
 */
final class ConfinedArenaPeer extends Peer {
    private final Object[] arenas;

    private ConfinedArenaPeer(final int slots) {
        arenas = new Object[slots];
    }

    static PeerAllocator open() {
        ForeignMemory.requireAvailable();
        return new Shared();
    }

    @Override
    long cycle(final int size) {
        final Object arena = ForeignMemory.confined();
        final long address = ForeignMemory.allocate(arena, size);
        touch(address, size);
        ForeignMemory.close(arena);
        return address;
    }

    @Override
    void allocate(final int slot, final int size) {
        final Object arena = ForeignMemory.confined();
        touch(ForeignMemory.allocate(arena, size), size);
        arenas[slot] = arena;
    }

    @Override
    void free(final int slot) {
        ForeignMemory.close(arenas[slot]);
    }

    @Override
    boolean send(final Channel channel, final int slot) {
        throw confined();
    }

    @Override
    boolean receive(final Channel channel) {
        throw confined();
    }

    private static UnsupportedOperationException confined() {
        return new UnsupportedOperationException("not available: a confined arena is closed by its own thread only");
    }

    private static final class Shared implements PeerAllocator {
        @Override
        public Peer peer(final int slots) {
            return new ConfinedArenaPeer(slots);
        }

        @Override
        public Channel channel(final int senders) {
            throw confined();
        }
    }
}
