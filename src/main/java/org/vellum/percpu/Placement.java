package org.vellum.percpu;

import java.util.concurrent.atomic.AtomicLong;
import org.vellum.cpu.StackReserve;
import org.vellum.mem.Pages;

/**
 * How an allocation finds room, and pages under it; and how it is freed. Exhaustion is a return value here.
 *
 * <p>Thread safety: any thread; only {@link #allocatePopulating} may wait, and is for outside sections.
 */
final class Placement {
    /** In the lowest bits of what {@link #place} returns, which those of a pointer are not: hardly anything is ready any more. */
    private static final long LOW = 1;

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
        long placed = 0;
        boolean populated = false;
        supply.mutex.lock();
        try {
            supply.requireOpen();
            placed = placeOrAdd(bytes, align);
            populated = populate(placed & ~LOW, bytes);
        } finally {
            if (placed != 0 && !populated) {
                takeBack(placed & ~LOW);
            }
            supply.mutex.unlock();
        }
        return populated ? ready(placed, bytes) : 0;
    }

    /** Under the mutex: if there is no room, no two threads make some. */
    private long placeOrAdd(final int bytes, final int align) {
        final long placed = place(bytes, align, false);
        if (placed != 0) {
            return placed;
        }
        // A chunk all of which is free has room for anything, and who does not wait cannot use it before it has pages.
        supply.addChunk();
        return place(bytes, align, false);
    }

    /** A pointer and {@link #LOW}, or 0; inside a section it only tries for the lock. */
    private long place(final int bytes, final int align, final boolean onlyPopulated) {
        if (!supply.lock.acquire()) {
            return 0;
        }
        try {
            final long pointer = chunks.place(bytes, align, onlyPopulated);
            return pointer != 0 && chunks.isLow() ? pointer | LOW : pointer;
        } finally {
            supply.lock.unlock();
        }
    }

    private boolean populate(final long pointer, final int bytes) {
        // Without the lock: which chunks there are is changed by the holder of the mutex only.
        final Chunk chunk = chunks.find(pointer);
        final int offset = (int)(pointer - chunk.base);
        final int from = offset >>> Pages.SHIFT;
        final int to = offset + bytes + Pages.OFFSET_MASK >>> Pages.SHIFT;
        if (chunk.nextUnpopulated(from, to) == to) {
            return true;
        }
        StackReserve.ensureOperations();
        return supply.populate(chunk, from, to);
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

    private long ready(final long placed, final int bytes) {
        if ((placed & LOW) != 0) {
            balancer.ask();
        }
        return zeroed(placed & ~LOW, bytes);
    }

    private long zeroed(final long pointer, final int bytes) {
        supply.population.zero(pointer, bytes);
        return pointer;
    }

    /** Allocates what is populated already; 0 if there is nothing, or the lock stayed busy. */
    long allocateReady(final int bytes, final int align) {
        final long placed = place(bytes, align, true);
        if (placed == 0) {
            atomicFailures.incrementAndGet();
            balancer.askAfterFailure();
            return 0;
        }
        return ready(placed, bytes);
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
