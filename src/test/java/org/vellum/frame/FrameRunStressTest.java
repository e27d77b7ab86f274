package org.vellum.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.frame.PhysicalMemory.NO_FRAME;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;
import org.vellum.FuzzSteps;
import org.vellum.StressClock;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;

/** Real threads: runs wander, are resized and freed by strangers, and at the end every frame is where it belongs. */
class FrameRunStressTest {
    private static final long BANK = 4 * FrameOptions.MIN_BANK_BYTES;
    private static final int BANK_FRAMES = 64;
    private static final int BANKS = 16;
    private static final int THREADS = 6;
    private static final int MARK = 3;

    private final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(4));
    private final FrameAllocator frames = new FrameAllocator(cpus, new FrameOptions(BANKS * BANK, BANK));
    private final FrameTable table = frames.table();
    private final AtomicReferenceArray<Run> mailboxes = new AtomicReferenceArray<>(128);
    private final AtomicInteger workers = new AtomicInteger(THREADS);
    private final AtomicLong names = new AtomicLong();
    private final AtomicLong growths = new AtomicLong();
    private final AtomicLong shrinks = new AtomicLong();
    private final AtomicLong trims = new AtomicLong();

    /** Every frame of a run bears its name as long as it is owned. */
    private record Run(long frame, long frames, int mark, long name) {
    }

    private static void runAll(final List<Callable<Void>> tasks) throws InterruptedException, ExecutionException {
        final ExecutorService pool = Executors.newFixedThreadPool(tasks.size());
        try {
            ExecutionException broken = null;
            for (final Future<Void> task : pool.invokeAll(tasks, 300, TimeUnit.SECONDS)) {
                try {
                    task.get();
                } catch (final ExecutionException e) {
                    if (!(e.getCause() instanceof BrokenBarrierException)) {
                        throw e;
                    }
                    broken = e;
                }
            }
            if (broken != null) {
                throw broken;
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

    @Test
    void shouldConserveRunsThatWander() throws Exception {
        final StressClock clock = new StressClock(2_000,
            () -> missing().isEmpty() && growths.get() > 0 && shrinks.get() > 0 && trims.get() > 0);
        final List<Callable<Void>> tasks = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            final int id = i;
            tasks.add(() -> {
                try {
                    wander(id, clock);
                } finally {
                    workers.decrementAndGet();
                }
                return null;
            });
        }
        tasks.add(this::trim);
        tasks.add(this::hog);
        runAll(tasks);
        for (int i = 0; i < mailboxes.length(); i++) {
            try (Cpu cpu = cpus.enter()) {
                release(cpu, mailboxes.get(i));
            }
        }
        assertNothingLost();
        clock.assertCovered(() -> "never happened: " + missing() + " growths=" + growths + " shrinks=" + shrinks + " trims=" + trims);
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

    private void wander(final int id, final StressClock clock) {
        final SplittableRandom random = new SplittableRandom(id);
        while (clock.running()) {
            // Tides, so that banks fall empty.
            final boolean rising = (System.nanoTime() >>> 26 & 1) == 0;
            for (int i = 0; i < 64; i++) {
                try (Cpu cpu = cpus.enter()) {
                    final Run run = rising || random.nextInt(4) == 0 ? acquire(cpu, random) : null;
                    release(cpu, mailboxes.getAndSet(random.nextInt(mailboxes.length()), run));
                    resize(cpu, random);
                }
            }
        }
    }

    private Run acquire(final Cpu cpu, final SplittableRandom random) {
        final long wanted = 1 + random.nextInt(BANK_FRAMES >>> random.nextInt(6));
        final int mark = 1 + random.nextInt(4);
        final long frame = frames.allocateRun(cpu, wanted, mark);
        if (frame == NO_FRAME) {
            return null;
        }
        if (Long.bitCount(wanted) > 1) {
            trims.incrementAndGet();
        }
        final Run run = new Run(frame, wanted, mark, names.incrementAndGet());
        write(frame, frame + wanted, 0, run.name);
        return run;
    }

    private void write(final long from, final long end, final long before, final long after) {
        for (long frame = from; frame < end; frame++) {
            final long address = frames.memory().nativeAddress(frame);
            if (before != 0) {
                assertEquals(before, UnsafeApi.getLong(address), "two owners of frame=" + frame);
            }
            UnsafeApi.putLong(address, after);
        }
    }

    private void release(final Cpu cpu, final Run run) {
        if (run != null) {
            assertEquals(run.frames, table.runFrames(run.frame));
            assertEquals(run.mark, table.mark(run.frame));
            write(run.frame, run.frame + run.frames, run.name, -1);
            frames.freeRun(cpu, run.frame, run.mark);
        }
    }

    /** Who took a run out of a mailbox owns it. */
    private void resize(final Cpu cpu, final SplittableRandom random) {
        final int at = random.nextInt(mailboxes.length());
        final Run run = mailboxes.getAndSet(at, null);
        if (run == null) {
            return;
        }
        Run resized = run;
        if (random.nextBoolean()) {
            final long newFrames = run.frames + 1 + random.nextInt(6);
            if (frames.growRun(cpu, run.frame, newFrames)) {
                write(run.frame + run.frames, run.frame + newFrames, 0, run.name);
                resized = new Run(run.frame, newFrames, run.mark, run.name);
                growths.incrementAndGet();
            }
        } else {
            final long newFrames = 1 + random.nextInt((int)run.frames);
            write(run.frame + newFrames, run.frame + run.frames, run.name, -1);
            frames.shrinkRun(cpu, run.frame, newFrames);
            resized = new Run(run.frame, newFrames, run.mark, run.name);
            shrinks.incrementAndGet();
        }
        release(cpu, mailboxes.getAndSet(at, resized));
    }

    /** No grace period is owed here: nobody looks at frames that are not theirs. */
    private Void trim() {
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
    private Void hog() {
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

    private interface Attempt {
        void run(Cpu cpu, long frame);
    }

    /** Whether it succeeded: who comes too late is told, because the run is free, and maybe joined with its buddies already. */
    private static boolean attempt(final Attempt attempt, final Cpu cpu, final long frame) {
        try {
            attempt.run(cpu, frame);
            return true;
        } catch (final IllegalStateException | IllegalArgumentException e) {
            return false;
        }
    }

    /** One of each length, several a round so that two threads meet on them. */
    private static final int BATCH = 24;
    private static final int ROUNDS = 1_000;

    /** Who has succeeded with each: one's bit is 1, the other's 2. */
    private final AtomicIntegerArray wins = new AtomicIntegerArray(BATCH);
    private final AtomicInteger arrivals = new AtomicInteger();
    private final long[] batch = new long[BATCH];
    private final int[] outcomes = new int[4];
    /** Whether there is another round: decided while both threads wait for it. */
    private boolean racing;

    /**
     * Two threads race on each of many runs, until each has been first; {@link #outcomes} counts how often neither, one, the
     * other, both succeeded.
     */
    private void race(final Attempt one, final Attempt two) throws Exception {
        final FuzzSteps rounds = new FuzzSteps(ROUNDS, () -> outcomes[1] > 0 && outcomes[2] + outcomes[3] > 0);
        final CyclicBarrier barrier = new CyclicBarrier(2, () -> {
            settle();
            racing = rounds.next();
            if (racing) {
                deal();
            }
        });
        final List<Callable<Void>> tasks = new ArrayList<>();
        for (int bit = 1; bit <= 2; bit++) {
            final int id = bit;
            tasks.add(() -> race(barrier, id == 1 ? one : two, id));
        }
        runAll(tasks);
        assertNothingLost();
        assertEquals(rounds.made() * BATCH, outcomes[0] + outcomes[1] + outcomes[2] + outcomes[3]);
    }

    private Void race(final CyclicBarrier barrier, final Attempt attempt, final int id) throws Exception {
        for (int round = 0;; round++) {
            barrier.await(60, TimeUnit.SECONDS);
            if (!racing) {
                return null;
            }
            for (int i = 0; i < BATCH; i++) {
                meet(round, i);
                try (Cpu cpu = cpus.enter()) {
                    if (attempt(attempt, cpu, batch[i])) {
                        wins.addAndGet(i, id);
                    }
                }
            }
        }
    }

    /**
     * Both threads leave together, outside sections: side by side over a batch they would nearly always be some runs apart.
     * An interrupt is how the other's failure ends this.
     */
    private void meet(final int round, final int index) throws InterruptedException {
        final int both = 2 * (round * BATCH + index + 1);
        arrivals.incrementAndGet();
        for (int i = 1; arrivals.get() < both; i++) {
            if (i % 256 != 0) {
                Thread.onSpinWait();
            } else if (Thread.interrupted()) {
                throw new InterruptedException();
            } else {
                Thread.yield();
            }
        }
    }

    /** Counts who won and frees what nobody has freed. */
    private void settle() {
        try (Cpu cpu = cpus.enter()) {
            for (int i = 0; i < BATCH; i++) {
                if (batch[i] != 0) {
                    outcomes[wins.getAndSet(i, 0)]++;
                    final int mark = table.mark(batch[i]);
                    // Else it is free, or the run before it has grown over where it was.
                    if (mark > 0 && mark <= FrameTable.MAX_MARK) {
                        frames.freeRun(cpu, batch[i], mark);
                    }
                }
            }
        }
        assertEquals(0, frames.allocatedFrames(), "a run was not freed whole");
    }

    private void deal() {
        // Single frames in lists of slots that nobody occupies may keep the longest runs from being joined.
        frames.drainIdle();
        try (Cpu cpu = cpus.enter()) {
            for (int i = 0; i < BATCH; i++) {
                batch[i] = frames.allocateRun(cpu, 1 + i, MARK);
                assertNotEquals(NO_FRAME, batch[i]);
            }
        }
    }

    private void free(final Cpu cpu, final long frame) {
        frames.freeRun(cpu, frame, MARK);
    }

    @Test
    void shouldLetExactlyOneOfTwoFreesWin() throws Exception {
        race(this::free, this::free);
        assertEquals(0, outcomes[0], "no free won");
        assertEquals(0, outcomes[3], "both frees won");
        assertTrue(outcomes[1] > 0 && outcomes[2] > 0, "one thread was always first");
    }

    @Test
    void shouldLetExactlyOneOfAFreeAndANewMarkWin() throws Exception {
        race(this::free, (cpu, frame) -> {
            if (!table.changeMark(frame, MARK, MARK + 1)) {
                throw new IllegalStateException();
            }
        });
        assertEquals(0, outcomes[0], "neither won");
        assertEquals(0, outcomes[3], "freed by a mark that it no longer had");
        assertTrue(outcomes[1] > 0 && outcomes[2] > 0, "one thread was always first");
    }

    /** The misuse that a resize by one thread and a free by another is must not tear the run. */
    @Test
    void shouldNotFreeARunInTheMiddleOfAResize() throws Exception {
        race(this::free, (cpu, frame) -> {
            frames.shrinkRun(cpu, frame, Math.max(1, table.runFrames(frame) / 2));
            frames.growRun(cpu, frame, table.runFrames(frame) + 1);
        });
        assertEquals(0, outcomes[0], "neither won");
        assertTrue(outcomes[1] > 0 && outcomes[2] + outcomes[3] > 0, "one thread was always first");
    }
}
