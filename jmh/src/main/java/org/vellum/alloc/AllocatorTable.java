package org.vellum.alloc;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * Tables of {@link AllocatorBenchmark}'s results, one for each size and number of threads.
 *
 * <pre>java -cp jmh/target/benchmarks.jar org.vellum.alloc.AllocatorTable 1.json 2.json 8.json</pre>
 *
 * <p>The files are JMH's ({@code -rf json}), one for each number of threads, of one and the same machine and JDK. Columns: nanoseconds per
 * operation of one thread; ÷ the fastest peer of the same size and number of threads in the same file, which is neither a row
 * of Vellum nor the floor; ÷ the floor; bytes of garbage per operation, if {@code -prof gc} counted them. What was not
 * measured is a dash. Exit status 0, or 2 if a file cannot be read.
 */
public final class AllocatorTable {
    private static final String FLOOR = "floor";
    private static final String OURS = "vellum";

    private AllocatorTable() {
    }

    /** @param files of JMH results. */
    public static void main(final String[] files) {
        if (files.length == 0) {
            System.err.println("AllocatorTable: which JMH result files (-rf json -rff FILE)?");
            System.exit(2);
        }
        final StringBuilder tables = new StringBuilder();
        for (final String file : files) {
            try {
                tables.append(format(AllocatorRow.parse(Files.readString(Path.of(file)))));
            } catch (final IOException e) {
                System.err.println("AllocatorTable: cannot read " + file + ": " + e);
                System.exit(2);
            } catch (final IllegalArgumentException e) {
                System.err.println("AllocatorTable: " + file + ": " + e.getMessage());
                System.exit(2);
            }
        }
        System.out.print(tables);
    }

    /**
     * @param rows of one run.
     * @return the tables, by threads, then size; rows keep their order.
     */
    static String format(final List<AllocatorRow> rows) {
        final List<AllocatorRow> left = new ArrayList<>(rows);
        left.sort(Comparator.<AllocatorRow>comparingInt(row -> row.threads).thenComparingInt(row -> row.size));
        final StringBuilder tables = new StringBuilder();
        while (!left.isEmpty()) {
            final AllocatorRow first = left.get(0);
            final List<AllocatorRow> group =
                left.stream().filter(row -> row.size == first.size && row.threads == first.threads).toList();
            left.removeAll(group);
            table(tables, group);
        }
        return tables.toString();
    }

    private static void table(final StringBuilder tables, final List<AllocatorRow> group) {
        final AllocatorRow first = group.get(0);
        final double best = fastest(group.stream().filter(AllocatorTable::isPeer).toList());
        final double floor = fastest(group.stream().filter(row -> row.peer.equals(FLOOR)).toList());
        tables.append(String.format(Locale.ROOT, "%d bytes, threads=%d%n", first.size, first.threads));
        tables.append(String.format(Locale.ROOT, "  %-14s %10s %12s %10s %8s%n", "peer", "ns/op", "÷ best peer", "÷ floor", "B/op"));
        for (final AllocatorRow row : group) {
            tables.append(String.format(Locale.ROOT, "  %-14s %10s %12s %10s %8s%n", row.peer, cell(row.nanos, 1),
                cell(row.nanos / best, 2), cell(row.nanos / floor, 2), cell(row.garbage, 1)));
        }
        tables.append(System.lineSeparator());
    }

    private static boolean isPeer(final AllocatorRow row) {
        return !row.peer.equals(FLOOR) && !row.peer.startsWith(OURS);
    }

    private static double fastest(final List<AllocatorRow> rows) {
        return rows.stream().mapToDouble(row -> row.nanos).filter(nanos -> !Double.isNaN(nanos)).min().orElse(Double.NaN);
    }

    private static String cell(final double value, final int digits) {
        return Double.isNaN(value) ? "-" : String.format(Locale.ROOT, "%." + digits + "f", value);
    }
}
