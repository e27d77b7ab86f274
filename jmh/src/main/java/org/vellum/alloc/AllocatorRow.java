package org.vellum.alloc;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** One result of {@link AllocatorBenchmark}, as JMH wrote it. */
final class AllocatorRow {
    private static final String BENCHMARK = "AllocatorBenchmark.allocateTouchFree";
    /** JMH puts a dot in front of it before 1.37. */
    private static final String GARBAGE = "gc.alloc.rate.norm";
    private static final String UNIT = "ns/op";
    private static final String AVERAGE = "avgt";

    final String peer;
    final int size;
    final int threads;
    /** Of one thread; NaN if it failed. */
    final double nanos;
    /** Bytes per operation; NaN if the profiler did not run. */
    final double garbage;

    AllocatorRow(final String peer, final int size, final int threads, final double nanos, final double garbage) {
        this.peer = peer;
        this.size = size;
        this.threads = threads;
        this.nanos = nanos;
        this.garbage = garbage;
    }

    /**
     * @param json of a JMH result file; other benchmarks in it are passed over.
     * @return its rows, in order.
     * @throws IllegalArgumentException if it is not such a file.
     */
    static List<AllocatorRow> parse(final String json) {
        final List<AllocatorRow> rows = new ArrayList<>();
        if (!(Json.parse(json) instanceof List<?> results)) {
            throw new IllegalArgumentException("not a list of JMH results");
        }
        for (final Object result : results) {
            final Map<?, ?> fields = map(result, "result");
            if (String.valueOf(fields.get("benchmark")).endsWith(BENCHMARK) && AVERAGE.equals(fields.get("mode"))) {
                rows.add(row(fields));
            }
        }
        return rows;
    }

    private static AllocatorRow row(final Map<?, ?> fields) {
        final Map<?, ?> params = map(fields.get("params"), "params");
        final Map<?, ?> metric = map(fields.get("primaryMetric"), "primaryMetric");
        if (!UNIT.equals(metric.get("scoreUnit"))) {
            throw new IllegalArgumentException("scoreUnit=" + metric.get("scoreUnit") + " is not " + UNIT);
        }
        double garbage = Double.NaN;
        for (final Map.Entry<?, ?> secondary : map(fields.get("secondaryMetrics"), "secondaryMetrics").entrySet()) {
            if (String.valueOf(secondary.getKey()).endsWith(GARBAGE)) {
                garbage = number(map(secondary.getValue(), GARBAGE).get("score"), "score");
            }
        }
        return new AllocatorRow(String.valueOf(params.get("peer")), (int)number(params.get("size"), "size"),
            (int)number(fields.get("threads"), "threads"), number(metric.get("score"), "score"), garbage);
    }

    private static Map<?, ?> map(final Object value, final String name) {
        if (value instanceof Map<?, ?> map) {
            return map;
        }
        throw new IllegalArgumentException(name + " is missing or no object");
    }

    /** JMH writes parameters, and what is no number, as strings. */
    private static double number(final Object value, final String name) {
        try {
            return Double.parseDouble(String.valueOf(value));
        } catch (final NumberFormatException e) {
            throw new IllegalArgumentException(name + "=" + value + " is no number", e);
        }
    }
}
