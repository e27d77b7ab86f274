package org.vellum.alloc;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.vellum.alloc.AllocatorStats.BudgetStats;
import org.vellum.slab.SlabCounts;
import org.vellum.slab.SlabCounts.ClassCounts;

/** Figures of the allocator in words: the sums, the size classes that matter, the budgets as a tree. */
final class AllocatorReport {
    /** Size classes that are listed: those with the most memory. */
    private static final int MOST_CLASSES = 8;

    private final AllocatorStats stats;
    private final StringBuilder text = new StringBuilder(1024);

    AllocatorReport(final AllocatorStats stats) {
        this.stats = stats;
    }

    String text() {
        sums();
        classes();
        budgets();
        return text.toString();
    }

    private void line(final String format, final Object... values) {
        text.append(String.format(Locale.ROOT, format, values)).append(System.lineSeparator());
    }

    private void sums() {
        final SlabCounts slabs = stats.slabs();
        line("allocator: live %,d bytes of %,d reserved (fragmentation %.3f); most seen %,d", stats.liveBytes(), stats.reservedBytes(),
            stats.fragmentation(), stats.liveHighWaterBytes());
        line("  slabs     %,d objects, %,d bytes in %,d slabs (%,d of them a slot's, %,d empty)", stats.liveObjects(), slabs.liveBytes(),
            slabs.slabs(), slabs.current(), slabs.keptEmpty());
        line("  runs      %,d, %,d bytes", stats.liveRuns(), stats.liveRunBytes());
        line("  areas     %,d, %,d bytes", stats.liveAreas(), stats.liveAreaBytes());
        line("  besides   cached %,d bytes (stranded %,d of them), in limbo %,d, in quarantine %,d", stats.cachedBytes(),
            stats.strandedBytes(), stats.limboBytes(), stats.quarantinedBytes());
    }

    private void classes() {
        final List<ClassCounts> used = new ArrayList<>(stats.slabs().classes());
        used.removeIf(ofClass -> ofClass.slabs() == 0);
        used.sort(Comparator.comparingInt(ClassCounts::slabs).reversed());
        for (final ClassCounts ofClass : used.subList(0, Math.min(MOST_CLASSES, used.size()))) {
            line("  class     %,5d bytes: %,d live in %,d slabs, %,d free, %,d in limbo, %,d bytes waste", ofClass.objectBytes(),
                ofClass.liveObjects(), ofClass.slabs(), ofClass.freeObjects(), ofClass.deferredObjects(), ofClass.wasteBytes());
        }
        if (used.size() > MOST_CLASSES) {
            line("  class     and %,d smaller ones", used.size() - MOST_CLASSES);
        }
    }

    private void budgets() {
        for (final BudgetStats budget : stats.budgets()) {
            line("  budget    %s%s: %,d of %,d bytes, most %,d", "  ".repeat(budget.depth() - 1), budget.name(), budget.usedBytes(),
                budget.limitBytes(), budget.highWaterBytes());
        }
    }
}
