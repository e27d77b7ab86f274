package org.vellum.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;

/** Runs the maps at several depths and prints what came out. */
final class KmapTable {
    private final Console console;
    private final int[] threads;
    private final int millis;
    private final int rounds;
    private final long memory;

    KmapTable(final Console console, final int[] threads, final int millis, final int rounds, final long memory) {
        this.console = console;
        this.threads = threads;
        this.millis = millis;
        this.rounds = rounds;
        this.memory = memory;
    }

    private int maxThreads() {
        return threads[threads.length - 1];
    }

    /** With a temporary file behind the high rows. Returns whether every check held. */
    boolean run(final int... depths) {
        KmapWorkload.checkRoom(memory, maxThreads());
        return withTemporaryFile(file -> measure(depths, file));
    }

    /** Does something with a file that is deleted afterwards, whatever happens. */
    static boolean withTemporaryFile(final Predicate<Path> work) {
        try {
            final Path file = Files.createTempFile("vellum-kmap", ".high");
            try {
                return work.test(file);
            } finally {
                Files.delete(file);
            }
        } catch (final IOException e) {
            throw new UncheckedIOException("temporary file: " + e, e);
        }
    }

    /**
     * With a file of the user's, which is kept. Returns whether every check held.
     *
     * @throws BadInput if there is something at that path already, or could be nothing: what is in a file would be overwritten.
     */
    boolean run(final int[] depths, final Path file) {
        KmapWorkload.checkRoom(memory, maxThreads());
        checkFile(file);
        return measure(depths, file);
    }

    private static void checkFile(final Path file) {
        try {
            if (!Files.exists(file)) {
                final Path folder = file.toAbsolutePath().getParent();
                if (folder == null || !Files.isDirectory(folder)) {
                    throw new BadInput("no such directory: " + folder);
                }
                if (!Files.isWritable(folder)) {
                    throw new BadInput("cannot be written: " + folder);
                }
            } else if (!Files.isRegularFile(file)) {
                throw new BadInput("not a regular file: " + file);
            } else if (Files.size(file) > 0) {
                throw new BadInput("is there already, and not empty: " + file);
            } else if (!Files.isWritable(file)) {
                throw new BadInput("cannot be written: " + file);
            }
        } catch (final IOException e) {
            throw new BadInput("cannot be looked at: " + file);
        }
    }

    private boolean measure(final int[] depths, final Path file) {
        console.line("kmap: map + touch + unmap of one page, so many of them nested, median of %d x %d ms a cell", rounds, millis);
        console.line("  local, fixed, shared: pages of memory (shared, fixed: by entries; the shared window wraps);"
            + " high: of a file, all in the cache");
        boolean held = true;
        for (final int depth : depths) {
            try (KmapWorkload workload = new KmapWorkload(depth, maxThreads(), file)) {
                workload.open(memory, maxThreads());
                final Grid grid = Grid.measure(workload, threads, millis, rounds, console);
                rows(grid, workload.policies(), depth);
                table(grid, workload.policies(), depth);
                held &= workload.finish(console);
                console.line("");
            }
        }
        return held;
    }

    private void rows(final Grid grid, final List<String> policies, final int depth) {
        for (final int count : threads) {
            for (final String policy : policies) {
                final Grid.Cell cell = grid.cell(policy, count);
                console.row(new JsonRow("kmap").put("policy", policy).put("depth", depth).put("threads", count)
                    .put("ns_per_op", cell.nanos(), 2).put("flushes", Math.round(cell.figure()))
                    .put("cpu_ns_per_op", cell.cpuNanos(count), 2));
            }
        }
    }

    private void table(final Grid grid, final List<String> policies, final int depth) {
        final StringBuilder header = new StringBuilder("  threads");
        policies.forEach(policy -> header.append(String.format("%12s", policy)));
        console.line("%s  local/touch  shared/local  high/local   ns, depth %d", header, depth);
        for (final int count : threads) {
            final StringBuilder line = new StringBuilder(String.format("  %7d", count));
            policies.forEach(policy -> line.append(String.format(Locale.ROOT, "%12.1f", grid.cell(policy, count).nanos())));
            final double local = grid.cell("local", count).nanos();
            console.line("%s  %11.2f  %12.2f  %10.2f", line, local / grid.cell("touch", count).nanos(),
                grid.cell("shared", count).nanos() / local, grid.cell("high-local", count).nanos() / local);
        }
    }
}
