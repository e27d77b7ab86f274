package org.vellum.percpu;

/**
 * Figures of per-CPU memory, all of one moment but for the last five.
 *
 * @param slots how many copies there are of everything.
 * @param unitBytes of one CPU's part of a chunk.
 * @param chunks how many there are, the first one included.
 * @param areas that are allocated, static ones not counted.
 * @param bytes of them, each counted once: in memory there are {@code slots} times as many.
 * @param populatedPages of units, each counted once.
 * @param emptyPages of those, nothing of which is allocated and that an allocation may use: what {@code allocateAtomic} lives on.
 * @param frames that all this takes: first chunk, and populated pages of all CPUs.
 * @param pendingFrames that were given back and wait for a grace period.
 * @param balances how often chunks and pages were looked after, so far.
 * @param chunksMade besides the first, so far.
 * @param atomicFailures of {@code allocateAtomic}, and of allocations inside sections, so far.
 */
public record PercpuStats(
    int slots, int unitBytes, int chunks, long areas, long bytes, long populatedPages, long emptyPages, long frames, long pendingFrames,
    long balances, long chunksMade, long atomicFailures) {

    /** Of a memory that has no per-CPU memory, as long as nobody has asked for it. */
    public static final PercpuStats NONE = new PercpuStats(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
}
