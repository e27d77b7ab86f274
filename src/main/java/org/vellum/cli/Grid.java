package org.vellum.cli;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Measures a workload: every policy with every number of threads, several rounds, the median of each cell. Within a round
 * the policies come one after the other, so that what the machine does meanwhile happens to all of them.
 */
final class Grid {
    private static final long WARM_UP_MILLIS = 400;

    /** Medians: nanoseconds per operation and thread, and what else the workload tells of a cell, or NaN. */
    record Cell(double nanos, double figure) {
        /** What one operation costs of a core, when there are more threads than cores. */
        double cpuNanos(final int threads) {
            return nanos * Math.min(threads, Runtime.getRuntime().availableProcessors()) / threads;
        }
    }

    private final Map<String, double[][]> nanos = new HashMap<>();
    private final Map<String, double[][]> figures = new HashMap<>();
    private final int[] threads;

    private Grid(final int[] threads) {
        this.threads = threads;
    }

    static <H extends Hammer> Grid measure(
        final Workload<H> workload, final int[] threads, final int millis, final int rounds, final Console console) {
        final Grid grid = new Grid(threads);
        for (final String policy : workload.policies()) {
            grid.nanos.put(policy, new double[threads.length][rounds]);
            grid.figures.put(policy, new double[threads.length][rounds]);
        }
        warmUp(workload, Math.min(2, threads[threads.length - 1]), Math.min(WARM_UP_MILLIS, 8L * millis));
        for (int round = 0; round < rounds; round++) {
            for (int column = 0; column < threads.length; column++) {
                for (final String policy : workload.policies()) {
                    grid.run(workload, policy, column, round, millis);
                }
                progress(console, workload, round * threads.length + column + 1, rounds * threads.length);
            }
        }
        return grid;
    }

    /** Not which cell is next: of lines that come once a second at most, some cells would seem to be left out. */
    private static void progress(final Console console, final Workload<?> workload, final int done, final int all) {
        if (done < all) {
            console.progress("  %s: %d %% measured", workload.name(), 100 * done / all);
        }
    }

    /** All policies before any is measured, so that the compiler has seen them all; alone first, then with company. */
    private static void warmUp(final Workload<?> workload, final int company, final long millis) {
        for (int crew = 1; crew <= company; crew++) {
            for (final String policy : workload.policies()) {
                Crew.hammer(workload.crew(policy, crew), millis);
            }
        }
    }

    private <H extends Hammer> void run(
        final Workload<H> workload, final String policy, final int column, final int round, final int millis) {
        final List<H> crew = workload.crew(policy, threads[column]);
        Crew.hammer(crew, millis);
        long operations = 0;
        long time = 0;
        for (final Hammer hammer : crew) {
            operations += hammer.operations();
            time += hammer.nanos();
        }
        // A cell so short that no batch ended in it still has a figure: less than one batch in all its time.
        nanos.get(policy)[column][round] = (double)time / Math.max(1, operations);
        figures.get(policy)[column][round] = workload.figure(crew);
    }

    Cell cell(final String policy, final int threadCount) {
        final int column = Arrays.binarySearch(threads, threadCount);
        return new Cell(median(nanos.get(policy)[column]), median(figures.get(policy)[column]));
    }

    static double median(final double[] values) {
        final double[] sorted = values.clone();
        Arrays.sort(sorted);
        final int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
