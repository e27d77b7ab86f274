package org.vellum.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.vellum.StressClock;

/**
 * Many threads over few slots and fewer cells: at every moment a nested enter of a thread returns the slot of its outer one,
 * and a plain counter of each slot loses no increment.
 */
@Tag("stress")
final class CpusStressTest {
    private static final int PLAIN_STRIDE = 32;

    /** One run: the slots, and the plain counters that only the occupants touch. */
    static final class Run {
        final Cpus cpus;
        private final long[] counters;
        private final AtomicLong increments = new AtomicLong();
        private final AtomicLong seeds = new AtomicLong();
        private final StressClock clock;
        private final boolean yields;

        Run(final CpuOptions options, final long millis, final boolean yields, final Predicate<Cpus> covered) {
            cpus = new Cpus(options);
            counters = new long[options.maxSlots() * PLAIN_STRIDE];
            clock = new StressClock(millis, () -> increments.get() > 0 && covered.test(cpus));
            this.yields = yields;
        }

        void untilTheEnd() {
            final SplittableRandom random = new SplittableRandom(seeds.incrementAndGet());
            Cpu hint = null;
            while (clock.running()) {
                long mine = 0;
                for (int i = 0; i < 16; i++) {
                    hint = section(random, hint);
                    mine += hint == null ? 0 : 1;
                }
                increments.addAndGet(mine);
            }
        }

        /** Crews of the body, one after the other, until it is covered. */
        void crews(final boolean virtual, final int threads, final TestThreads.Body body) throws Exception {
            do {
                TestThreads.inThreads(virtual, threads, body);
            } while (clock.running());
            verify();
        }

        void times(final int sections) {
            final SplittableRandom random = new SplittableRandom(seeds.incrementAndGet());
            Cpu hint = null;
            for (int i = 0; i < sections; i++) {
                hint = section(random, hint);
                increments.addAndGet(hint == null ? 0 : 1);
            }
        }

        private Cpu section(final SplittableRandom random, final Cpu hint) {
            final Cpu cpu = enter(random.nextInt(8), hint);
            if (cpu == null) {
                return null;
            }
            final int depth = random.nextInt(5);
            final int at = cpu.index() * PLAIN_STRIDE;
            final long before = counters[at];
            for (int i = 0; i < depth; i++) {
                assertSame(cpu, enter(random.nextInt(8), random.nextBoolean() ? hint : cpu), "two slots for one section");
                if (yields && random.nextInt(64) == 0) {
                    Thread.yield();
                }
            }
            assertSame(cpu, cpus.current());
            if (random.nextInt(256) == 0) {
                final Cpu visited = cpus.tryVisit(random.nextInt(cpus.cachedSlots()));
                if (visited != null) {
                    visited.exit();
                }
            }
            for (int i = 0; i < depth; i++) {
                cpu.exit();
                assertSame(cpu, cpus.enter());
                cpu.exit();
            }
            counters[at] = before + 1;
            cpu.exit();
            return cpu;
        }

        private Cpu enter(final int way, final Cpu hint) {
            return way == 0 ? cpus.tryEnter() : way < 4 ? cpus.enter(hint) : cpus.enter();
        }

        void verify() {
            cpus.verifyQuiet();
            long sum = 0;
            for (final long counter : counters) {
                sum += counter;
            }
            assertEquals(increments.get(), sum, "plain counters of the slots lost increments");
            clock.assertCovered(() -> "increments=" + increments + " limit=" + cpus.limit() + " " + text(cpus.displacement()));
        }
    }

    /** Which of the ways through {@link Displacement} were gone. */
    private static final class Coverage {
        private long entries;
        private long rehomed;
        private long undone;
        private long waits;

        void add(final Displacement counted) {
            entries += counted.entries.get();
            rehomed += counted.rehomed.get();
            undone += counted.rehomesUndone.get();
            waits += counted.waits.get();
        }

        boolean isComplete() {
            return entries > 0 && rehomed > 0 && undone > 0 && waits > 0;
        }

        @Override
        public String toString() {
            return "entries=" + entries + " rehomed=" + rehomed + " undone=" + undone + " waits=" + waits;
        }
    }

    private static String text(final Displacement counted) {
        final Coverage coverage = new Coverage();
        coverage.add(counted);
        return coverage.toString();
    }

    private static CpuOptions options(final int maxSlots, final int cells) {
        return new CpuOptions(4, maxSlots, cells, SlotLayout.ID_LIMIT, 0xFFFF_FF01L, 30_000_000_000L);
    }

    @Test
    void sixtyFourThreadsOverFourSlots() throws Exception {
        final Coverage coverage = new Coverage();
        final StressClock clock = new StressClock(0, coverage::isComplete);
        do {
            for (int cells = 2; cells <= 8; cells *= 2) {
                for (final int maxSlots : new int[] {4, 6}) {
                    final Run run = new Run(options(maxSlots, cells), 350, true, cpus -> true);
                    TestThreads.inThreads(false, 64, run::untilTheEnd);
                    run.verify();
                    coverage.add(run.cpus.displacement());
                }
            }
        } while (clock.running());
        System.out.println("CpusStressTest " + coverage);
        clock.assertCovered(coverage::toString);
    }

    @Test
    void bigAndSmallIdsTogether() throws Exception {
        final long limit = ThreadIds.of(new Thread(() -> { })) + 16;
        final Run run = new Run(options(6, 4).withThreadIdLimit(limit), 500, true, cpus -> true);
        TestThreads.inThreads(false, 32, run::untilTheEnd);
        run.verify();
    }

    @Test
    void slotsGrowUnderPressureAndAllAreLeft() throws Exception {
        final Run run = new Run(options(128, 8), 500, true, cpus -> cpus.limit() > 4);
        TestThreads.inThreads(false, 64, run::untilTheEnd);
        run.verify();
        assertEquals(0, run.cpus.displacement().waits.get());
    }
}
