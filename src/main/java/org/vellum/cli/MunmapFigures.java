package org.vellum.cli;

import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * What one cell of the {@code munmap} table measured, or the medians of several.
 *
 * @param gibPerSecond unmapped, of the time that unmapping took; 0 if nothing was.
 * @param p50 median of what the others took for a small map, fault and unmap meanwhile, in nanoseconds.
 * @param p99 its 99th percentile.
 * @param p999 its 99.9th percentile.
 * @param longestHold of a lock by anybody who unmapped, in nanoseconds, measured by the holder.
 * @param flushes of one large unmap.
 */
record MunmapFigures(double gibPerSecond, double p50, double p99, double p999, double longestHold, double flushes) {
    /** Each figure on its own. */
    static MunmapFigures median(final List<MunmapFigures> rounds) {
        return new MunmapFigures(median(rounds, MunmapFigures::gibPerSecond), median(rounds, MunmapFigures::p50),
            median(rounds, MunmapFigures::p99), median(rounds, MunmapFigures::p999), median(rounds, MunmapFigures::longestHold),
            median(rounds, MunmapFigures::flushes));
    }

    private static double median(final List<MunmapFigures> rounds, final ToDoubleFunction<MunmapFigures> which) {
        return Grid.median(rounds.stream().mapToDouble(which).toArray());
    }
}
