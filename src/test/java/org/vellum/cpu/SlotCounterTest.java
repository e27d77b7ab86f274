package org.vellum.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.vellum.StressClock;

/** What slots keep to themselves is bounded, and nothing of it is lost. */
@Timeout(120)
class SlotCounterTest {
    private static final int SLOTS = 4;

    /** Two slots that only announce besides. */
    private final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(SLOTS).withMaxSlots(SLOTS + 2));

    private void add(final SlotCounter counter, final int slot, final long delta) {
        final Cpu cpu = cpus.tryVisit(slot);
        try {
            counter.add(cpu, delta);
        } finally {
            cpu.exit();
        }
    }

    @Test
    void batchOfOneKeepsTheEstimateExact() {
        final SlotCounter counter = new SlotCounter(cpus, 1);
        final SplittableRandom random = new SplittableRandom(1);
        long expected = 0;
        for (int i = 0; i < 1_000; i++) {
            final long delta = random.nextLong(-9, 10);
            add(counter, random.nextInt(SLOTS), delta);
            expected += delta;
            assertEquals(expected, counter.estimate());
            assertEquals(expected, counter.sum());
        }
    }

    @Test
    void estimateIsOffByLessThanABatchASlotAndTheSumIsExact() {
        final long batch = 10;
        final SlotCounter counter = new SlotCounter(cpus, batch);
        final SplittableRandom random = new SplittableRandom(2);
        long expected = 0;
        long furthest = 0;
        for (int i = 0; i < 100_000; i++) {
            // Tides, so that all slots keep something of the same sign.
            final long delta = (i >> 8 & 1) == 0 ? random.nextLong(-2, 7) : random.nextLong(-6, 3);
            add(counter, random.nextInt(SLOTS), delta);
            expected += delta;
            assertEquals(expected, counter.sum());
            final long off = Math.abs(expected - counter.estimate());
            assertTrue(off < batch * SLOTS, "off=" + off);
            furthest = Math.max(furthest, off);
        }
        assertTrue(furthest >= batch * (SLOTS - 1), "all slots kept something, but furthest=" + furthest);
    }

    @Test
    void slotFoldsWhatItKeptOnceItIsABatchUpOrDown() {
        for (final int sign : new int[] {1, -1}) {
            final SlotCounter counter = new SlotCounter(cpus, 10);
            add(counter, 1, 9 * sign);
            add(counter, 2, 9 * sign);
            assertEquals(0, counter.estimate());
            assertEquals(18 * sign, counter.sum());
            add(counter, 1, sign);
            assertEquals(10 * sign, counter.estimate(), "slot 1 alone");
            add(counter, 1, 9 * sign);
            assertEquals(10 * sign, counter.estimate(), "it begins anew");
            assertEquals(28 * sign, counter.sum());
        }
    }

    @Test
    void noSlotAndOneWithoutCachesCountAtOnce() throws Exception {
        final SlotCounter counter = new SlotCounter(cpus, 1_000_000);
        counter.add(null, 5);
        assertEquals(5, counter.estimate());
        final List<TestThreads.Holder> holders = new ArrayList<>();
        for (int i = 0; i < SLOTS; i++) {
            holders.add(new TestThreads.Holder(cpus));
        }
        final Cpu cpu = cpus.enter();
        assertFalse(cpu.carriesCaches(), "the others are taken: " + cpu);
        counter.add(cpu, 7);
        cpu.exit();
        holders.forEach(TestThreads.Holder::close);
        assertEquals(12, counter.estimate());
        assertEquals(12, counter.sum());
    }

    @Test
    void batchBelowOneIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> new SlotCounter(cpus, 0));
        assertThrows(IllegalArgumentException.class, () -> new SlotCounter(cpus, -1));
    }

    /** More threads than slots, of which some only announce, and some adders have none at all. */
    @Test
    @Tag("stress")
    void threadsLoseNothing() throws Exception {
        final long batch = 50;
        final SlotCounter counter = new SlotCounter(cpus, batch);
        final AtomicLong expected = new AtomicLong();
        final LongAdder kept = new LongAdder();
        final LongAdder shared = new LongAdder();
        final AtomicLong number = new AtomicLong();
        final StressClock clock = new StressClock(1_000, () -> kept.sum() > 10_000 && shared.sum() > 10);
        TestThreads.inThreads(false, 8, () -> {
            final SplittableRandom random = new SplittableRandom(number.incrementAndGet());
            long sum = 0;
            while (clock.running()) {
                final Cpu cpu = cpus.tryEnter();
                for (int i = random.nextInt(8); i >= 0; i--) {
                    final long delta = random.nextLong(-7, 12);
                    counter.add(cpu, delta);
                    sum += delta;
                }
                if (random.nextInt(64) == 0) {
                    // Inside the section, so that the others must look for other slots.
                    Thread.yield();
                }
                (cpu != null && cpu.carriesCaches() ? kept : shared).increment();
                if (cpu != null) {
                    cpu.exit();
                }
            }
            expected.addAndGet(sum);
        });
        cpus.verifyQuiet();
        assertEquals(expected.get(), counter.sum());
        assertTrue(Math.abs(expected.get() - counter.estimate()) < batch * SLOTS, "estimate=" + counter.estimate());
        clock.assertCovered(() -> "kept=" + kept + " shared=" + shared);
    }
}
