package org.vellum.alloc;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.vellum.cpu.StackReserve;
import org.vellum.epoch.Retirement;
import org.vellum.epoch.Retirements;

/**
 * An arena for any threads: a stack of chunks, the top one carved by an atomic addition, and another of those made for one request each,
 * so that they do not hide what is left of the top one.
 *
 * <p>Whoever finds the top chunk full allocates the next and puts it on top by compare-and-set; who loses gives its own back. Closing
 * exchanges both stacks for a mark: of two closes one gets the chunks, and an allocation that comes later sees the mark. An allocation that
 * has the top chunk in hand meanwhile gets memory of a closed arena; it is valid until the section ends in which the caller
 * allocated, as all of the arena is: the exchanges precede the stamp of the retirement.
 */
final class SharedArena extends Arena {
    private static final Chunk CLOSED = new Chunk(0, 0, null);

    /** Some memory, and how much of it is taken; more than all once it is full. */
    private static final class Chunk {
        final long address;
        final long bytes;
        final AtomicLong taken = new AtomicLong();
        final Chunk below;

        Chunk(final long address, final long bytes, final Chunk below) {
            this.address = address;
            this.bytes = bytes;
            this.below = below;
        }
    }

    private final OffHeapAllocator allocator;
    private final Retirements retirements;
    private final Budget budget;
    private final AtomicReference<Chunk> top = new AtomicReference<>();
    private final AtomicReference<Chunk> alone = new AtomicReference<>();
    private final AtomicLong reserved = new AtomicLong();
    /** Made at the beginning: what ends an arena must not fail for want of heap. */
    private final Ended ended = new Ended();

    /** The chunks of the closed arena, until they are given back. */
    private final class Ended extends Retirement {
        private Chunk chunks;
        private Chunk others;

        @Override
        protected void released() {
            final RuntimeException damage = freeAll(others, freeAll(chunks, null));
            if (damage != null) {
                throw damage;
            }
        }

        private RuntimeException freeAll(final Chunk first, final RuntimeException before) {
            RuntimeException damage = before;
            for (Chunk chunk = first; chunk != null; chunk = chunk.below) {
                damage = free(allocator, chunk.address, damage);
            }
            return damage;
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
        if (isAlone(size, alignment)) {
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
        final Chunk chunk = new Chunk(allocator.allocate(bytes, ALIGNMENT, budget), bytes, below);
        if (top.compareAndSet(below, chunk)) {
            reserved.getAndAdd(bytes);
        } else {
            allocator.free(chunk.address);
        }
    }

    private long allocateAlone(final long size, final long alignment) {
        if (top.get() == CLOSED) {
            throw closed();
        }
        final long address = allocator.allocate(size, alignment, budget);
        while (true) {
            final Chunk below = alone.get();
            if (below == CLOSED) {
                allocator.free(address);
                throw closed();
            }
            if (alone.compareAndSet(below, new Chunk(address, size, below))) {
                reserved.getAndAdd(size);
                return address;
            }
        }
    }

    @Override
    public long reservedBytes() {
        // Who puts a chunk on top may count it only after the close.
        return top.get() == CLOSED ? 0 : reserved.get();
    }

    @Override
    public void close() {
        StackReserve.ensureOperation();
        // Exchange: of two closes one gets the chunks; partner: the loads and compare-and-sets of top above.
        final Chunk chunks = top.getAndSet(CLOSED);
        if (chunks == CLOSED) {
            throw closed();
        }
        // Exchange: whoever puts a chunk there until now has it retired, too; partner: the compare-and-set of alone above.
        final Chunk others = alone.getAndSet(CLOSED);
        if (chunks != null || others != null) {
            ended.chunks = chunks;
            ended.others = others;
            retirements.retire(ended);
        }
    }
}
