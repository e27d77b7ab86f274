package org.vellum.percpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vellum.SmallMemory;
import org.vellum.StressClock;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;

/** Many more threads than slots: nothing that was added is lost, whoever met on a copy. */
@Tag("stress")
@Timeout(300)
class OwnCopyStressTest {
    private static final int THREADS = 12;
    private static final int VIRTUAL_THREADS = 200;
    private static final int BATCH = 64;

    private static CopyWorld open(final CopyWorld.Kind kind) {
        // Few cells, so that threads share them and re-home each other; ids that do not fit among them.
        return new CopyWorld(kind, CpuOptions.forThisMachine().withCachedSlots(CopyWorld.SLOTS).withMaxSlots(2 * THREADS).withCells(8)
            .withThreadIdLimit(Thread.currentThread().getId() + THREADS / 2));
    }

    private static Thread start(final boolean virtual, final Runnable body) throws Exception {
        if (virtual) {
            final Method start = Thread.class.getMethod("startVirtualThread", Runnable.class);
            return (Thread)start.invoke(null, body);
        }
        final Thread thread = new Thread(body);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    private static void inThreads(final boolean virtual, final int count, final SmallMemory.Body body) throws Exception {
        final List<FutureTask<Void>> tasks = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            final int index = i;
            tasks.add(new FutureTask<>(() -> {
                body.run(index);
                return null;
            }));
            start(virtual, tasks.get(i));
        }
        for (final FutureTask<Void> task : tasks) {
            SmallMemory.join(task);
        }
    }

    /** One allocation of two longs, two ints, and what was added to them in truth. */
    private static final class Sums {
        private final CopyWorld world;
        private final OwnCopy copies;
        private final long pointer;
        private final AtomicLong longs = new AtomicLong();
        private final AtomicInteger ints = new AtomicInteger();
        private final AtomicLong folded = new AtomicLong();
        private final AtomicLong exchanged = new AtomicLong();
        private final AtomicLong swaps = new AtomicLong();

        Sums(final CopyWorld world) {
            this.world = world;
            copies = world.access();
            pointer = world.allocate(24, 8);
        }

        /** In a section now and then, on a hint now and then, and now and then everybody's copy is another's. */
        void work(final SplittableRandom random) {
            long added = 0;
            int addedInts = 0;
            final Cpu hint = random.nextBoolean() ? world.cpu(random.nextInt(world.cpus.maxSlots())) : null;
            final Cpu section = random.nextInt(4) == 0 ? world.cpus.enter() : null;
            for (int i = 0; i < 50; i++) {
                final long delta = random.nextLong();
                added += delta;
                copies.addLong(hint, pointer, delta);
                addedInts += (int)delta;
                copies.addInt(pointer + 16, (int)delta);
                added += i;
                copies.addReturnLong(pointer, i);
            }
            fold(random);
            // What is taken out is put back elsewhere.
            final long taken = copies.exchangeLong(pointer, 0);
            exchanged.addAndGet(taken == 0 ? 0 : 1);
            copies.addLong(hint, pointer, taken);
            swap(hint);
            if (section != null) {
                section.exit();
            }
            longs.addAndGet(added);
            ints.addAndGet(addedInts);
        }

        private void fold(final SplittableRandom random) {
            final int from = CopyWorld.CPUS[random.nextInt(CopyWorld.SLOTS)];
            final int to = CopyWorld.CPUS[random.nextInt(CopyWorld.SLOTS)];
            folded.addAndGet(copies.foldLong(pointer, from, to) == 0 ? 0 : 1);
            copies.foldInt(pointer + 16, to, from);
        }

        /** Counts by compare-and-exchange on a long of its own. */
        private void swap(final Cpu hint) {
            long seen = 0;
            for (long expected = 1; seen != expected; ) {
                expected = seen;
                seen = copies.compareExchangeLong(hint, pointer + 8, expected, expected + 1);
            }
            swaps.incrementAndGet();
        }

        void check() {
            assertEquals(longs.get(), copies.sumLong(pointer));
            assertEquals(ints.get(), copies.sumInt(pointer + 16));
            assertEquals(swaps.get(), copies.sumLong(pointer + 8));
            assertEquals(0, copies.sumInt(pointer + 20));
        }

