package org.vellum.alloc;

import java.util.Map;
import java.util.TreeMap;
import org.vellum.mem.Pages;
import org.vellum.report.Listener;
import org.vellum.slab.SlabCounts;

/** What is live when it should not be: by call site and budget in checked mode, else in sums. */
final class LeakReport {
    private long count;
    private long bytes;
    private final StringBuilder detail = new StringBuilder();

    private LeakReport() {
    }

    static LeakReport of(final RawAllocator raw, final Budgets budgets, final CheckedAllocator checked) {
        final LeakReport report = new LeakReport();
        if (checked != null) {
            report.addBySite(checked);
        } else {
            report.addSums(raw, budgets);
        }
        return report;
    }

    private void addBySite(final CheckedAllocator checked) {
        final Map<String, long[]> sites = new TreeMap<>();
        for (final CheckedRecord record : checked.live()) {
            final long[] sums = sites.computeIfAbsent(record.callSite() + " budget=" + record.budget.path(), s -> new long[2]);
            sums[0]++;
            sums[1] += record.size;
            count++;
            bytes += record.size;
        }
        sites.forEach((site, sums) -> line(sums[0] + " allocations, " + sums[1] + " bytes: " + site));
    }

    private void addSums(final RawAllocator raw, final Budgets budgets) {
        final SlabCounts slabs = raw.slabs().count();
        count += slabs.liveObjects();
        bytes = slabs.liveBytes();
        if (count > 0) {
            line(count + " objects, " + bytes + " bytes in slabs");
        }
        final long[] runs = raw.contiguous().count();
        if (runs[0] > 0) {
            count += runs[0];
            bytes += runs[1] << Pages.SHIFT;
            line(runs[0] + " runs of frames, " + (runs[1] << Pages.SHIFT) + " bytes");
        }
        for (final Budget child : budgets.root().children()) {
            if (child.used() > 0) {
                line(child.used() + " bytes of budget=" + child.path());
            }
        }
    }

    private void line(final String text) {
        detail.append(detail.isEmpty() ? "" : System.lineSeparator()).append(text);
    }

    void tell(final Listener listener) {
        if (count > 0) {
            listener.leakedAtClose("allocation", count, bytes, detail.toString());
        }
    }
}
