package org.vellum;

import java.util.Locale;

/**
 * One line of a scalability run.
 *
 * @param bench the family.
 * @param row the path, or what it is compared with.
 * @param pages of the mapping, or 0 where that means nothing.
 * @param threads how many ran it at once.
 * @param processors of the machine.
 * @param nanos per operation of one thread.
 * @param floorNanos of the floor at the same thread count and pages, or NaN if there is none.
 * @param garbage bytes allocated on the heap per operation.
 * @param retries operations that had to be run again, or NaN where that does not happen.
 */
record ScalabilityRow(
    String bench, String row, int pages, int threads, int processors, double nanos, double floorNanos, double garbage,
    double retries) {

    private static final String TABLE = "%-10s %-24s %6s %8s %14s %14s %9s %10s %8s";

    /** @return the time of a processor per operation: what stays the same if a path scales perfectly. */
    double cpuNanos() {
        return nanos * Math.min(threads, processors) / threads;
    }

    /** @return the heading of {@link #toTable()}. */
    static String heading() {
        return String.format(TABLE, "bench", "row", "pages", "threads", "ns/op", "cpu ns/op", "/ floor", "garbage B",
            "retries");
    }

    /** @return one line for people. */
    String toTable() {
        return String.format(TABLE, bench, row, pages == 0 ? "-" : Integer.toString(pages), threads, figure(nanos, 2),
            figure(cpuNanos(), 2), figure(nanos / floorNanos, 2), figure(garbage, 1), figure(retries, 0));
    }

    /** @return one JSON object. */
    String toJson() {
        return "{\"bench\":\"" + bench + "\",\"row\":\"" + row + "\",\"pages\":" + (pages == 0 ? "null" : pages)
            + ",\"threads\":" + threads + ",\"processors\":" + processors + ",\"ns_per_op\":" + json(nanos)
            + ",\"cpu_ns_per_op\":" + json(cpuNanos()) + ",\"floor_ratio\":" + json(nanos / floorNanos)
            + ",\"garbage_bytes_per_op\":" + json(garbage)
            + ",\"retries\":" + (Double.isFinite(retries) ? Long.toString(Math.round(retries)) : "null") + "}";
    }

    private static String figure(final double value, final int digits) {
        return Double.isFinite(value) ? String.format(Locale.ROOT, "%,." + digits + "f", value) : "-";
    }

    /** JSON knows neither NaN nor infinity. */
    private static String json(final double value) {
        return Double.isFinite(value) ? String.format(Locale.ROOT, "%.4f", value) : "null";
    }
}
