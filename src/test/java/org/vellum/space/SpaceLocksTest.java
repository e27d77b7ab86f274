package org.vellum.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.space.Region.READ;
import static org.vellum.space.Region.WRITE;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.vellum.SmallMemory;
import org.vellum.cpu.Cpu;
import org.vellum.gather.GatherMode;
import org.vellum.lock.AllLocks;
import org.vellum.lock.LockOrder;
import org.vellum.lock.LockRank;
import org.vellum.lock.SleepingLock;
import org.vellum.mmu.SpaceEntry;

/** G14: all locks of a space of 1,000 of them, a third of them files'. */
@Timeout(120)
final class SpaceLocksTest {
    private static final int LOCKS = 1000;

    private final PinWorld world = new PinWorld(64, 2048);
    private final AllLocks all = new AllLocks(world.cpus);
    private final SleepingLock space = new SleepingLock(world.cpus, LockRank.SPACE, "s");
    private final RegionIndex index = new RegionIndex(space, 10 * LOCKS);
    private final AnonVmas vmas = new AnonVmas(world.cpus, space, index);
    /** In the order in which they are to be taken. */
    private final List<SleepingLock> locks = new ArrayList<>();

    SpaceLocksTest() {
        final List<SleepingLock> anon = new ArrayList<>();
        space.lockExclusive();
        for (int i = 0; i < LOCKS; i++) {
            // From the last to the first: the order of the regions is not that of the locks.
            final long page = 5L * (LOCKS - i);
            if (i % 3 == 0) {
                final SleepingLock mapping = new SleepingLock(world.cpus, LockRank.FILE_MAPPING, "file " + i);
                locks.add(mapping);
                index.insert(new Region(page, page + 1, READ, new NamedBacking("file", mapping), 0));
            } else {
                anon.add(vmas.prepare(index.insert(new Region(page, page + 4, READ | WRITE, null, page)), true).lock());
            }
        }
        // Twice the same file, two parts of a family, a file without a lock, and a region that nobody has touched.
        index.insert(new Region(9000, 9001, READ, index.find(5L * LOCKS).backing(), 7));
        index.changeFlags(5L * (LOCKS - 1) + 1, 5L * (LOCKS - 1) + 2, WRITE, 0, piece -> { });
        index.insert(new Region(9100, 9101, READ, new NamedBacking("none"), 0));
        index.insert(new Region(9200, 9201, READ, null, 0));
        space.unlockExclusive();
        locks.addAll(anon);
    }

    @AfterEach
    void nothingIsHeld() {
        requireNothingHeld();
        assertTrue(LockOrder.noneHeld());
        world.requireNothingLeft();
    }

    private void requireNothingHeld() {
        assertFalse(space.isHeld());
        locks.forEach(lock -> assertFalse(lock.isHeld()));
    }

    private SpaceLocks takeAll() throws InterruptedException {
        return SpaceLocks.takeAll(space, all, index);
    }

    @Test
    void eachIsTakenOnceAndGivenBack() throws Exception {
        final SpaceLocks held = takeAll();
        assertEquals(LOCKS, held.count());
        assertTrue(space.isMine());
        locks.forEach(lock -> assertTrue(lock.isMine()));
        held.close();
        requireNothingHeld();
        held.close();
        takeAll().close();
    }

    @Test
    void insideASectionOrWithTheSpaceLockItIsRefused() {
        final Cpu cpu = world.cpus.enter();
        assertThrows(IllegalStateException.class, this::takeAll);
        cpu.exit();
        space.lockExclusive();
        try {
            assertThrows(IllegalStateException.class, this::takeAll);
        } finally {
            space.unlockExclusive();
        }
    }

    /** The space lock, and each of the 1,000 in its order. What comes before is held at that step, what comes behind is not. */
    @Test
    void anInterruptAtAnyStepUndoesAllOfIt() throws Exception {
        for (int step = -1; step < LOCKS; step++) {
            final SleepingLock busy = step < 0 ? space : locks.get(step);
            busy.lockShared();
            final FutureTask<Void> taker = new FutureTask<>(() -> {
                assertThrows(InterruptedException.class, this::takeAll);
                assertTrue(LockOrder.noneHeld());
                return null;
            });
            final Thread thread = new Thread(taker, "taker");
            thread.start();
            while (thread.getState() != Thread.State.WAITING) {
                assertTrue(thread.isAlive(), "did not wait");
                Thread.onSpinWait();
            }
            requireHeldBelow(step);
            thread.interrupt();
            SmallMemory.join(taker);
            busy.unlockShared();
            requireNothingHeld();
        }
        Thread.currentThread().interrupt();
        assertThrows(InterruptedException.class, this::takeAll);
        requireNothingHeld();
    }

    private void requireHeldBelow(final int step) {
        for (int i = 0; i < LOCKS; i++) {
            assertEquals(i <= step, locks.get(i).isHeld(), "lock " + i + " at step " + step);
        }
    }

    /** While all are held, another space's first faults, and the later ones of this one, go on. */
    @Test
    void faultsGoOnMeanwhile() throws Exception {
        final SleepingLock otherSpace = new SleepingLock(world.cpus, LockRank.SPACE, "other");
        final RegionIndex otherIndex = new RegionIndex(otherSpace, 2048);
        final AnonVmas otherVmas = new AnonVmas(world.cpus, otherSpace, otherIndex);
        world.writable.set(0, 2048);
        try (SpaceLocks held = takeAll()) {
            assertEquals(LOCKS, held.count());
            final long faulted = SmallMemory.inThread(() -> {
                otherSpace.lockExclusive();
                otherIndex.insert(new Region(0, 100, READ | WRITE, null, 0));
                otherSpace.unlockExclusive();
                for (long page = 0; page < 20; page++) {
                    assertTrue(otherVmas.prepare(otherIndex.find(page), true) != null);
                    world.fault(page, true);
                    assertTrue(SpaceEntry.isPresent(world.table.get(page)));
                }
                // This space's, but not the first of its region.
                assertTrue(vmas.prepare(index.find(5L * (LOCKS - 1)), true) != null);
                world.unmap(GatherMode.WAIT, 0, 10);
                return world.faulted;
            });
            assertEquals(20, faulted);
            locks.forEach(lock -> assertTrue(lock.isMine()));
        }
    }

    /** Two spaces that share files: one thread at a time takes all, so they do not wait for each other. */
    @Test
    void anotherThatTakesAllWaitsForTheFirst() throws Exception {
        final SleepingLock otherSpace = new SleepingLock(world.cpus, LockRank.SPACE, "other");
        final RegionIndex otherIndex = new RegionIndex(otherSpace, 2048);
        otherSpace.lockExclusive();
        otherIndex.insert(new Region(1, 2, READ, new NamedBacking("shared", locks.get(0)), 0));
        otherSpace.unlockExclusive();
        final SpaceLocks held = takeAll();
        final FutureTask<Integer> other = new FutureTask<>(() -> {
            try (SpaceLocks taken = SpaceLocks.takeAll(otherSpace, all, otherIndex)) {
                return taken.count();
            }
        });
        final Thread thread = new Thread(other, "other");
        thread.start();
        while (thread.getState() != Thread.State.WAITING) {
            assertTrue(thread.isAlive(), "did not wait");
            Thread.onSpinWait();
        }
        held.close();
        assertEquals(1, SmallMemory.join(other));
    }
}
