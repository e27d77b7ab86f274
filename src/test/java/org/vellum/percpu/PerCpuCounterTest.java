package org.vellum.percpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A counter by one thread that plays all slots. */
@Timeout(120)
class PerCpuCounterTest {
    @ParameterizedTest
    @EnumSource
    void addsAndSums(final CopyWorld.Kind kind) {
        final CopyWorld world = new CopyWorld(kind);
        try (PerCpuCounter counter = new PerCpuCounter(world)) {
            long expected = 0;
            for (int i = 0; i < 100; i++) {
                counter.add(world.cpu(i % 6), i);
                counter.add(-2L * i);
                counter.increment();
                counter.increment();
                counter.decrement();
                expected += 1 - i;
                assertEquals(expected, counter.sum());
            }
            assertTrue(counter.toString().contains("" + expected), counter.toString());
            assertEquals(expected, counter.sumThenReset());
            assertEquals(0, counter.sum());
        }
    }

    @ParameterizedTest
    @EnumSource
    void estimateIsOffByLessThanABatchACpuAndTheSumIsExact(final CopyWorld.Kind kind) {
        final CopyWorld world = new CopyWorld(kind);
        final int batch = 10;
        final SplittableRandom random = new SplittableRandom(3);
        long expected = 0;
        long furthest = 0;
        try (PerCpuBatchCounter counter = new PerCpuBatchCounter(world, batch)) {
            for (int i = 0; i < 100_000; i++) {
                // Tides, so that all copies keep something of the same sign.
                final long delta = (i >> 8 & 1) == 0 ? random.nextLong(-2, 7) : random.nextLong(-6, 3);
                counter.add(world.cpu(random.nextInt(CopyWorld.SLOTS)), delta);
                expected += delta;
                assertEquals(expected, counter.sum());
                final long off = Math.abs(expected - counter.estimate());
                assertTrue(off < batch * CopyWorld.SLOTS, "off=" + off);
                furthest = Math.max(furthest, off);
            }
            assertTrue(furthest > batch * (CopyWorld.SLOTS - 1), "all copies kept something, but furthest=" + furthest);
            assertEquals(expected, counter.sumThenReset());
            assertEquals(0, counter.sum());
            assertEquals(0, counter.estimate());
        }
    }

    @Test
    void copyIsEmptiedOnceItIsABatchUpOrDown() {
        final CopyWorld world = new CopyWorld(CopyWorld.Kind.EVEN);
        for (final int sign : new int[] {1, -1}) {
            final PerCpuBatchCounter counter = new PerCpuBatchCounter(world, 10);
            counter.add(world.cpu(1), 9 * sign);
            counter.add(world.cpu(2), 9 * sign);
            assertEquals(0, counter.estimate());
            assertEquals(18 * sign, counter.sum());
            counter.add(world.cpu(1), sign);
            assertEquals(10 * sign, counter.estimate(), "one copy alone");
            counter.add(world.cpu(1), 9 * sign);
            assertEquals(10 * sign, counter.estimate(), "it begins anew");
            assertEquals(28 * sign, counter.sum());
            counter.close();
        }
    }

    @Test
    void batchOfOneIsExactAndALargeOneOverflowsNothing() {
        final CopyWorld world = new CopyWorld(CopyWorld.Kind.EVEN);
        final PerCpuBatchCounter one = new PerCpuBatchCounter(world, 1);
        final PerCpuBatchCounter most = new PerCpuBatchCounter(world, Integer.MAX_VALUE);
        one.add(5);
        one.add(world.cpu(3), -9);
        assertEquals(-4, one.estimate());
        for (int i = 0; i < 10; i++) {
            most.add(world.cpu(i & 3), Integer.MAX_VALUE);
            most.add(world.cpu(i & 3), Integer.MIN_VALUE);
        }
        most.add(world.cpu(0), Long.MIN_VALUE + 100);
        assertEquals(Long.MIN_VALUE + 90, most.sum());
    }

    @Test
    void badBatches() {
        final CopyWorld world = new CopyWorld(CopyWorld.Kind.EVEN);
        for (final int batch : new int[] {0, -1, Integer.MIN_VALUE}) {
            final IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> new PerCpuBatchCounter(world, batch));
            assertEquals("batch=" + batch, e.getMessage());
        }
        assertEquals(0, world.freed.size());
    }

    @ParameterizedTest
    @EnumSource
    void closedOnceAndThenRefuses(final CopyWorld.Kind kind) {
        final CopyWorld world = new CopyWorld(kind);
        final PerCpuCounter counter = new PerCpuCounter(world);
        final PerCpuBatchCounter batched = new PerCpuBatchCounter(world, 5);
        counter.add(3);
        batched.add(7);
        for (int i = 0; i < 2; i++) {
            counter.close();
            batched.close();
        }
        assertEquals(2, world.freed.size());
        final List<Runnable> uses = List.of(() -> counter.add(1), () -> counter.add(world.cpu(1), 1), counter::increment, counter::sum,
            counter::sumThenReset, () -> batched.add(1), () -> batched.add(world.cpu(1), 1), batched::sum, batched::sumThenReset);
        uses.forEach(use -> assertThrows(IllegalStateException.class, use::run));
        assertEquals("PerCpuCounter[closed]", counter.toString());
        assertEquals("PerCpuBatchCounter[closed]", batched.toString());
    }
}
