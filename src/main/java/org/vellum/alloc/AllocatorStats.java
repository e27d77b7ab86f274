package org.vellum.alloc;

import java.util.List;
import org.vellum.slab.SlabCounts;

/**
 * Figures of the allocator, found by walking its tables without stopping anybody: exact when quiet, at no cost to those who allocate.
 *
 * <p>When quiet {@code live + cached + limbo + quarantined = reserved}, each in bytes. Areas are among the live ones, and leave the allocator with
 * their free: their frames wait for a grace period in the limbo of the window.
 *
 * @param liveBytes bytes of what is allocated, as much as each allocation takes.
 * @param liveObjects how many allocations are in slabs; here and in the four below, in checked mode, with what is in quarantine.
 * @param liveRuns how many are runs of frames.
 * @param liveRunBytes of those.
 * @param liveAreas how many lie over scattered frames.
 * @param liveAreaBytes of those.
 * @param slabs of objects, by class.
 * @param cachedBytes bytes of memory that is free and kept for the next request: in slabs, what no object covers included, and runs that
 *                    slots hold.
 * @param strandedBytes of those, bytes that only the slot which keeps them serves: bounded by a slab a class and the runs of a slot, until somebody
 *                      else is short of memory, or trims.
 * @param limboBytes bytes of objects and runs that wait for a grace period.
 * @param quarantinedBytes bytes that were freed in checked mode and are kept: for a grace period, and to be looked at.
 * @param reservedBytes bytes of frames that the allocator has taken.
 * @param liveHighWaterBytes the largest {@code liveBytes} that any asking has found. What peaks between two askings it does not know: the true peak lies
 *                           between it and the high-water mark of all frames in use.
 * @param budgets all open budgets below the memory, parents before children.
 */
public record AllocatorStats(
    long liveBytes, long liveObjects, long liveRuns, long liveRunBytes, long liveAreas, long liveAreaBytes, SlabCounts slabs,
    long cachedBytes, long strandedBytes, long limboBytes, long quarantinedBytes, long reservedBytes, long liveHighWaterBytes,
    List<BudgetStats> budgets) {

    /** Takes a copy of the list. */
    public AllocatorStats {
        budgets = List.copyOf(budgets);
    }

    /**
     * One budget.
     *
     * @param path names from the memory down.
     * @param usedBytes charged to it and its children.
     * @param limitBytes the most.
     * @param highWaterBytes the most so far, slack of slots included.
     */
    public record BudgetStats(String path, long usedBytes, long limitBytes, long highWaterBytes) {
        private static final char SEPARATOR = '/';

        /** @return its own name. */
        public String name() {
            return path.substring(path.lastIndexOf(SEPARATOR) + 1);
        }

        /** @return how many budgets are above it, the memory included: at least 1. */
        public int depth() {
            return (int)path.chars().filter(c -> c == SEPARATOR).count();
        }
    }

    /** @return the share of what is reserved that nobody uses: 0 for none, 0.5 for half. */
    public double fragmentation() {
        return reservedBytes == 0 ? 0 : 1 - Math.min(1, (double)liveBytes / reservedBytes);
    }

    /** @return all of it, for a person. */
    public String report() {
        return new AllocatorReport(this).text();
    }
}
