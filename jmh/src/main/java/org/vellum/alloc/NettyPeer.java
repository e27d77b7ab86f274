package org.vellum.alloc;

import io.netty.buffer.AdaptiveByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufAllocatorMetricProvider;
import io.netty.buffer.PooledByteBufAllocator;

/** Netty's two allocators of direct buffers; their best case is the threads of {@link FastThreads}. */
final class NettyPeer extends ObjectPeer<ByteBuf> {
    private final ByteBufAllocator allocator;

    private NettyPeer(final ByteBufAllocator allocator, final int slots) {
        super(slots);
        this.allocator = allocator;
    }

    static PeerAllocator adaptive() {
        return new Shared<>(new AdaptiveByteBufAllocator(true));
    }

    static PeerAllocator pooled() {
        return new Shared<>(new PooledByteBufAllocator(true));
    }

    @Override
    ByteBuf allocate(final int size) {
        return allocator.directBuffer(size);
    }

    @Override
    void release(final ByteBuf handle) {
        handle.release();
    }

    @Override
    long address(final ByteBuf handle) {
        return handle.memoryAddress();
    }

    private static final class Shared<A extends ByteBufAllocator & ByteBufAllocatorMetricProvider> implements PeerAllocator {
        private final A allocator;

        Shared(final A allocator) {
            this.allocator = allocator;
        }

        @Override
        public Peer peer(final int slots) {
            return new NettyPeer(allocator, slots);
        }

        @Override
        public long reservedBytes() {
            return allocator.metric().usedDirectMemory();
        }
    }
}
