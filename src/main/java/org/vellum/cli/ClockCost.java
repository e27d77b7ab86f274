package org.vellum.cli;

/** What reading the clock costs, for taking it off what was measured with it. */
final class ClockCost {
    private static final int READINGS = 100_000;
    private static final int TRIES = 5;

    private ClockCost() {
    }

    /** Nanoseconds of one reading: the least of several tries, to leave out interruptions. */
    static double nanos() {
        double least = Double.MAX_VALUE;
        for (int attempt = 0; attempt < TRIES; attempt++) {
            final long start = System.nanoTime();
            long last = start;
            for (int i = 0; i < READINGS; i++) {
                last = System.nanoTime();
            }
            least = Math.min(least, (double)(last - start) / READINGS);
        }
        return least;
    }
}
