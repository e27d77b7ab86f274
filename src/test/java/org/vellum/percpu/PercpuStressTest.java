package org.vellum.percpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Function;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.StressClock;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.report.ExhaustedException;

/**
 * Threads that allocate, inside sections and out, hand what they have to each other, and free it, while balances run on the worker and by
 * hand, and frames are taken away now and then. Every copy is filled, and found unchanged.
 */
@Tag("stress")
final class PercpuStressTest {
    private static final int SLOTS = 4;
    private static final int PAGE = SmallMemory.PAGE;

    private record Area(long pointer, int bytes) {
    }

    @Test
    void nothingIsLostWithAWorker() throws Exception {
        new Run(true).go(6, 1500, PercpuStressTest::startPlatform);
    }

    @Test
    void nothingIsLostWithoutAWorker() throws Exception {
        new Run(false).go(6, 1500, PercpuStressTest::startPlatform);
    }

    private static Thread startPlatform(final Runnable body) {
        final Thread thread = new Thread(body, "crew");
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    /** Everything of one run. */
    static final class Run {
        private static final int EXCHANGE = 64;
        private static final int HELD = 120;

        private final Vellum memory;
        private final PercpuAllocator percpu;
        private final AtomicReferenceArray<Area> exchange = new AtomicReferenceArray<>(EXCHANGE);
        private final AtomicLong allocated = new AtomicLong();
        private final AtomicLong atomics = new AtomicLong();
        private final AtomicLong inSections = new AtomicLong();
        private final AtomicLong exhausted = new AtomicLong();
        private final AtomicLong givenBack = new AtomicLong();
        private final AtomicLong strangers = new AtomicLong();
        private StressClock clock;

        Run(final boolean worker) {
            memory = Vellum.builder().memory(8 << 20).bank(1 << 20).window(64 << 20).worker(worker)
                .cpus(CpuOptions.forThisMachine().withCachedSlots(SLOTS).withFirstEpoch(SmallMemory.NEAR_WRAP)).graceNanos(20_000_000).open();
            percpu = memory.percpu();
        }

        private boolean isCovered() {
            return allocated.get() > 10_000 && atomics.get() > 500 && inSections.get() > 500 && exhausted.get() > 3 && givenBack.get() > 500
                && strangers.get() > 500 && percpu.stats().chunksMade() > 50 && percpu.stats().balances() > 50
                && percpu.stats().atomicFailures() > 3;
        }

        void go(final int threads, final long leastMillis, final Function<Runnable, Thread> starter) throws Exception {
            clock = new StressClock(leastMillis, this::isCovered);
            final List<FutureTask<Void>> tasks = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                final FutureTask<Void> task = new FutureTask<>(i == 0 ? this::disturb : this::work, null);
                tasks.add(task);
                starter.apply(task);
            }
            for (final FutureTask<Void> task : tasks) {
                SmallMemory.join(task);
            }
            finish();
        }

        private void work() {
            final ThreadLocalRandom random = ThreadLocalRandom.current();
            final List<Area> mine = new ArrayList<>();
            try {
                boolean grows = true;
                while (clock.running()) {
                    grows = mine.size() < 10 || grows && mine.size() < HELD;
                    if (random.nextInt(10) < (grows ? 7 : 3)) {
                        allocate(random, mine);
                    } else if (!mine.isEmpty()) {
                        pass(random, mine.remove(random.nextInt(mine.size())));
                    }
                }
            } catch (final RuntimeException | Error e) {
                clock.stop();
                throw e;
            }
            mine.forEach(this::free);
        }

        private void allocate(final ThreadLocalRandom random, final List<Area> mine) {
            final int bytes = 4 * (1 + (random.nextInt(8) == 0 ? random.nextInt(8 * PAGE / 4) : random.nextInt(300)));
            final int align = 4 << random.nextInt(5);
            try {
                final long pointer = switch (random.nextInt(6)) {
                    case 0 -> atomic(bytes, align);
                    case 1 -> inSection(bytes, align);
                    default -> percpu.allocate(bytes, align);
                };
                if (pointer != 0) {
                    final Area area = new Area(pointer, bytes);
                    requireZero(area);
                    fill(area);
                    mine.add(area);
                    allocated.incrementAndGet();
                }
            } catch (final ExhaustedException e) {
                exhausted.incrementAndGet();
                if (!mine.isEmpty()) {
                    free(mine.remove(mine.size() - 1));
                }
            }
        }

        private long atomic(final int bytes, final int align) {
            final long pointer = percpu.allocateAtomic(bytes, align);
            if (pointer != 0) {
                atomics.incrementAndGet();
            }
            return pointer;
        }

        private long inSection(final int bytes, final int align) {
            try (Cpu cpu = memory.enter()) {
                assertTrue(memory.cpus().isOccupant(cpu));
                final long pointer = percpu.allocate(bytes, align);
                inSections.incrementAndGet();
                return pointer;
            }
        }

        /** To be freed by whoever finds it. */
        private void pass(final ThreadLocalRandom random, final Area area) {
            final Area found = exchange.getAndSet(random.nextInt(EXCHANGE), area);
            if (found != null) {
                strangers.incrementAndGet();
                if (random.nextInt(4) == 0) {
                    try (Cpu cpu = memory.enter()) {
                        assertTrue(memory.cpus().isOccupant(cpu));
                        free(found);
                    }
                } else {
                    free(found);
                }
            }
        }

        private void free(final Area area) {
            for (int cpu = 0; cpu < SLOTS; cpu++) {
                final long copy = percpu.access().address(area.pointer, cpu);
                for (int i = 0; i < area.bytes; i += Integer.BYTES) {
                    if (memory.access().getInt(copy + i) != pattern(area, cpu, i)) {
                        throw new AssertionError("pointer=0x" + Long.toHexString(area.pointer) + " cpu=" + cpu + " offset=" + i
                            + " was written by others");
                    }
                }
            }
            percpu.free(area.pointer);
        }

        private static int pattern(final Area area, final int cpu, final int offset) {
            return (int)((area.pointer + offset) * 0x9E3779B9L + cpu * 0x10001L) | 1;
        }

        private void fill(final Area area) {
            for (int cpu = 0; cpu < SLOTS; cpu++) {
                final long copy = percpu.access().address(area.pointer, cpu);
                for (int i = 0; i < area.bytes; i += Integer.BYTES) {
                    memory.access().putInt(copy + i, pattern(area, cpu, i));
                }
            }
        }

        private void requireZero(final Area area) {
            for (int cpu = 0; cpu < SLOTS; cpu++) {
                final long copy = percpu.access().address(area.pointer, cpu);
                for (int i = 0; i < area.bytes; i += Integer.BYTES) {
                    if (memory.access().getInt(copy + i) != 0) {
                        throw new AssertionError("pointer=0x" + Long.toHexString(area.pointer) + " cpu=" + cpu + " offset=" + i + " is not zero");
                    }
                }
            }
        }

        /** Balances by hand, and takes most of the memory away for moments. */
        private void disturb() {
            final ThreadLocalRandom random = ThreadLocalRandom.current();
            try {
                while (clock.running()) {
                    if (random.nextInt(20) == 0) {
                        takeMemory(random);
                    }
                    givenBack.addAndGet(percpu.balance());
                    memory.poll();
                    Thread.yield();
                }
            } catch (final RuntimeException | Error e) {
                clock.stop();
                throw e;
            }
        }

        private void takeMemory(final ThreadLocalRandom random) {
            final List<Long> taken = new ArrayList<>();
            try {
                while (taken.size() < 40) {
                    taken.add(memory.vmalloc((1 + random.nextInt(100)) * PAGE));
                }
            } catch (final ExhaustedException e) {
                exhausted.incrementAndGet();
                Thread.yield();
            }
            taken.forEach(memory::vfree);
        }

        private void finish() {
            clock.assertCovered(() -> percpu.stats() + " allocated=" + allocated + " atomics=" + atomics + " inSections=" + inSections
                + " exhausted=" + exhausted + " givenBack=" + givenBack + " strangers=" + strangers);
            memory.quiesce();
            memory.verify();
            for (int i = 0; i < EXCHANGE; i++) {
                if (exchange.get(i) != null) {
                    free(exchange.get(i));
                }
            }
            percpu.balance();
            final PercpuStats stats = percpu.stats();
            assertEquals(0, stats.areas() + stats.bytes());
            assertTrue(stats.chunks() <= 2, stats::toString);
            SmallMemory.requireQuiet(memory, percpu.stats().frames(), percpu.stats().chunks() - 1);
            memory.close();
        }
    }
}
