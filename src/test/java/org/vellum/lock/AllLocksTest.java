package org.vellum.lock;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.vellum.SmallMemory;
import org.vellum.StressClock;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.lock.LockThreads.Other;

@Timeout(60)
final class AllLocksTest {
    private final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(4));
    private final AllLocks all = new AllLocks(cpus);
    private final SleepingLock space = new SleepingLock(cpus, LockRank.SPACE, "s");
    private final List<SleepingLock> locks = new ArrayList<>();

    AllLocksTest() {
        for (int i = 0; i < 1000; i++) {
            locks.add(new SleepingLock(cpus, i % 3 == 0 ? LockRank.FILE_MAPPING : LockRank.ANON, "lock " + i));
        }
    }

    @AfterEach
    void nothingIsHeld() {
        assertTrue(LockOrder.noneHeld());
        locks.forEach(lock -> assertFalse(lock.isHeld()));
    }

    /** G14: each once, though many regions have the same. */
    @Test
    void eachIsTakenOnce() throws Exception {
        final List<SleepingLock> named = new ArrayList<>(locks);
        named.addAll(locks.subList(100, 400));
        Collections.shuffle(named, new Random(1));
        space.lockExclusive();
        final AllLocks.Held held = all.take(named);
        assertEquals(1000, held.count());
        locks.forEach(lock -> assertTrue(lock.isMine()));
        held.close();
        held.close();
        space.unlockExclusive();
        all.take(List.of()).close();
    }

    /** G14: interrupted in the middle, everything is undone. */
    @Test
    void anInterruptUndoesAllOfIt() throws Exception {
        final SleepingLock inTheMiddle = locks.get(500);
        inTheMiddle.lockShared();
        final Other<Void> taker = new Other<Void>(() -> {
            assertThrows(InterruptedException.class, () -> all.take(locks));
            assertTrue(LockOrder.noneHeld());
            return null;
        }).awaitParked();
        assertTrue(locks.get(0).isHeld());
        taker.thread.interrupt();
        taker.join();
        inTheMiddle.unlockShared();
        locks.forEach(lock -> assertFalse(lock.isHeld()));
        Thread.currentThread().interrupt();
        assertThrows(InterruptedException.class, () -> all.take(locks));
        all.take(locks).close();
    }

    @Test
    void whoeverHasOneIsWaitedFor() throws Exception {
        final SleepingLock last = locks.get(999);
        last.lockExclusive();
        final Other<Integer> taker = new Other<Integer>(() -> {
            try (AllLocks.Held held = all.take(locks)) {
                return held.count();
            }
        }).awaitParked();
        final Other<Integer> second = new Other<Integer>(() -> {
            try (AllLocks.Held held = all.take(locks.subList(0, 10))) {
                return held.count();
            }
        }).awaitParked();
        last.unlockExclusive();
        assertEquals(1000, taker.join());
        assertEquals(10, second.join());
    }

    @Test
    void badInputIsRefusedAndNothingIsTaken() {
        assertThrows(IllegalArgumentException.class, () -> all.take(List.of(locks.get(1), space)));
        final Cpu cpu = cpus.enter();
        assertThrows(IllegalStateException.class, () -> all.take(locks));
        cpu.exit();
    }

    /** Two that take all, in whatever order they name them, and others that take one or two. */
    @Test
    @Tag("stress")
    void nobodyWaitsForEver() throws Exception {
        final List<SleepingLock> few = locks.subList(0, 12);
        final AtomicLong taken = new AtomicLong();
        final AtomicLong single = new AtomicLong();
        final StressClock clock = new StressClock(300, () -> taken.get() > 100 && single.get() > 100);
        SmallMemory.inThreads(5, thread -> {
            final Random random = new Random(thread);
            final List<SleepingLock> mine = new ArrayList<>(few);
            try {
                while (clock.running()) {
                    if (thread < 2) {
                        Collections.shuffle(mine, random);
                        try (AllLocks.Held held = all.take(mine)) {
                            taken.addAndGet(held.count() / 12);
                        }
                    } else {
                        final int at = random.nextInt(12);
                        few.get(at).lockShared();
                        few.get(at).unlockShared();
                        single.incrementAndGet();
                    }
                }
            } finally {
                clock.stop();
            }
        });
        clock.assertCovered(() -> "taken=" + taken + " single=" + single);
    }
}
