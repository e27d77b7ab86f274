package org.vellum.alloc;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.vellum.alloc.AllocatorStats.BudgetStats;
import org.vellum.mem.Pages;
import org.vellum.slab.SlabAllocator;
import org.vellum.slab.SlabCounts;

/** Finds the figures of the allocator by walking its tables: nothing is counted where memory is allocated and freed. */
final class Figures {
    private final RawAllocator raw;
    private final Budgets budgets;
    private final CheckedAllocator checked;
    private final AtomicLong mostLive = new AtomicLong();

    /**
     * @param checked null unless mistakes are looked for.
     */
    Figures(final RawAllocator raw, final Budgets budgets, final CheckedAllocator checked) {
        this.raw = raw;
        this.budgets = budgets;
        this.checked = checked;
    }

    /** Any thread; stops nobody. Exact when quiet; else what changes meanwhile may be missed or seen twice. */
    AllocatorStats take() {
        final SlabCounts slabs = raw.slabs().count();
        final long[] runs = raw.contiguous().count();
        final long runBytes = runs[1] << Pages.SHIFT;
        final long areaBytes = raw.areaBytes();
        final long spareBytes = raw.runs().sparePages() << Pages.SHIFT;
        final long deferredRunBytes = raw.deferredRunBytes();
        final long taken = slabs.liveBytes() + runBytes + areaBytes;
        // The checked mode's are live for the rooms below. What is freed meanwhile may be among those and gone from these.
        final long quarantined = checked == null ? 0 : Math.min(taken, checked.quarantinedBytes());
        final long live = taken - quarantined;
        final long slabBytes = (long)slabs.slabs() * SlabAllocator.SLAB_BYTES;
        return new AllocatorStats(live, slabs.liveObjects(), runs[0], runBytes, raw.areas(), areaBytes, slabs,
            slabs.freeBytes() + spareBytes, slabs.strandedBytes() + spareBytes, slabs.deferredBytes() + deferredRunBytes, quarantined,
            slabBytes + runBytes + areaBytes + spareBytes + deferredRunBytes, mostLive.accumulateAndGet(live, Math::max),
            budgetStats(budgets.root(), new ArrayList<>()));
    }

    private static List<BudgetStats> budgetStats(final Budget parent, final List<BudgetStats> stats) {
        for (final Budget child : parent.children()) {
            stats.add(new BudgetStats(child.path(), child.used(), child.limit(), child.highWater()));
            budgetStats(child, stats);
        }
        return stats;
    }
}
