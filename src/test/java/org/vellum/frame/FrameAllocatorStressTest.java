package org.vellum.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.vellum.frame.PhysicalMemory.NO_FRAME;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;
import org.vellum.StressClock;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;

/**
 * Real threads: frames wander between them, banks come and go beside, and at the end every frame is where it belongs.
 */
class FrameAllocatorStressTest {
    private static final long BANK = FrameOptions.MIN_BANK_BYTES;
    private static final int BANK_ORDER = 4;
    private static final int BANKS = 64;
    private static final int THREADS = 8;

    private final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(4));
    private final FrameAllocator frames = new FrameAllocator(cpus, new FrameOptions(BANKS * BANK, BANK));

    private static void runAll(final List<Callable<Void>> tasks) throws InterruptedException, ExecutionException {
        final ExecutorService pool = Executors.newFixedThreadPool(tasks.size());
        try {
            for (final Future<Void> task : pool.invokeAll(tasks, 300, TimeUnit.SECONDS)) {
                task.get();
            }
        } finally {
            pool.shutdownNow();
        }
    }

    private void assertNothingLost() {
        cpus.verifyQuiet();
        frames.verify();
        frames.drainIdle();
        frames.verify();
        assertEquals(0, frames.allocatedFrames());
        assertEquals(0, frames.cachedFrames());
        assertEquals(frames.configuredFrames(), frames.freeFrames());
    }

    /** Blocks travel through mailboxes, so most are freed by another thread than allocated them, on another slot. */
    @Test
    void shouldConserveFramesThatWander() throws Exception {
        final StressClock clock = new StressClock(1_500, () -> missing().isEmpty());
        final AtomicLongArray mailboxes = new AtomicLongArray(256);
        final AtomicInteger workers = new AtomicInteger(THREADS);
        final List<Callable<Void>> tasks = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            final int id = i;
            tasks.add(() -> {
                try {
                    wander(id, mailboxes, clock);
                } finally {
                    workers.decrementAndGet();
                }
                return null;
            });
        }
        tasks.add(() -> trim(workers));
        tasks.add(() -> hog(workers));
        runAll(tasks);
        for (int i = 0; i < mailboxes.length(); i++) {
            try (Cpu cpu = cpus.enter()) {
                release(cpu, mailboxes.get(i));
            }
        }
        assertNothingLost();
        clock.assertCovered(() -> "never happened: " + missing());
    }

    private List<FrameEvent> missing() {
        final List<FrameEvent> missing = new ArrayList<>();
        for (final FrameEvent event : FrameEvent.values()) {
            if (event != FrameEvent.BANK_REFUSED && frames.events(event) == 0) {
                missing.add(event);
            }
        }
        return missing;
    }

    private void wander(final int id, final AtomicLongArray mailboxes, final StressClock clock) {
        final SplittableRandom random = new SplittableRandom(id);
        while (clock.running()) {
            // Tides, so that banks fall empty.
            final boolean rising = (System.nanoTime() >>> 26 & 1) == 0;
            for (int i = 0; i < 64; i++) {
                try (Cpu cpu = cpus.enter()) {
                    long packet = 0;
                    if (rising || random.nextInt(4) == 0) {
                        packet = acquire(cpu, Math.min(BANK_ORDER, Long.numberOfTrailingZeros(random.nextLong())));
                    }
                    release(cpu, mailboxes.getAndSet(random.nextInt(mailboxes.length()), packet));
                }
            }
        }
    }

    /** A block as one word: first frame and order. Every frame of it bears that word as long as it is owned. */
    private long acquire(final Cpu cpu, final int order) {
        final long frame = frames.allocate(cpu, order);
        if (frame == NO_FRAME) {
            return 0;
        }
        final long packet = frame << 8 | order;
        for (int i = 0; i < 1 << order; i++) {
            UnsafeApi.putLong(frames.memory().nativeAddress(frame + i), packet);
        }
        return packet;
    }

    private void release(final Cpu cpu, final long packet) {
        if (packet != 0) {
            final int order = (int)(packet & 0xFF);
            for (int i = 0; i < 1 << order; i++) {
                final long address = frames.memory().nativeAddress((packet >>> 8) + i);
                assertEquals(packet, UnsafeApi.getLong(address), "two owners");
                UnsafeApi.putLong(address, 0);
            }
            frames.free(cpu, packet >>> 8, order);
        }
    }

    /** No grace period is owed here: nobody looks at frames that are not theirs. */
    private Void trim(final AtomicInteger workers) {
        final List<Long> detached = new ArrayList<>();
        while (workers.get() > 0) {
            frames.drainIdle();
            // Released a round later, as after a grace period: meanwhile an allocation may take them back.
            detached.forEach(frames::releaseBank);
            detached.clear();
            for (long bank; (bank = frames.detachFreeBank()) >= 0;) {
                detached.add(bank);
            }
            Thread.yield();
        }
        detached.forEach(frames::releaseBank);
        return null;
    }

    /** Holds the buddy now and then for longer than a free is willing to try. */
    private Void hog(final AtomicInteger workers) {
        while (workers.get() > 0) {
            if (frames.buddy().tryLock()) {
                final long end = System.nanoTime() + 300_000;
                while (System.nanoTime() < end) {
                    Thread.onSpinWait();
                }
                frames.buddy().unlock();
            }
            Thread.yield();
        }
        return null;
    }

    private static void awaitBoth(final CyclicBarrier barrier) {
        try {
            barrier.await(60, TimeUnit.SECONDS);
        } catch (final Exception e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void shouldLetExactlyOneOfTwoFreesWin() throws Exception {
        final int[] outcomes = race((cpu, frame) -> {
            try {
                frames.free(cpu, frame, 0);
                return true;
            } catch (final IllegalStateException | IllegalArgumentException e) {
                // Already free; or free, drained and joined with its buddies already.
                return false;
            }
        }, false);
        assertEquals(0, outcomes[0], "no free won");
        assertEquals(0, outcomes[2], "both frees won");
        assertNothingLost();
    }

    @Test
    void shouldLetExactlyOneOfTwoPutsBeTheLast() throws Exception {
        final int[] outcomes = race(frames::put, true);
        assertEquals(0, outcomes[0], "nobody freed");
        assertEquals(0, outcomes[2], "both freed");
        assertNothingLost();
    }

    private interface Race {
        boolean run(Cpu cpu, long frame);
    }

    /**
     * Two threads race on each of many frames, several a round so that they meet; returns how often 0, 1, 2 succeeded.
     */
    private int[] race(final Race race, final boolean referenced) throws Exception {
        final int rounds = 2_000;
        final long[] batch = new long[128];
        final AtomicInteger[] wins = new AtomicInteger[batch.length];
        final int[] outcomes = new int[3];
        final AtomicLongArray shared = new AtomicLongArray(batch.length);
        final CyclicBarrier barrier = new CyclicBarrier(2, () -> {
            for (int i = 0; i < batch.length; i++) {
                if (wins[i] != null) {
                    outcomes[wins[i].get()]++;
                }
                wins[i] = new AtomicInteger();
            }
            try (Cpu cpu = cpus.enter()) {
                assertEquals(batch.length, frames.allocateBulk(cpu, batch, 0, batch.length));
                for (int i = 0; i < batch.length; i++) {
                    if (referenced) {
                        frames.get(batch[i]);
                    }
                    shared.set(i, batch[i]);
                }
            }
        });
        final Callable<Void> racer = () -> {
            for (int round = 0; round < rounds; round++) {
                awaitBoth(barrier);
                try (Cpu cpu = cpus.enter()) {
                    for (int i = 0; i < batch.length; i++) {
                        if (race.run(cpu, shared.get(i))) {
                            wins[i].incrementAndGet();
                        }
                    }
                }
            }
            return null;
        };
        runAll(List.of(racer, racer));
        assertEquals((rounds - 1) * batch.length, outcomes[0] + outcomes[1] + outcomes[2]);
        return outcomes;
    }

    /** While one thread adds a bank the others must not take that for exhaustion. */
    @Test
    void shouldNotTakeAGrowingBankForExhaustion() throws Exception {
        for (int round = 0; round < 20; round++) {
            final FrameAllocator fresh = new FrameAllocator(cpus, new FrameOptions(32L << 20, 1L << 20));
            final AtomicInteger banks = new AtomicInteger();
            final Callable<Void> grower = () -> {
                while (true) {
                    try (Cpu cpu = cpus.enter()) {
                        if (fresh.allocate(cpu, 8) == NO_FRAME) {
                            assertEquals(32, fresh.memory().presentBytes() >>> 20,
                                "given up before all banks were there");
                            return null;
                        }
                        banks.incrementAndGet();
                    }
                }
            };
            runAll(List.of(grower, grower, grower, grower));
            assertEquals(32, banks.get());
            assertEquals(0, fresh.freeFrames());
            fresh.verify();
            for (int bank = 1; bank <= 32; bank++) {
                try (Cpu cpu = cpus.enter()) {
                    fresh.free(cpu, (long)bank << 8, 8);
                }
                fresh.releaseBank(fresh.detachFreeBank());
            }
        }
    }
}
