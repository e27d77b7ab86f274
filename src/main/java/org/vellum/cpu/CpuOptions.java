package org.vellum.cpu;

/**
 * How many slots there are, and the numbers that tests shrink.
 *
 * @param cachedSlots slots that carry caches: a power of two, at least 1.
 * @param maxSlots slots altogether, at least {@code cachedSlots}; those beyond only announce.
 * @param cells cells of the affinity table, a power of two.
 * @param threadIdLimit ids from here on take the slow way; at most 2³². Lower in tests.
 * @param firstEpoch where the epoch starts; odd.
 * @param slotWaitNanos how long entering waits, parked, when all slots are busy, in nanoseconds.
 */
public record CpuOptions(
    int cachedSlots, int maxSlots, int cells, long threadIdLimit, long firstEpoch, long slotWaitNanos) {

    /** The most slots there can be. */
    public static final int MAX_SLOTS = 4096;

    /** Checks the ranges above. */
    public CpuOptions {
        require(Integer.bitCount(cachedSlots) == 1 && cachedSlots > 0, "cachedSlots", cachedSlots);
        require(maxSlots >= cachedSlots && maxSlots <= MAX_SLOTS, "maxSlots", maxSlots);
        require(Integer.bitCount(cells) == 1 && cells > 0, "cells", cells);
        require(threadIdLimit >= 0 && threadIdLimit <= SlotLayout.ID_LIMIT, "threadIdLimit", threadIdLimit);
        require((firstEpoch & 1) == 1, "firstEpoch", firstEpoch);
        require(slotWaitNanos >= 0, "slotWaitNanos", slotWaitNanos);
    }

    /**
     * The default: eight cached slots a processor, at least 16, so that threads preempted inside a section seldom stand in
     * the way of those that run; measured, four slots a processor cost 30 % at 8 threads.
     *
     * @return options for this machine.
     */
    public static CpuOptions forThisMachine() {
        final int wanted = Math.max(16, 8 * Runtime.getRuntime().availableProcessors());
        final int cached = Math.min(1024, Integer.highestOneBit(wanted - 1) << 1);
        return new CpuOptions(cached, MAX_SLOTS, 4096, SlotLayout.ID_LIMIT, 1, 1_000_000_000L);
    }

    /**
     * @param slots slots that carry caches.
     * @return the same with that many.
     */
    public CpuOptions withCachedSlots(final int slots) {
        return new CpuOptions(slots, Math.max(slots, maxSlots), cells, threadIdLimit, firstEpoch, slotWaitNanos);
    }

    /**
     * @param slots slots altogether.
     * @return the same with that many.
     */
    public CpuOptions withMaxSlots(final int slots) {
        return new CpuOptions(cachedSlots, slots, cells, threadIdLimit, firstEpoch, slotWaitNanos);
    }

    /**
     * @param count cells of the affinity table.
     * @return the same with that many; few make threads share cells, which tests want.
     */
    public CpuOptions withCells(final int count) {
        return new CpuOptions(cachedSlots, maxSlots, count, threadIdLimit, firstEpoch, slotWaitNanos);
    }

    /**
     * @param limit the first thread id that takes the slow way.
     * @return the same with that limit.
     */
    public CpuOptions withThreadIdLimit(final long limit) {
        return new CpuOptions(cachedSlots, maxSlots, cells, limit, firstEpoch, slotWaitNanos);
    }

    /**
     * @param epoch the first epoch, odd.
     * @return the same with that start.
     */
    public CpuOptions withFirstEpoch(final long epoch) {
        return new CpuOptions(cachedSlots, maxSlots, cells, threadIdLimit, epoch, slotWaitNanos);
    }

    /**
     * @param nanos how long to wait for a slot, in nanoseconds.
     * @return the same with that wait.
     */
    public CpuOptions withSlotWaitNanos(final long nanos) {
        return new CpuOptions(cachedSlots, maxSlots, cells, threadIdLimit, firstEpoch, nanos);
    }

    private static void require(final boolean holds, final String name, final long value) {
        if (!holds) {
            throw new IllegalArgumentException(name + "=" + value);
        }
    }
}
