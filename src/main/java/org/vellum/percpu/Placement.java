package org.vellum.percpu;

import java.util.concurrent.atomic.AtomicLong;
import org.vellum.mem.Pages;

/**
 * How an allocation finds room, and pages under it; and how it is freed. Exhaustion is a return value here.
 *
 * <p>Thread safety: any thread; only {@link #allocatePopulating} may wait, and is for outside sections.
 */
final class Placement {
    private final ChunkSupply supply;
    private final Chunks chunks;
    private final Balancer balancer;
    private final AtomicLong atomicFailures = new AtomicLong();

    Placement(final ChunkSupply supply, final Balancer balancer) {
        this.supply = supply;
        this.balancer = balancer;
        chunks = supply.chunks;
    }

    /**
     * Allocates where there is room, and gets what memory that needs.
     *
     * @return the pointer, or 0 if frames have run out; then nothing has changed.
     * @throws org.vellum.report.ExhaustedException if addresses have run out; nothing has changed.
     */
    long allocatePopulating(final int bytes, final int align) {
        long pointer = 0;
        boolean populated = false;
        supply.mutex.lock();
        try {
            supply.requireOpen();
            pointer = placeOrAdd(bytes, align);
            populated = populate(pointer, bytes);
        } finally {
            if (pointer != 0 && !populated) {
                takeBack(pointer);
            }
            supply.mutex.unlock();
        }
        return populated ? zeroed(pointer, bytes) : 0;
    }

    /** Under the mutex: if there is no room, no two threads make some. */
    private long placeOrAdd(final int bytes, final int align) {
        final long pointer = place(bytes, align, false);
        if (pointer != 0) {
            return pointer;
        }
        // A chunk all of which is free has room for anything, and who does not wait cannot use it before it has pages.
        supply.addChunk();
        return place(bytes, align, false);
    }

    /** Inside a section it only tries for the lock. */
    private long place(final int bytes, final int align, final boolean onlyPopulated) {
        if (!supply.lock.acquire()) {
            return 0;
        }
        final long pointer;
        final boolean low;
        try {
            pointer = chunks.place(bytes, align, onlyPopulated);
            low = chunks.isLow();
        } finally {
            supply.lock.unlock();
        }
        if (low) {
            balancer.ask();
        }
        return pointer;
    }

    private boolean populate(final long pointer, final int bytes) {
        // Without the lock: which chunks there are is changed by the holder of the mutex only.
        final Chunk chunk = chunks.find(pointer);
        final int offset = (int)(pointer - chunk.base);
        return supply.populate(chunk, offset >>> Pages.SHIFT, offset + bytes + Pages.OFFSET_MASK >>> Pages.SHIFT);
    }

    /** Frees what could not be populated, before anybody has seen it. */
    private void takeBack(final long pointer) {
        supply.lock.lock();
        try {
            chunks.free(pointer);
        } finally {
            supply.lock.unlock();
        }
    }

    private long zeroed(final long pointer, final int bytes) {
        supply.population.zero(pointer, bytes);
        return pointer;
    }

    /** Allocates what is populated already; 0 if there is nothing, or the lock stayed busy. */
    long allocateReady(final int bytes, final int align) {
        final long pointer = place(bytes, align, true);
        if (pointer == 0) {
            atomicFailures.incrementAndGet();
            balancer.askAfterFailure();
            return 0;
        }
        return zeroed(pointer, bytes);
    }

    /** Allocates in the reserved bytes; 0 if there is no room, or the lock stayed busy. */
    long allocateReserved(final int bytes, final int align) {
        if (!supply.lock.acquire()) {
            return 0;
        }
        final long pointer;
        try {
            pointer = chunks.placeReserved(bytes, align);
        } finally {
            supply.lock.unlock();
        }
        return pointer == 0 ? 0 : zeroed(pointer, bytes);
    }

    /** How many bytes it frees, or a negative number of {@link Chunks#free}. */
    int free(final long pointer) {
        final int freed;
        final boolean balance;
        supply.lock.acquireSurely();
        try {
            freed = chunks.free(pointer);
            balance = chunks.takeBalanceWanted();
        } finally {
            supply.lock.unlock();
        }
        if (balance) {
            balancer.ask();
        }
        return freed;
    }

    PercpuStats stats(final Layout layout, final long firstBytes, final long balances) {
        supply.lock.acquireSurely();
        try {
            final long mapped = chunks.populatedPages() - chunks.first().populatedPages;
            return new PercpuStats(layout.slots(), layout.unitBytes(), chunks.count(), chunks.areas(), chunks.bytes(),
                chunks.populatedPages(), chunks.emptyPages(), (firstBytes >>> Pages.SHIFT) + mapped * layout.slots(),
                supply.pending.frames(), balances, chunks.made(), atomicFailures.get());
        } finally {
            supply.lock.unlock();
        }
    }
}
