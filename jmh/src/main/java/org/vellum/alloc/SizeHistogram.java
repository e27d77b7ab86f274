package org.vellum.alloc;

import java.util.SplittableRandom;

/**
 * The sizes that a network server asks its allocator for: four of five are at one of a few peaks, small ones most often; the
 * fifth is anywhere between the lowest peak and the highest, each power of two as likely as the next.
 *
 * <p>Drawn beforehand, so that a benchmark reads them from an array.
 */
final class SizeHistogram {
    private static final int[] PEAKS = {15, 256, 636, 1_024, 2_048, 16_639};
    private static final int[] PERCENT = {25, 20, 20, 15, 15, 5};
    private static final int AT_A_PEAK_PERCENT = 80;

    private SizeHistogram() {
    }

    /**
     * @param random to draw from.
     * @param count  how many sizes.
     * @return the sizes in bytes.
     */
    static int[] draw(final SplittableRandom random, final int count) {
        final int[] sizes = new int[count];
        for (int i = 0; i < count; i++) {
            sizes[i] = random.nextInt(100) < AT_A_PEAK_PERCENT ? peak(random.nextInt(100)) : between(random.nextDouble());
        }
        return sizes;
    }

    private static int peak(final int percentile) {
        int below = 0;
        for (int i = 0; i < PEAKS.length; i++) {
            below += PERCENT[i];
            if (percentile < below) {
                return PEAKS[i];
            }
        }
        throw new AssertionError("percentile=" + percentile);
    }

    private static int between(final double fraction) {
        final double lowest = PEAKS[0];
        final double highest = PEAKS[PEAKS.length - 1];
        return (int)Math.round(lowest * Math.pow(highest / lowest, fraction));
    }
}
