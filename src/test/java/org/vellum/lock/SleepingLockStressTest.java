package org.vellum.lock;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.StressClock;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;

/** One lock, all ways of taking it, and of giving up. */
@Tag("stress")
final class SleepingLockStressTest {
    private final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(4));
    private final SleepingLock lock = new SleepingLock(cpus, LockRank.SPACE, "s");
    private final AtomicInteger sharers = new AtomicInteger();
    private final AtomicInteger writers = new AtomicInteger();
    private final AtomicLong together = new AtomicLong();
    private final AtomicLong downgrades = new AtomicLong();
    private final AtomicLong refusals = new AtomicLong();
    private final AtomicLong interrupts = new AtomicLong();
    private final AtomicLong written = new AtomicLong();
    /** Plain: the lock alone protects them. */
    private long first;
    private long second;

    private void read() {
        assertEquals(0, writers.get());
        if (sharers.incrementAndGet() > 1) {
            together.incrementAndGet();
        }
        final long seen = second;
        if ((seen & 63) == 0) {
            // Parked or unmounted while holding it.
            Thread.yield();
        }
        assertEquals(seen, first);
        sharers.decrementAndGet();
    }

    private void write() {
        assertEquals(1, writers.incrementAndGet());
        assertEquals(0, sharers.get());
        first++;
        if ((first & 63) == 0) {
            Thread.yield();
        }
        second++;
        written.incrementAndGet();
        writers.decrementAndGet();
    }

    private void step(final int dice) throws InterruptedException {
        if (dice < 40) {
            lock.lockShared();
            read();
            lock.unlockShared();
        } else if (dice < 55) {
            lock.lockExclusive();
            write();
            lock.unlockExclusive();
        } else if (dice < 65) {
            lock.lockExclusive();
            write();
            final long mine = first;
            lock.downgrade();
            assertEquals(mine, first);
            read();
            assertEquals(mine, first);
            lock.unlockShared();
            downgrades.incrementAndGet();
        } else if (dice < 85) {
            tryInSection(dice < 75);
        } else {
            interrupted(dice < 93);
        }
    }

    private void tryInSection(final boolean shared) {
        final Cpu cpu = cpus.enter();
        try {
            if (shared ? lock.tryLockShared() : lock.tryLockExclusive()) {
                if (shared) {
                    read();
                    lock.unlockShared();
                } else {
                    write();
                    lock.unlockExclusive();
                }
            } else {
                refusals.incrementAndGet();
            }
        } finally {
            cpu.exit();
        }
    }

    private void interrupted(final boolean shared) {
        Thread.currentThread().interrupt();
        try {
            if (shared) {
                lock.lockSharedInterruptibly();
                lock.unlockShared();
            } else {
                lock.lockExclusiveInterruptibly();
                lock.unlockExclusive();
            }
        } catch (final InterruptedException e) {
            interrupts.incrementAndGet();
        }
        Thread.interrupted();
    }

    private StressClock clock() {
        return new StressClock(500, () -> together.get() > 0 && downgrades.get() > 100 && refusals.get() > 0 && interrupts.get() > 0);
    }

    private void work(final StressClock clock) {
        try {
            while (clock.running()) {
                step(ThreadLocalRandom.current().nextInt(100));
            }
            assertTrue(LockOrder.noneHeld());
        } catch (final InterruptedException e) {
            throw new AssertionError(e);
        } finally {
            clock.stop();
        }
    }

    private void atTheEnd(final StressClock clock) {
        clock.assertCovered(() -> "together=" + together + " downgrades=" + downgrades + " refusals=" + refusals
            + " interrupts=" + interrupts);
        assertEquals(written.get(), first);
        assertEquals(first, second);
        assertTrue(lock.tryLockExclusive());
        lock.unlockExclusive();
        cpus.verifyQuiet();
    }

    @Test
    void oneWritesOrManyRead() throws Exception {
        final StressClock clock = clock();
        SmallMemory.inThreads(6, thread -> work(clock));
        atTheEnd(clock);
    }

    /** Many more than there are carriers, each unmounted now and then while it has the lock: a monitor would come to a stand. */
    @Test
    void virtualThreadsUnmountWhileTheyHaveIt() throws Exception {
        final Method start = LockThreads.startVirtual();
        assumeTrue(start != null, "this JDK has no virtual threads");
        final StressClock clock = clock();
        final List<FutureTask<Void>> tasks = new ArrayList<>();
        for (int i = 0; i < 64; i++) {
            final FutureTask<Void> task = new FutureTask<>(() -> {
                work(clock);
                return null;
            });
            tasks.add(task);
            start.invoke(null, task);
        }
        for (final FutureTask<Void> task : tasks) {
            SmallMemory.join(task);
        }
        atTheEnd(clock);
    }
}
