package org.vellum.alloc;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.vellum.epoch.Retirement;
import org.vellum.epoch.Retirements;

/**
 * An arena for any threads: a stack of chunks, the top one carved by an atomic addition.
 *
 * <p>Whoever finds the top chunk full allocates the next and puts it on top by compare-and-set; who loses gives its own back. Closing
 * exchanges the stack for a mark: of two closes one gets the chunks, and an allocation that comes later sees the mark. An allocation that
 * has the top chunk in hand meanwhile gets memory of a closed arena; it is valid until the section ends in which the caller
 * allocated, as all of the arena is: the exchange precedes the stamp of the retirement.
 */
final class SharedArena extends Arena {
    private static final Chunk CLOSED = new Chunk(0, 0, 0, null);

    /** Some memory, and how much of it is taken; more than all once it is full. */
    private static final class Chunk {
        final long address;
        final long bytes;
        final AtomicLong taken;
        final Chunk below;

        Chunk(final long address, final long bytes, final long taken, final Chunk below) {
            this.address = address;
            this.bytes = bytes;
            this.taken = new AtomicLong(taken);
            this.below = below;
        }
    }

    private final OffHeapAllocator allocator;
    private final Retirements retirements;
    private final Budget budget;
    private final AtomicReference<Chunk> top = new AtomicReference<>();
    private final AtomicLong reserved = new AtomicLong();

    /** The chunks of the closed arena, until they are given back. */
    private final class Ended extends Retirement {
        private final Chunk chunks;

        Ended(final Chunk chunks) {
            this.chunks = chunks;
        }

        @Override
        protected void released() {
            for (Chunk chunk = chunks; chunk != null; chunk = chunk.below) {
                allocator.free(chunk.address);
            }
        }
    }

    SharedArena(final OffHeapAllocator allocator, final Retirements retirements, final Budget budget) {
        this.allocator = allocator;
        this.retirements = retirements;
        this.budget = budget;
    }

    @Override
    public long allocate(final long size, final long alignment) {
        check(size, alignment);
        if (size + alignment > LONGEST_CHUNK / 4) {
            return allocateAlone(size, alignment);
        }
        // With room for any alignment, so that one addition settles it; so all that is taken stays aligned to 8.
        final long rounded = size + ALIGNMENT - 1 & -ALIGNMENT;
        final long wanted = alignment <= ALIGNMENT ? rounded : rounded + alignment;
        while (true) {
            final Chunk chunk = top.get();
            if (chunk == CLOSED) {
                throw closed();
            }
            if (chunk != null && chunk.taken.get() + wanted <= chunk.bytes) {
                final long offset = chunk.taken.getAndAdd(wanted);
                if (offset + wanted <= chunk.bytes) {
                    return chunk.address + offset + alignment - 1 & -alignment;
                }
            }
            push(chunk, wanted);
        }
    }

    private void push(final Chunk below, final long wanted) {
        long bytes = below == null ? FIRST_CHUNK : Math.min(2 * below.bytes, LONGEST_CHUNK);
        while (bytes < wanted) {
            bytes *= 2;
        }
        // What others have closed comes back here, so that it does not wait for somebody to poll.
        retirements.poll();
        final Chunk chunk = new Chunk(allocator.allocate(bytes, ALIGNMENT, budget), bytes, 0, below);
        if (top.compareAndSet(below, chunk)) {
            reserved.getAndAdd(bytes);
        } else {
            allocator.free(chunk.address);
        }
    }

    /** Below the top chunk's successors, full from the start: the next small request puts another on top. */
    private long allocateAlone(final long size, final long alignment) {
        final long address = allocator.allocate(size, alignment, budget);
        while (true) {
            final Chunk below = top.get();
            if (below == CLOSED) {
                allocator.free(address);
                throw closed();
            }
            if (top.compareAndSet(below, new Chunk(address, size, size, below))) {
                reserved.getAndAdd(size);
                return address;
            }
        }
    }

    @Override
    public long reservedBytes() {
        return reserved.get();
    }

    @Override
    public void close() {
        // Exchange: of two closes one gets the chunks; partner: the loads and compare-and-sets of top above.
        final Chunk chunks = top.getAndSet(CLOSED);
        if (chunks == CLOSED) {
            throw closed();
        }
        reserved.set(0);
        if (chunks != null) {
            retirements.retire(new Ended(chunks));
        }
    }
}
