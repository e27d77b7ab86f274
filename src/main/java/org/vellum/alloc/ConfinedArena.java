package org.vellum.alloc;

import java.util.Arrays;
import org.vellum.mem.Pages;

/** An arena of one thread: plain fields, and a check of who calls. */
final class ConfinedArena extends Arena {
    private static final int FEW = 8;

    private final OffHeapAllocator allocator;
    private final Budget budget;
    private final Thread thread = Thread.currentThread();
    private long[] chunks = new long[FEW];
    private int count;
    private long next;
    private long end;
    private int chunkBytes = FIRST_CHUNK;
    private boolean closed;
    /** Volatile: {@link #reservedBytes} may be asked by anyone. */
    private volatile long reserved;

    ConfinedArena(final OffHeapAllocator allocator, final Budget budget) {
        this.allocator = allocator;
        this.budget = budget;
    }

    @Override
    public long allocate(final long size, final long alignment) {
        // One compare for what is nearly always so; a closed arena has no room.
        final long from = next + alignment - 1 & -alignment;
        if (Thread.currentThread() == thread && size > 0 && size <= end - from && alignment > 0
            && (alignment & alignment - 1) == 0 && alignment <= Pages.SIZE) {
            next = from + size;
            return from;
        }
        return allocateSlowly(size, alignment);
    }

    private long allocateSlowly(final long size, final long alignment) {
        require();
        check(size, alignment);
        if (isAlone(size, alignment)) {
            return addChunk(size, alignment);
        }
        while (chunkBytes < size + alignment) {
            chunkBytes *= 2;
        }
        final int bytes = chunkBytes;
        final long chunk = addChunk(bytes, ALIGNMENT);
        end = chunk + bytes;
        chunkBytes = Math.min(2 * bytes, LONGEST_CHUNK);
        final long from = chunk + alignment - 1 & -alignment;
        next = from + size;
        return from;
    }

    /** A budget's callback may use the arena while the chunk is allocated, even close it: nothing seen before is believed after. */
    private long addChunk(final long bytes, final long alignment) {
        final long chunk = allocator.allocate(bytes, alignment, budget);
        boolean kept = false;
        try {
            require();
            if (count == chunks.length) {
                chunks = Arrays.copyOf(chunks, 2 * count);
            }
            chunks[count++] = chunk;
            kept = true;
        } finally {
            if (!kept) {
                allocator.free(chunk);
            }
        }
        reserved += bytes;
        return chunk;
    }

    private void require() {
        if (Thread.currentThread() != thread) {
            throw new IllegalStateException("the arena is confined to another thread: owner=" + thread.getName());
        }
        if (closed) {
            throw closed();
        }
    }

    @Override
    public long reservedBytes() {
        return reserved;
    }

    @Override
    public void close() {
        require();
        closed = true;
        next = 0;
        end = 0;
        reserved = 0;
        RuntimeException damage = null;
        while (count > 0) {
            damage = free(allocator, chunks[--count], damage);
        }
        if (damage != null) {
            throw damage;
        }
    }
}
