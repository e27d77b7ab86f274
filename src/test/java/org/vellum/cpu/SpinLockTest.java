package org.vellum.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

final class SpinLockTest {
    private final Cpus cpus = new Cpus(new CpuOptions(4, 8, 8, SlotLayout.ID_LIMIT, 1, 1_000_000_000L));
    private final SpinLock lock = new SpinLock(cpus);
    private long counter;

    @Test
    void oneHolderAtATime() throws Exception {
        TestThreads.inThreads(false, 8, () -> {
            for (int i = 0; i < 20_000; i++) {
                switch (i & 3) {
                    case 0 -> lock.lock();
                    case 1 -> assertTrue(lock.acquire());
                    default -> {
                        while (!lock.tryLock()) {
                            Thread.yield();
                        }
                    }
                }
                final long before = counter;
                if ((i & 255) == 0) {
                    Thread.yield();
                }
                counter = before + 1;
                lock.unlock();
            }
        });
        assertEquals(8 * 20_000, counter);
        assertTrue(SpinLock.noneHeld());
    }

    @Test
    void insideASectionNobodyBlocks() throws Exception {
        final CountDownLatch held = new CountDownLatch(1);
        final CountDownLatch release = new CountDownLatch(1);
        final Thread holder = TestThreads.start(false, () -> {
            lock.lock();
            held.countDown();
            try {
                release.await();
            } catch (final InterruptedException e) {
                throw new AssertionError(e);
            }
            lock.unlock();
        });
        held.await();
        final Cpu cpu = cpus.enter();
        assertFalse(lock.tryLock());
        assertFalse(lock.acquire(), "bounded inside a section");
        assertThrows(AssertionError.class, lock::lock);
        cpu.exit();
        assertTrue(SpinLock.noneHeld());
        release.countDown();
        lock.lock();
        assertFalse(SpinLock.noneHeld());
        lock.unlock();
        holder.join();
        assertTrue(SpinLock.noneHeld());
    }

    @Test
    void unlockingAFreeLockIsAnError() {
        assertThrows(AssertionError.class, lock::unlock);
        assertTrue(SpinLock.noneHeld());
    }
}
