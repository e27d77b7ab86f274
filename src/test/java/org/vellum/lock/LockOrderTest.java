package org.vellum.lock;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.SpinLock;

final class LockOrderTest {
    private final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(4));
    private final SleepingLock space = lock(LockRank.SPACE);
    private final SleepingLock space2 = lock(LockRank.SPACE);
    private final SleepingLock file = lock(LockRank.FILE_MAPPING);
    private final SleepingLock anon = lock(LockRank.ANON);
    private final SleepingLock anon2 = lock(LockRank.ANON);
    private final SleepingLock all = lock(LockRank.ALL_LOCKS);

    private SleepingLock lock(final LockRank rank) {
        return new SleepingLock(cpus, rank, rank.name());
    }

    @AfterEach
    void nothingIsHeld() {
        assertTrue(LockOrder.noneHeld());
    }

    private static void refused(final SleepingLock held, final SleepingLock wanted) {
        held.lockShared();
        final AssertionError error = assertThrows(AssertionError.class, wanted::lockShared);
        assertTrue(error.getMessage().contains(held.toString()) && error.getMessage().contains(wanted.toString()), error.getMessage());
        assertThrows(AssertionError.class, wanted::lockExclusive);
        assertThrows(AssertionError.class, wanted::lockSharedInterruptibly);
        assertThrows(AssertionError.class, wanted::lockExclusiveInterruptibly);
        // Who only tries never waits.
        if (held != wanted) {
            assertTrue(wanted.tryLockExclusive());
            wanted.unlockExclusive();
        }
        held.unlockShared();
        assertFalse(wanted.isHeld());
    }

    @Test
    void theOrderIsKept() {
        final SleepingLock[] order = {space, all, file, anon};
        for (final SleepingLock lock : order) {
            lock.lockExclusive();
        }
        // Given back in any order.
        for (final SleepingLock lock : order) {
            lock.unlockExclusive();
        }
        for (int i = 0; i < order.length; i++) {
            for (int j = i + 1; j < order.length; j++) {
                refused(order[j], order[i]);
            }
        }
    }

    @Test
    void ofOneRankByKeyOrUnderAllLocks() {
        refused(space2, space);
        refused(anon2, anon);
        refused(space, space);
        space.lockShared();
        space2.lockShared();
        space2.unlockShared();
        space.unlockShared();
        all.lockExclusive();
        anon2.lockExclusive();
        anon.lockExclusive();
        // Even without assertions.
        assertThrows(IllegalStateException.class, anon::lockShared);
        assertThrows(IllegalStateException.class, anon::lockSharedInterruptibly);
        anon.unlockExclusive();
        anon2.unlockExclusive();
        all.unlockExclusive();
    }

    @Test
    void nothingThatSleepsIsTakenUnderAShortLock() {
        final SpinLock table = new PageTableLocks(cpus, 2).of(3);
        table.lock();
        assertThrows(AssertionError.class, anon::lockShared);
        assertTrue(anon.tryLockShared());
        anon.unlockShared();
        table.unlock();
        anon.lockShared();
        table.lock();
        table.unlock();
        anon.unlockShared();
    }

    @Test
    void whatASectionMayTryIsNotHeldAcrossAGracePeriod() {
        assertTrue(LockOrder.mayAwaitGracePeriod());
        space.lockShared();
        assertTrue(LockOrder.mayAwaitGracePeriod());
        space.unlockShared();
        space.lockExclusive();
        assertFalse(LockOrder.mayAwaitGracePeriod());
        space.downgrade();
        assertTrue(LockOrder.mayAwaitGracePeriod());
        space.unlockShared();
        anon.lockExclusive();
        assertTrue(LockOrder.mayAwaitGracePeriod());
        anon.unlockExclusive();
        final SpinLock table = new PageTableLocks(cpus, 1).of(0);
        table.lock();
        assertFalse(LockOrder.mayAwaitGracePeriod());
        table.unlock();
    }

    @Test
    void aThreadThatHasNotTakenItDoesNotGiveItBack() throws Exception {
        anon.lockShared();
        SmallMemory.inThread(() -> assertThrows(AssertionError.class, anon::unlockShared));
        // That unlock has happened all the same: the JDK knows no readers by name. What is left is the record.
        assertFalse(LockOrder.noneHeld());
        assertTrue(LockOrder.givenBack(anon));
    }

    @Test
    void locksOfLeaves() {
        final PageTableLocks locks = new PageTableLocks(cpus, 4);
        assertSame(locks.of(1), locks.of(5));
        assertFalse(locks.of(1) == locks.of(2));
        locks.of(1).lock();
        assertTrue(locks.of(2).tryLock());
        assertFalse(locks.of(5).tryLock());
        locks.of(2).unlock();
        locks.of(1).unlock();
        assertThrows(IllegalArgumentException.class, () -> new PageTableLocks(cpus, 3));
        assertThrows(IllegalArgumentException.class, () -> new PageTableLocks(cpus, 0));
    }
}
