package org.vellum.cli;

import java.util.List;
import java.util.Locale;
import org.vellum.cpu.CpuOptions;

/** Runs counters and allocations and prints what came out. */
final class PercpuTable {
    private static final int COUNTER_BYTES = Long.BYTES;

    private final Console console;
    private final int[] threads;
    private final int millis;
    private final int rounds;
    private final long memory;

    PercpuTable(final Console console, final int[] threads, final int millis, final int rounds, final long memory) {
        this.console = console;
        this.threads = threads;
        this.millis = millis;
        this.rounds = rounds;
        this.memory = memory;
    }

    /** CPUs of a memory as the tool opens it. */
    private static int slots() {
        return CpuOptions.forThisMachine().cachedSlots();
    }

    /** Counters, then allocations of these sizes. Returns whether every check held. */
    boolean run(final long... sizes) {
        checkRoom(memory, threads[threads.length - 1], sizes[sizes.length - 1]);
        boolean held = counters();
        for (final long size : sizes) {
            held &= allocations((int)size);
        }
        return held;
    }

    /** Sizes ascending, in bytes: the largest. */
    static void checkRoom(final long memory, final int threads, final long size) {
        PercpuWorkload.checkRoom(memory, threads, size, slots());
    }

    /** Only the counters. Returns whether every check held. */
    boolean counters() {
        console.line("percpu: additions to one counter by all threads, median of %d x %d ms a cell, %d CPUs", rounds, millis, slots());
        try (CounterWorkload workload = new CounterWorkload()) {
            workload.open(memory, threads[threads.length - 1]);
            final Grid grid = Grid.measure(workload, threads, millis, rounds, console);
            final long[] bytes = CounterWorkload.IMPLS.stream().mapToLong(impl -> PercpuFootprint.ofCounter(impl, memory)).toArray();
            for (final int count : threads) {
                for (int i = 0; i < bytes.length; i++) {
                    row("counter", CounterWorkload.IMPLS.get(i), grid, count, COUNTER_BYTES, bytes[i]);
                }
            }
            table(grid, bytes);
            final boolean held = workload.finish(console);
            console.line("");
            return held;
        }
    }

    private void row(final String op, final String impl, final Grid grid, final int count, final int size, final long bytes) {
        console.row(new JsonRow("percpu").put("op", op).put("impl", impl).put("threads", count).put("size", size)
            .put("ns_per_op", grid.cell(impl, count).nanos(), 2).put("bytes", bytes));
    }

    private void table(final Grid grid, final long[] bytes) {
        final List<String> impls = CounterWorkload.IMPLS;
        final StringBuilder header = new StringBuilder("  threads");
        impls.forEach(impl -> header.append(String.format("%12s", impl)));
        console.line("%s  percpu/longadder  percpuCpu/longadder   ns", header);
        for (final int count : threads) {
            final StringBuilder line = new StringBuilder(String.format("  %7d", count));
            impls.forEach(impl -> line.append(String.format(Locale.ROOT, "%12.2f", grid.cell(impl, count).nanos())));
            final double adder = grid.cell("longadder", count).nanos();
            console.line("%s  %16.2f  %19.2f", line, grid.cell("percpu", count).nanos() / adder,
                grid.cell("percpuCpu", count).nanos() / adder);
        }
        final StringBuilder line = new StringBuilder("  bytes  ");
        for (final long each : bytes) {
            line.append(String.format("%12d", each));
        }
        console.line("%s  %16.2f   each, after two threads have met there", line, (double)bytes[0] / bytes[2]);
    }

    private boolean allocations(final int size) {
        try (PercpuWorkload workload = new PercpuWorkload(size)) {
            workload.open(memory, threads[threads.length - 1]);
            final Grid grid = Grid.measure(workload, threads, millis, rounds, console);
            final long bytes = PercpuFootprint.ofAllocation(size, memory);
            console.line("  threads      percpu   ns, free + allocate of %s on each of %d CPUs; %d bytes each in all",
                Console.count(size, "byte"), slots(), bytes);
            for (final int count : threads) {
                row("alloc", "percpu", grid, count, size, bytes);
                console.line("  %7d%12s", count, String.format(Locale.ROOT, "%.1f", grid.cell("percpu", count).nanos()));
            }
            final boolean held = workload.finish(console);
            console.line("");
            return held;
        }
    }
}
