package org.vellum.alloc;

import java.util.List;
import org.vellum.slab.SlabCounts;

/**
 * Figures of the allocator, found by walking its tables without stopping anybody: exact when quiet, at no cost to those who allocate.
 *
 * @param liveBytes bytes of what is allocated, as much as each allocation takes.
 * @param liveObjects how many allocations are in slabs.
 * @param liveRuns how many are runs of frames.
 * @param liveRunBytes of those.
 * @param liveAreas how many lie over scattered frames.
 * @param liveAreaBytes of those.
 * @param slabs of objects, by class.
 * @param cachedBytes bytes of memory that is free and kept for the next request: in slabs, and runs that slots hold.
 * @param strandedBytes of those, bytes that only the slot which keeps them serves: bounded by a slab a class and the runs of a slot, until somebody
 *                      else is short of memory, or trims.
 * @param limboBytes bytes that wait for a grace period.
 * @param quarantinedBytes bytes that the checked mode keeps to be looked at.
 * @param reservedBytes bytes of frames that the allocator has taken.
 * @param budgets all open budgets below the memory, parents before children.
 */
public record AllocatorStats(
    long liveBytes, long liveObjects, long liveRuns, long liveRunBytes, long liveAreas, long liveAreaBytes, SlabCounts slabs,
    long cachedBytes, long strandedBytes, long limboBytes, long quarantinedBytes, long reservedBytes, List<BudgetStats> budgets) {

    /**
     * One budget.
     *
     * @param path names from the memory down.
     * @param usedBytes charged to it and its children.
     * @param limitBytes the most.
     * @param highWaterBytes the most so far, slack of slots included.
     */
    public record BudgetStats(String path, long usedBytes, long limitBytes, long highWaterBytes) {
    }

    /** @return the share of what is reserved that nobody uses: 0 for none, 0.5 for half. */
    public double fragmentation() {
        return reservedBytes == 0 ? 0 : 1 - Math.min(1, (double)liveBytes / reservedBytes);
    }

    /** @return all of it, for a person. */
    public String report() {
        final StringBuilder text = new StringBuilder(512);
        text.append(String.format("allocator: live %,d bytes of %,d reserved (fragmentation %.3f)%n", liveBytes, reservedBytes,
            fragmentation()));
        text.append(String.format("  slabs     %,d objects, %,d bytes in %,d slabs (%,d of them a slot's, %,d empty)%n", liveObjects,
            slabs.liveBytes(), slabs.slabs(), slabs.current(), slabs.keptEmpty()));
        text.append(String.format("  runs      %,d, %,d bytes%n", liveRuns, liveRunBytes));
        text.append(String.format("  areas     %,d, %,d bytes%n", liveAreas, liveAreaBytes));
        text.append(String.format("  cached    %,d bytes, stranded %,d; in limbo %,d; in quarantine %,d%n", cachedBytes, strandedBytes,
            limboBytes, quarantinedBytes));
        for (final BudgetStats budget : budgets) {
            text.append(String.format("  budget    %s: %,d of %,d bytes, most %,d%n", budget.path(), budget.usedBytes(),
                budget.limitBytes(), budget.highWaterBytes()));
        }
        return text.toString();
    }
}
