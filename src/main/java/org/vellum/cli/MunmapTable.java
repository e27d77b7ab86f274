package org.vellum.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Unmaps under each policy, with several numbers of threads beside it, and prints what came out. */
final class MunmapTable {
    private final Console console;
    private final int[] threads;
    private final int millis;
    private final int rounds;
    private final long memory;

    MunmapTable(final Console console, final int[] threads, final int millis, final int rounds, final long memory) {
        this.console = console;
        this.threads = threads;
        this.millis = millis;
        this.rounds = rounds;
        this.memory = memory;
    }

    /** So many MiB at a time. Returns whether every check held. */
    boolean run(final int mib) {
        final int most = threads[threads.length - 1];
        MunmapWorkload.checkRoom(memory, mib, most);
        console.line("munmap: %d MiB unmapped while so many others map, fault and unmap 1 to 4 pages of that space, median of %d x %d ms "
            + "of unmapping", mib, rounds, millis);
        try (MunmapWorkload workload = new MunmapWorkload(memory, mib, most)) {
            workload.warmUp(Math.min(2, most));
            console.line("  threads       policy     GiB/s    others p50       p99     p99.9   ns   p99.9/idle  longest hold ns  flushes");
            for (final int count : threads) {
                report(mib, count, measure(workload, count));
            }
            final boolean held = workload.finish(console);
            console.line("");
            return held;
        }
    }

    /** In rounds over all policies, so that what the machine does meanwhile happens to all of them. */
    private Map<String, MunmapFigures> measure(final MunmapWorkload workload, final int count) {
        final Map<String, List<MunmapFigures>> cells = new LinkedHashMap<>();
        for (int round = 0; round < rounds; round++) {
            for (final String policy : MunmapWorkload.POLICIES) {
                cells.computeIfAbsent(policy, name -> new ArrayList<>()).add(workload.run(policy, count, millis));
            }
            console.progress("  munmap, %s beside it: round %d of %d", Console.count(count, "thread"), round + 1, rounds);
        }
        final Map<String, MunmapFigures> medians = new LinkedHashMap<>();
        cells.forEach((policy, all) -> medians.put(policy, MunmapFigures.median(all)));
        return medians;
    }

    private void report(final int mib, final int count, final Map<String, MunmapFigures> medians) {
        final MunmapFigures idle = medians.get(MunmapWorkload.IDLE);
        medians.forEach((policy, cell) -> {
            console.row(new JsonRow("munmap").put("policy", policy).put("mib", mib).put("threads", count)
                .put("gib_per_s", cell.gibPerSecond(), 3).put("other_p50_ns", Math.round(cell.p50()))
                .put("other_p99_ns", Math.round(cell.p99())).put("other_p999_ns", Math.round(cell.p999()))
                .put("longest_hold_ns", Math.round(cell.longestHold())).put("flushes", Math.round(cell.flushes())));
            console.line("  %7d  %11s  %8.2f  %12.0f  %8.0f  %8.0f  %16.2f  %15.0f  %7.0f", count, policy, cell.gibPerSecond(), cell.p50(),
                cell.p99(), cell.p999(), cell.p999() / idle.p999(), cell.longestHold(), cell.flushes());
        });
        final MunmapFigures slices = medians.get(MunmapWorkload.PREEMPTIBLE);
        final MunmapFigures atomic = medians.get(MunmapWorkload.ATOMIC);
        console.line("           GiB/s preemptible/atomic %.2f, longest hold atomic/preemptible %.0f",
            slices.gibPerSecond() / atomic.gibPerSecond(), atomic.longestHold() / slices.longestHold());
    }
}
