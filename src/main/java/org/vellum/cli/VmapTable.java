package org.vellum.cli;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Runs a workload of mapping under all its policies and prints what came out. */
final class VmapTable {
    /** Nanoseconds of reference 1 by threads: before the rewrite, and after. */
    private static final Map<Integer, int[]> REFERENCE = Map.of(
        1, new int[] {14_700, 2_900}, 2, new int[] {33_600, 3_000}, 4, new int[] {49_500, 2_800}, 8, new int[] {70_631, 2_900});

    private final Console console;
    private final int[] threads;
    private final int millis;
    private final int rounds;
    private final long memory;

    VmapTable(final Console console, final int[] threads, final int millis, final int rounds, final long memory) {
        this.console = console;
        this.threads = threads;
        this.millis = millis;
        this.rounds = rounds;
        this.memory = memory;
    }

    private int maxThreads() {
        return threads[threads.length - 1];
    }

    /** Map + touch + unmap of four pages. Returns whether every check held. */
    boolean pages() {
        VmapWorkload.checkRoom(memory, maxThreads());
        try (VmapWorkload workload = new VmapWorkload()) {
            workload.open(memory, maxThreads());
            console.line("vmap: map + touch + unmap of 4 pages, median of %d x %d ms a cell", rounds, millis);
            final Grid grid = Grid.measure(workload, threads, millis, rounds, console);
            rows(grid, workload.policies(), false);
            header(workload.policies(), "  eager/blocks  (kernel 2008)  blocks/touch");
            for (final int count : threads) {
                final double blocks = grid.cell("blocks", count).nanos();
                console.line("%s  %12.1f  %13s  %12.1f", cells(grid, workload.policies(), count),
                    grid.cell("eager", count).nanos() / blocks, reference(count),
                    blocks / grid.cell("touch", count).nanos());
            }
            return ending(workload);
        }
    }

    /** The directory workload. Returns whether every check held. */
    boolean directory() {
        DirectoryWorkload.checkRoom(memory, maxThreads());
        try (DirectoryWorkload workload = new DirectoryWorkload()) {
            workload.open(memory, maxThreads());
            console.line("vmap --workload directory: map a block of 1..16 scattered frames, look up, modify, checksum, unmap;"
                + " median of %d x %d ms a cell", rounds, millis);
            console.line("  batched: each thread keeps 64 vmap areas, then vunmaps them all and calls unmapAliases() once");
            final Grid grid = Grid.measure(workload, threads, millis, rounds, console);
            rows(grid, workload.policies(), true);
            header(workload.policies(), "  eager/blocks   map share: blocks   eager");
            for (final int count : threads) {
                final Grid.Cell blocks = grid.cell("blocks", count);
                final Grid.Cell eager = grid.cell("eager", count);
                console.line("%s  %12.1f   %15.2f %%  %4.0f %%", cells(grid, workload.policies(), count),
                    eager.nanos() / blocks.nanos(), 100 * blocks.figure(), 100 * eager.figure());
            }
            console.line("  (the kernel in 2008, a large directory on 64 CPUs: 20 times faster, mapping below 1 %% of the time)");
            return ending(workload);
        }
    }

    private boolean ending(final Workload<?> workload) {
        console.line("  what the memories still hold:");
        final boolean held = workload.finish(console);
        console.line("");
        return held;
    }

    private static String reference(final int count) {
        final int[] nanos = REFERENCE.get(count);
        return nanos == null ? "-" : String.format(Locale.ROOT, "%.1f", (double)nanos[0] / nanos[1]);
    }

    private void rows(final Grid grid, final List<String> policies, final boolean directory) {
        for (final int count : threads) {
            for (final String policy : policies) {
                final Grid.Cell cell = grid.cell(policy, count);
                final JsonRow row = new JsonRow("vmap").put("policy", policy).put("threads", count)
                    .put("ns_per_op", cell.nanos(), 2).put("cpu_ns_per_op", cell.cpuNanos(count), 2);
                console.row(directory
                    ? row.put("workload", "directory").put("map_share", cell.figure(), 4) : row);
            }
        }
    }

    private void header(final List<String> policies, final String ratios) {
        final StringBuilder line = new StringBuilder("  threads");
        policies.forEach(policy -> line.append(String.format("%20s", policy)));
        console.line("%s%s", line, ratios);
        line.setLength(0);
        line.append("         ").append(String.format("%20s", "ns (ns of a core)").repeat(policies.size()));
        console.line("%s", line);
    }

    private static String cells(final Grid grid, final List<String> policies, final int count) {
        final StringBuilder line = new StringBuilder(String.format("  %7d", count));
        for (final String policy : policies) {
            final Grid.Cell cell = grid.cell(policy, count);
            line.append(String.format(Locale.ROOT, "%20s",
                String.format(Locale.ROOT, "%.1f (%.1f)", cell.nanos(), cell.cpuNanos(count))));
        }
        return line.toString();
    }
}
