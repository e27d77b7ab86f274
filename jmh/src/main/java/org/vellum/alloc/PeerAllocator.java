package org.vellum.alloc;

/** The allocator of a row: what the threads of a run share. Each of them uses it by a {@link Peer} of its own. */
interface PeerAllocator extends AutoCloseable {
    /**
     * Opens the allocator of a row.
     *
     * @param name of the row.
     * @return the allocator.
     * @throws UnsupportedOperationException if this JDK does not have it: JMH shows the row as failed, with this reason.
     */
    static PeerAllocator open(final String name) {
        switch (name) {
            case "vellum":
                return VellumAllocator.plain();
            case "vellumCpu":
                return VellumAllocator.hinted();
            case "vellumSection":
                return VellumAllocator.sections();
            case "rpmalloc":
                return RpmallocPeer.open();
            case "jemalloc":
                return JemallocPeer::new;
            case "malloc":
                return MallocPeer::new;
            case "nettyAdaptive":
                return NettyPeer.adaptive();
            case "nettyPooled":
                return NettyPeer.pooled();
            case "arrow":
                return ArrowPeer.open();
            case "confinedArena":
                return ConfinedArenaPeer.open();
            case "floor":
                return FloorPeer::new;
            default:
                throw new IllegalArgumentException("peer=" + name);
        }
    }

    /**
     * Any thread may ask.
     *
     * @param slots of its table.
     * @return a thread's way to use it.
     */
    Peer peer(int slots);

    /**
     * @param senders how many threads will send.
     * @return a way for allocations from thread to thread.
     * @throws UnsupportedOperationException if another thread than the one that allocated may not free.
     */
    default Channel channel(final int senders) {
        return new Channel(senders);
    }

    /** @return how much memory it holds, used or not, in bytes; the whole process's if it does not know. Only differences matter. */
    default long reservedBytes() {
        return ResidentMemory.bytes();
    }

    @Override
    default void close() {
    }
}