        boolean covered() {
            return folded.get() > 0 && exchanged.get() > 0 && world.longs(pointer + 8).stream().allMatch(value -> value > 0);
        }
    }

    private static void run(final CopyWorld.Kind kind, final boolean virtual) throws Exception {
        final Sums sums = new Sums(open(kind));
        final StressClock clock = new StressClock(500, sums::covered);
        inThreads(virtual, virtual ? VIRTUAL_THREADS : THREADS, thread -> {
            final SplittableRandom random = new SplittableRandom(thread);
            do {
                sums.work(random);
            } while (clock.running());
        });
        clock.assertCovered(() -> "folded=" + sums.folded + " exchanged=" + sums.exchanged + " swaps=" + sums.world.longs(sums.pointer + 8));
        sums.check();
        sums.world.cpus.verifyQuiet();
    }

    @ParameterizedTest
    @EnumSource
    void nothingIsLost(final CopyWorld.Kind kind) throws Exception {
        run(kind, false);
    }

    @ParameterizedTest
    @EnumSource
    void nothingIsLostByVirtualThreads(final CopyWorld.Kind kind) throws Exception {
        assumeTrue(Runtime.version().feature() >= 21, "this JDK has no virtual threads");
        run(kind, true);
    }

    /** Whatever is emptied into the shared word while others add. */
    @ParameterizedTest
    @EnumSource
    void counterWithABatch(final CopyWorld.Kind kind) throws Exception {
        final CopyWorld world = open(kind);
        final AtomicLong expected = new AtomicLong();
        final AtomicLong taken = new AtomicLong();
        final AtomicLong takes = new AtomicLong();
        try (PerCpuBatchCounter counter = new PerCpuBatchCounter(world, BATCH)) {
            // The estimate comes and goes: once seen is enough.
            final AtomicBoolean estimated = new AtomicBoolean();
            final StressClock clock = new StressClock(500, () -> {
                estimated.compareAndSet(false, counter.estimate() != 0);
                return takes.get() > 10 && estimated.get();
            });
            SmallMemory.inThreads(THREADS, thread -> {
                final SplittableRandom random = new SplittableRandom(thread);
                do {
                    long added = 0;
                    for (int i = 0; i < 500; i++) {
                        final long delta = random.nextLong(-20, 25);
                        added += delta;
                        counter.add(i % 3 == 0 ? world.cpu(random.nextInt(CopyWorld.SLOTS)) : null, delta);
                    }
                    expected.addAndGet(added);
                    if (random.nextInt(100) == 0) {
                        taken.addAndGet(counter.sumThenReset());
                        takes.incrementAndGet();
                    }
                } while (clock.running());
            });
            clock.assertCovered(() -> "takes=" + takes + " estimated=" + estimated);
            assertEquals(expected.get(), taken.get() + counter.sum());
            final long off = Math.abs(counter.sum() - counter.estimate());
            assertTrue(off < BATCH * CopyWorld.SLOTS, "off=" + off);
        }
    }

    /** What was recorded is drained once. */
    @ParameterizedTest
    @EnumSource
    void histogramThatIsDrainedMeanwhile(final CopyWorld.Kind kind) throws Exception {
        final CopyWorld world = open(kind);
        final AtomicLong recorded = new AtomicLong();
        final AtomicLong drained = new AtomicLong();
        try (PerCpuHistogram histogram = new PerCpuHistogram(world, 100_000, 3, CopyWorld.FIRST_BYTES - 64)) {
            final StressClock clock = new StressClock(300, () -> drained.get() > 0);
            SmallMemory.inThreads(THREADS, thread -> {
                final SplittableRandom random = new SplittableRandom(thread);
                do {
                    for (int i = 0; i < 500; i++) {
                        histogram.record(random.nextInt(100_000));
                    }
                    recorded.addAndGet(500);
                    if (random.nextInt(20) == 0) {
                        histogram.drain((value, count) -> drained.addAndGet(count));
                    }
                } while (clock.running());
            });
            clock.assertCovered(() -> "nothing was drained");
            assertEquals(recorded.get(), drained.get() + histogram.count());
        }
    }
}
