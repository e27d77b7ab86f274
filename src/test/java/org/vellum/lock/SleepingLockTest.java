package org.vellum.lock;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.vellum.SmallMemory;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.lock.LockThreads.Other;

@Timeout(60)
final class SleepingLockTest {
    private final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(4));
    private final SleepingLock lock = new SleepingLock(cpus, LockRank.SPACE, "s");

    @AfterEach
    void nothingIsHeld() {
        assertTrue(LockOrder.noneHeld());
        assertFalse(lock.isHeld());
    }

    @Test
    void manyShareAndOneExcludes() throws Exception {
        lock.lockShared();
        SmallMemory.inThread(() -> {
            lock.lockShared();
            assertTrue(lock.tryLockShared());
            assertFalse(lock.tryLockExclusive());
            lock.unlockShared();
            lock.unlockShared();
            return null;
        });
        lock.unlockShared();
        lock.lockExclusive();
        assertTrue(lock.isMine());
        SmallMemory.inThread(() -> {
            assertFalse(lock.isMine());
            assertFalse(lock.tryLockShared());
            assertFalse(lock.tryLockExclusive());
            return null;
        });
        lock.unlockExclusive();
    }

    @Test
    void whoeverWaitsGetsItInTheEnd() throws Exception {
        lock.lockExclusive();
        final Other<Void> reader = new Other<Void>(() -> {
            lock.lockShared();
            lock.unlockShared();
            return null;
        }).awaitParked();
        final Other<Void> writer = new Other<Void>(() -> {
            lock.lockExclusive();
            lock.unlockExclusive();
            return null;
        }).awaitParked();
        lock.unlockExclusive();
        reader.join();
        writer.join();
    }

    @Test
    void downgradedItIsSharedAndNobodyHadItInBetween() throws Exception {
        lock.lockExclusive();
        final Other<Void> writer = new Other<Void>(() -> {
            lock.lockExclusive();
            lock.unlockExclusive();
            return null;
        }).awaitParked();
        lock.downgrade();
        assertFalse(lock.isMine());
        assertTrue(lock.isHeld());
        assertThrows(IllegalStateException.class, lock::unlockExclusive);
        assertThrows(IllegalStateException.class, lock::downgrade);
        writer.awaitParked();
        lock.unlockShared();
        writer.join();
    }

    @Test
    void readersThatWaitShareWithTheOneWhoDowngrades() throws Exception {
        lock.lockExclusive();
        final Other<Void> reader = new Other<Void>(() -> {
            lock.lockShared();
            lock.unlockShared();
            return null;
        }).awaitParked();
        lock.downgrade();
        reader.join();
        lock.unlockShared();
    }

    @Test
    void anInterruptEndsTheWaitAndLeavesNothingBehind() throws Exception {
        lock.lockExclusive();
        final Other<Void> reader = new Other<Void>(() -> {
            assertThrows(InterruptedException.class, lock::lockSharedInterruptibly);
            assertTrue(LockOrder.noneHeld());
            return null;
        }).awaitParked();
        final Other<Void> writer = new Other<Void>(() -> {
            assertThrows(InterruptedException.class, lock::lockExclusiveInterruptibly);
            assertFalse(lock.isMine());
            return null;
        }).awaitParked();
        reader.thread.interrupt();
        writer.thread.interrupt();
        reader.join();
        writer.join();
        lock.unlockExclusive();
        lock.lockSharedInterruptibly();
        lock.unlockShared();
        lock.lockExclusiveInterruptibly();
        lock.unlockExclusive();
    }

    /** An interrupt of who waits without minding it is not lost. */
    @Test
    void anInterruptIsKeptByWhoWaitsOn() throws Exception {
        lock.lockExclusive();
        final Other<Boolean> reader = new Other<Boolean>(() -> {
            lock.lockShared();
            lock.unlockShared();
            return Thread.interrupted();
        }).awaitParked();
        reader.thread.interrupt();
        lock.unlockExclusive();
        assertTrue(reader.join());
    }

    @Test
    void insideASectionOneTriesAndNeverWaits() {
        final Cpu cpu = cpus.enter();
        try {
            assertThrows(IllegalStateException.class, lock::lockShared);
            assertThrows(IllegalStateException.class, lock::lockExclusive);
            assertThrows(IllegalStateException.class, lock::lockSharedInterruptibly);
            assertThrows(IllegalStateException.class, lock::lockExclusiveInterruptibly);
            assertTrue(lock.tryLockShared());
            lock.unlockShared();
            assertTrue(lock.tryLockExclusive());
            lock.unlockExclusive();
        } finally {
            cpu.exit();
        }
    }

    @Test
    void misuseIsToldAndChangesNothing() throws Exception {
        assertThrows(IllegalStateException.class, lock::unlockShared);
        assertThrows(IllegalStateException.class, lock::unlockExclusive);
        assertThrows(IllegalStateException.class, lock::downgrade);
        lock.lockExclusive();
        assertThrows(IllegalStateException.class, lock::lockExclusive);
        assertThrows(IllegalStateException.class, lock::lockExclusiveInterruptibly);
        assertFalse(lock.tryLockExclusive());
        assertThrows(IllegalStateException.class, lock::unlockShared);
        SmallMemory.inThread(() -> assertThrows(IllegalStateException.class, lock::unlockExclusive));
        assertTrue(lock.isMine());
        lock.unlockExclusive();
    }

    /** Nor does the checker. */
    @Test
    void withoutAContenderItMakesNoGarbage() {
        final ThreadMXBean threads = (ThreadMXBean)ManagementFactory.getThreadMXBean();
        use(20_000);
        final long before = threads.getThreadAllocatedBytes(Thread.currentThread().getId());
        use(20_000);
        final long bytes = threads.getThreadAllocatedBytes(Thread.currentThread().getId()) - before;
        // A node each would be 1,280,000 bytes.
        assertTrue(bytes < 20_000, "bytes=" + bytes);
    }

    private void use(final int times) {
        for (int i = 0; i < times; i++) {
            lock.lockShared();
            lock.unlockShared();
            lock.lockExclusive();
            lock.downgrade();
            lock.unlockShared();
        }
    }

    @Test
    void keysGrow() {
        final SleepingLock later = new SleepingLock(cpus, LockRank.ANON, "later");
        assertTrue(later.key() > lock.key());
        assertEquals(LockRank.ANON, later.rank());
        assertTrue(later.toString().contains("later") && later.toString().contains("ANON"));
    }
}
