package org.vellum.alloc;

import java.util.function.IntFunction;
import org.vellum.Vellum;

/** Vellum's allocator: one memory for all threads of a trial, verified at its end. */
final class VellumAllocator implements PeerAllocator {
    /** Enough for each benchmark here at some dozens of threads; banks come on demand. */
    private static final long BYTES = 2L << 30;
    private static final long BANK_BYTES = 64L << 20;

    private final Vellum memory;
    private final IntFunction<Peer> peers;

    private VellumAllocator(final Vellum memory, final IntFunction<Peer> peers) {
        this.memory = memory;
        this.peers = peers;
    }

    /** @return with the plain calls. */
    static PeerAllocator plain() {
        final Vellum memory = Vellum.open(BYTES);
        return new VellumAllocator(memory, slots -> new VellumPeer(memory, slots));
    }

    /** @return with the overloads that take a {@code Cpu}. */
    static PeerAllocator hinted() {
        final Vellum memory = Vellum.open(BYTES);
        return new VellumAllocator(memory, slots -> new VellumCpuPeer(memory, slots));
    }

    /** @return inside sections, each held for some operations. */
    static PeerAllocator sections() {
        final Vellum memory = Vellum.open(BYTES);
        // The first bank, and one more: inside a section nobody waits for a bank that another thread adds, large requests get scattered frames
        // meanwhile, and those have no one native address for a benchmark to touch.
        memory.free(memory.allocate(BANK_BYTES));
        memory.free(memory.allocate(2 * BANK_BYTES));
        return new VellumAllocator(memory, slots -> new VellumSectionPeer(memory, slots));
    }

    @Override
    public Peer peer(final int slots) {
        return peers.apply(slots);
    }

    /** A figure that broken structures produced is worth nothing. */
    @Override
    public void close() {
        memory.quiesce();
        memory.verify();
        memory.close();
    }

    @Override
    public long reservedBytes() {
        return memory.stats().configuredBytes() - memory.stats().freeFrameBytes() + memory.stats().cachedFrameBytes();
    }
}
