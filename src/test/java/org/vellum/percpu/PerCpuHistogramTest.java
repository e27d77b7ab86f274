package org.vellum.percpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Buckets, and what comes out of them. */
@Timeout(120)
class PerCpuHistogramTest {
    private static final int MOST_BYTES = 12_000;

    private static PerCpuHistogram open(final CopyWorld world, final long highest, final int bits) {
        return new PerCpuHistogram(world, highest, bits, MOST_BYTES);
    }

    private static List<String> told(final PerCpuHistogram histogram) {
        final List<String> told = new ArrayList<>();
        histogram.forEachBucket((value, count) -> told.add(value + "x" + count));
        return told;
    }

    @Test
    void bucketsAsDrawn() {
        final CopyWorld world = new CopyWorld(CopyWorld.Kind.EVEN);
        try (PerCpuHistogram histogram = open(world, 31, 2)) {
            assertEquals(16, histogram.buckets());
            for (int value = 0; value < 32; value++) {
                histogram.record(value);
            }
            assertEquals(List.of("0x1", "1x1", "2x1", "3x1", "4x1", "5x1", "6x1", "7x1", "8x2", "10x2", "12x2", "14x2",
                "17x4", "21x4", "25x4", "29x4"), told(histogram));
            assertEquals(32, histogram.count());
        }
    }

    /** Of every precision, at every power of two and beside it: what is told is near what was recorded. */
    @ParameterizedTest
    @EnumSource
    void middleIsOffByHalfAPartAtMost(final CopyWorld.Kind kind) {
        for (int bits = 1; bits <= 4; bits++) {
            final CopyWorld world = new CopyWorld(kind);
            try (PerCpuHistogram histogram = open(world, Long.MAX_VALUE, bits)) {
                for (int shift = 0; shift < 63; shift++) {
                    for (final long value : new long[] {(1L << shift) - 1, 1L << shift, (1L << shift) + (1L << shift) / 3}) {
                        histogram.record(value);
                        final long[] met = new long[1];
                        histogram.drain((middle, count) -> met[0] = middle + 1_000 * (count - 1));
                        assertTrue(Math.abs(met[0] - value) <= value >> bits + 1, "value=" + value + " middle=" + met[0] + " bits=" + bits);
                    }
                }
                assertEquals(0, histogram.count());
            }
        }
    }

    @Test
    void valuesBeyondTheHighestCountAsIt() {
        final CopyWorld world = new CopyWorld(CopyWorld.Kind.EVEN);
        try (PerCpuHistogram histogram = open(world, 1000, 3)) {
            histogram.record(1000);
            histogram.record(1001);
            histogram.record(world.cpu(1), Long.MAX_VALUE);
            assertEquals(List.of("991x3"), told(histogram), "of the bucket from 960 to 1023");
            assertThrows(IllegalArgumentException.class, () -> histogram.record(-1));
            assertThrows(IllegalArgumentException.class, () -> histogram.record(world.cpu(1), Long.MIN_VALUE));
            assertEquals(3, histogram.count());
        }
        try (PerCpuHistogram histogram = open(world, 961, 3)) {
            histogram.record(961);
            assertEquals(List.of("961x1"), told(histogram), "the middle lies beyond the highest");
        }
    }

    /** The use it is made for. */
    @ParameterizedTest
    @EnumSource
    void mergesIntoHdrHistogram(final CopyWorld.Kind kind) {
        final CopyWorld world = new CopyWorld(kind);
        final SplittableRandom random = new SplittableRandom(4);
        final Histogram merged = new Histogram(3);
        final long[] values = new long[20_000];
        try (PerCpuHistogram histogram = open(world, 1L << 32, 5)) {
            for (int i = 0; i < values.length; i++) {
                values[i] = (long)Math.exp(random.nextDouble(0, 22));
                histogram.record(world.cpu(random.nextInt(CopyWorld.SLOTS)), values[i]);
                if (i % 5_000 == 4_999) {
                    histogram.drain(merged::recordValueWithCount);
                }
            }
        }
        Arrays.sort(values);
        assertEquals(values.length, merged.getTotalCount());
        for (final double percentile : new double[] {1, 10, 50, 90, 99, 99.9, 100}) {
            final long exact = values[(int)Math.ceil(percentile / 100 * values.length) - 1];
            final long told = merged.getValueAtPercentile(percentile);
            // A part in 64 of ours, a thousandth of theirs, and what is rounded.
            assertTrue(Math.abs(told - exact) <= exact / 64.0 + exact / 1000.0 + 1, percentile + ": exact=" + exact + " told=" + told);
        }
    }

    @Test
    void badShapes() {
        final CopyWorld world = new CopyWorld(CopyWorld.Kind.EVEN);
        for (final long highest : new long[] {0, -1, Long.MIN_VALUE}) {
            final IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> open(world, highest, 3));
            assertEquals("highest=" + highest, e.getMessage());
        }
        for (final int bits : new int[] {0, -1, PerCpuHistogram.MAX_PRECISION_BITS + 1}) {
            final IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> open(world, 100, bits));
            assertEquals("precisionBits=" + bits, e.getMessage());
        }
        final IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> open(world, Long.MAX_VALUE, 12));
        assertTrue(e.getMessage().contains("buckets="), e.getMessage());
        open(world, 1, 1).close();
        assertEquals(1, world.freed.size(), "what was refused took nothing");
    }

    /** What the consumer has not been told of stays for the next time. */
    @Test
    void drainGoesOnBehindWhatTheConsumerRefused() {
        final CopyWorld world = new CopyWorld(CopyWorld.Kind.EVEN);
        final PerCpuHistogram histogram = open(world, 100, 3);
        for (int value = 1; value <= 5; value++) {
            histogram.record(value);
        }
        assertThrows(IllegalCallerException.class, () -> histogram.drain((value, count) -> {
            if (value == 2) {
                throw new IllegalCallerException();
            }
        }));
        final List<Long> told = new ArrayList<>();
        histogram.drain((value, count) -> told.add(value));
        assertEquals(List.of(3L, 4L, 5L), told);
        assertEquals(0, histogram.count());
    }

    @Test
    void closedOnceAndThenRefuses() {
        final CopyWorld world = new CopyWorld(CopyWorld.Kind.EVEN);
        final PerCpuHistogram histogram = open(world, 100, 3);
        histogram.close();
        histogram.close();
        assertEquals(1, world.freed.size());
        // Not the first bucket only: those behind it are computed from what is no pointer.
        for (final long value : new long[] {0, 1, 7, 100}) {
            assertThrows(IllegalStateException.class, () -> histogram.record(value));
            assertThrows(IllegalStateException.class, () -> histogram.record(world.cpu(2), value));
        }
        assertThrows(IllegalStateException.class, histogram::count);
        assertThrows(IllegalStateException.class, () -> histogram.drain((value, count) -> { }));
    }
}
