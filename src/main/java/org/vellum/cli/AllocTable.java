package org.vellum.cli;

import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import org.vellum.Vellum;

/** Runs the allocators over several sizes and prints what came out. */
final class AllocTable {
    private final Console console;
    private final int[] threads;
    private final int millis;
    private final int rounds;
    private final long memory;
    private final Function<Vellum, Allocations> allocator;

    AllocTable(
        final Console console, final int[] threads, final int millis, final int rounds, final long memory,
        final Function<Vellum, Allocations> allocator) {
        this.console = console;
        this.threads = threads;
        this.millis = millis;
        this.rounds = rounds;
        this.memory = memory;
        this.allocator = allocator;
    }

    /** Sizes ascending, in bytes. Returns whether every check held. */
    boolean run(final long[] sizes) {
        final int most = threads[threads.length - 1];
        AllocWorkload.checkRoom(memory, most, sizes[sizes.length - 1]);
        console.line("alloc: allocate + touch + free, one byte of each page touched, median of %d x %d ms a cell", rounds, millis);
        boolean held = true;
        for (final long size : sizes) {
            try (AllocWorkload workload = new AllocWorkload(size, allocator)) {
                workload.open(memory, most);
                final Grid grid = Grid.measure(workload, threads, millis, rounds, console);
                rows(grid, workload.policies(), size);
                table(grid, workload.policies(), size);
                held &= workload.finish(console);
                console.line("");
            }
        }
        return held;
    }

    private void rows(final Grid grid, final List<String> impls, final long size) {
        for (final int count : threads) {
            for (final String impl : impls) {
                console.row(new JsonRow("alloc").put("impl", impl).put("size", size).put("threads", count)
                    .put("ns_per_op", grid.cell(impl, count).nanos(), 2));
            }
        }
    }

    private void table(final Grid grid, final List<String> impls, final long size) {
        final StringBuilder header = new StringBuilder("  threads");
        impls.forEach(impl -> header.append(String.format("%12s", impl)));
        console.line("%s  vellum/malloc  vellum/touch   ns, %s", header, Console.count(size, "byte"));
        for (final int count : threads) {
            final StringBuilder line = new StringBuilder(String.format("  %7d", count));
            impls.forEach(impl -> line.append(String.format(Locale.ROOT, "%12.1f", grid.cell(impl, count).nanos())));
            final double vellum = grid.cell("vellum", count).nanos();
            console.line("%s  %13.2f  %12.2f", line, vellum / grid.cell("malloc", count).nanos(),
                vellum / grid.cell("touch", count).nanos());
        }
    }
}
