package org.vellum.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.space.SpaceWorld.PAGE;

import java.util.List;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.SpinLock;
import org.vellum.gather.GatherMode;
import org.vellum.lock.LockThreads.Other;
import org.vellum.mmu.SpaceEntry;
import org.vellum.mmu.SpaceTable;
import org.vellum.report.ExhaustedException;
import org.vellum.report.PageFaultException;
import org.vellum.report.WouldWaitException;

/** Faults, protection and advice, each stopped where it matters, step by step. */
class FaultRacesTest {
    private static final int LEAF = SpaceTable.LEAF_PAGES;

    private final SpaceWorld world = new SpaceWorld(256).hashed(hashGroups());
    private final AddressSpace space = world.space(1 << 16);

    @AfterEach
    void closes() {
        world.close();
    }

    private Other<Void> stores(final long address, final long value) {
        return new Other<Void>(() -> {
            space.access().putLong(address, value);
            return null;
        });
    }

    private Other<Void> protects(final long address, final long bytes, final int access) {
        return new Other<Void>(() -> {
            space.protect(address, bytes, access);
            return null;
        });
    }

    private SpinLock lockOf(final long address) {
        return space.descriptor().table.lockOf(address / PAGE);
    }

    @Test
    void twoFirstFaultsInstallOneFrame() throws Exception {
        final long at = space.map(PAGE);
        final Other<Void> first;
        final Other<Void> second;
        lockOf(at).lock();
        try {
            first = stores(at, 1).awaitParked();
            second = stores(at + 8, 2).awaitParked();
        } finally {
            lockOf(at).unlock();
        }
        first.join();
        second.join();
        assertEquals(1, space.access().getLong(at));
        assertEquals(2, space.access().getLong(at + 8));
        // The page, and its table.
        world.requireFramesInUse(2);
    }

    @Test
    void aCloseWaitsForAFaultThatIsAboutToAttachTheFirstTable() throws Exception {
        final AddressSpace closed = world.space(1000);
        final SpinLock lock = closed.descriptor().table.lockOf(closed.map(PAGE) / PAGE);
        final Other<Void> closes;
        lock.lock();
        try {
            closes = new Other<Void>(() -> {
                closed.close();
                return null;
            }).awaitParked();
            assertFalse(closes.task.isDone());
        } finally {
            lock.unlock();
        }
        closes.join();
    }

    @Test
    void insideASectionAFaultGivesUpAfterAWhile() {
        final long at = space.map(PAGE);
        lockOf(at).lock();
        try (Cpu cpu = world.cpus.enter()) {
            assertThrows(WouldWaitException.class, () -> space.access().putLong(at, 1));
            assertThrows(WouldWaitException.class, () -> space.access().getLong(at));
            assertThrows(WouldWaitException.class, () -> space.access().writable(cpu, at));
            assertTrue(world.cpus.isOccupant(cpu), "the section is still the caller's");
        } finally {
            lockOf(at).unlock();
        }
        assertFalse(space.descriptor().table.hasLeafFor(at / PAGE));
        // The zero frame.
        world.requireFramesInUse(1);
        space.access().putLong(at, 1);
    }

    @Test
    void insideASectionNoRegionGrowsWhileTheSpaceIsLocked() throws Exception {
        space.mapFixed(1000 * PAGE, PAGE, MapOptions.DEFAULT.grows());
        space.descriptor().lock.lockExclusive();
        try {
            SmallMemory.inThread(() -> {
                try (Cpu cpu = world.cpus.enter()) {
                    assertTrue(cpu.index() >= 0);
                    assertThrows(WouldWaitException.class, () -> space.access().putLong(999 * PAGE, 1));
                }
                return null;
            });
        } finally {
            space.descriptor().lock.unlockExclusive();
        }
        assertEquals(1000, space.region(1000 * PAGE).startPage());
        space.access().putLong(999 * PAGE, 1);
    }

    @Test
    void twoFaultsThatGrowARegionAreBothServed() throws Exception {
        space.mapFixed(1000 * PAGE, PAGE, MapOptions.DEFAULT.grows());
        final Other<Void> first;
        final Other<Void> second;
        space.descriptor().lock.lockExclusive();
        try {
            first = stores(990 * PAGE, 1).awaitParked();
            second = stores(990 * PAGE + 8, 2).awaitParked();
        } finally {
            space.descriptor().lock.unlockExclusive();
        }
        first.join();
        second.join();
        assertEquals(990, space.region(1000 * PAGE).startPage());
        // One whose look-up came before, and whose look for what grows comes after.
        final Growth late = new Growth(space.descriptor());
        assertTrue(late.grow(990, true), "another was faster: worth looking again");
        assertFalse(late.grow(1001, true));
        world.requireFramesInUse(2);
    }

    @Test
    void protectWaitsForASectionThatHoldsATranslation() throws Exception {
        final long at = space.map(4 * PAGE, MapOptions.DEFAULT.populated());
        final Other<Void> protects;
        final Other<Void> again;
        try (SmallMemory.Reader reader = new SmallMemory.Reader(world.cpus, "reader")) {
            assertTrue(reader.cpu.index() >= 0);
            protects = protects(at, 4 * PAGE, Region.READ).awaitParked();
            while (SpaceEntry.has(space.descriptor().table.get(at / PAGE + 3), SpaceEntry.WRITABLE)) {
                Thread.onSpinWait();
            }
            again = protects(at, 4 * PAGE, Region.READ).awaitParked();
            assertFalse(protects.task.isDone() || again.task.isDone());
        }
        protects.join();
        again.join();
        assertThrows(PageFaultException.class, () -> space.access().putLong(at, 1));
    }

    @Test
    void whoFindsRegionsProtectedWaitsUntilTheirEntriesAre() throws Exception {
        final long at = space.map(4 * PAGE, MapOptions.DEFAULT.populated());
        final Other<Void> first;
        final Other<Void> second;
        lockOf(at).lock();
        try {
            first = protects(at, 4 * PAGE, Region.READ).awaitParked();
            while (space.region(at).has(Region.WRITE)) {
                Thread.onSpinWait();
            }
            // The entry still allows it.
            space.access().putLong(at, 1);
            second = protects(at, 4 * PAGE, Region.READ).awaitParked();
            assertFalse(second.task.isDone());
        } finally {
            lockOf(at).unlock();
        }
        second.join();
        assertThrows(PageFaultException.class, () -> space.access().putLong(at, 2));
        first.join();
    }

    @Test
    void adviceFollowsARegionThatIsJoinedMeanwhile() {
        final HookedBacking backing = new HookedBacking(world);
        // In two leaves, so that there is a moment between them.
        space.mapFixed((LEAF - 5) * PAGE, 10 * PAGE, backing.options());
        for (int page = -5; page < 5; page++) {
            space.access().putLong((LEAF + page) * PAGE, 1);
        }
        backing.inCleared = page -> {
            backing.inCleared = HookedBacking.Hook.NONE;
            mapInAnotherThread((LEAF + 5) * PAGE, MapOptions.DEFAULT.from(backing, 10, 0));
        };
        space.advise((LEAF - 5) * PAGE, 10 * PAGE, Advice.DONTNEED);
        assertEquals(LEAF + 6, space.region(LEAF * PAGE).endPage());
        assertEquals(10, backing.clearedPages.get());
        for (int page = -5; page < 5; page++) {
            assertEquals(0, space.access().getLong((LEAF + page) * PAGE), "page=" + page);
        }
        space.verify();
    }

    private void mapInAnotherThread(final long address, final MapOptions options) {
        try {
            SmallMemory.inThread(() -> {
                space.mapFixed(address, PAGE, options);
                return null;
            });
        } catch (final Exception e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void outOfFramesAtEachStepOfAFault() {
        final long at = space.map(3 * PAGE);
        for (int left = 0; left <= 2; left++) {
            final boolean enough = left == 2;
            final List<Long> taken = world.takeAllBut(left);
            if (enough) {
                space.access().putLong(at, 1);
                space.advise(at, PAGE, Advice.DONTNEED);
                space.unmap(at, PAGE);
            } else {
                // None for the page; or none for the table.
                assertEquals(ExhaustedException.Resource.FRAMES,
                    assertThrows(ExhaustedException.class, () -> space.access().putLong(at, 1)).resource());
                assertThrows(ExhaustedException.class, () -> space.access().getLong(at));
                try (Cpu cpu = world.cpus.enter()) {
                    assertThrows(ExhaustedException.class, () -> space.access().writable(cpu, at));
                }
                assertFalse(space.descriptor().table.hasLeafFor(at / PAGE));
            }
            taken.forEach(world::free);
            space.verify();
        }
        // The zero frame, of one that got it and no table.
        world.requireFramesInUse(1);
        space.access().putLong(at + PAGE, 2);
        assertEquals(2, space.access().getLong(at + PAGE));
        assertEquals(0, space.access().getLong(at + 2 * PAGE));
    }

    @Test
    void outOfFramesForACopy() {
        final HookedBacking backing = new HookedBacking(world, true);
        final long at = space.map(2 * PAGE, backing.options());
        final long anonymous = space.map(2 * PAGE);
        assertEquals(0, space.access().getLong(at));
        assertEquals(0, space.access().getLong(anonymous));
        final List<Long> taken = world.takeAllBut(0);
        assertThrows(ExhaustedException.class, () -> space.access().putLong(at, 1));
        assertThrows(ExhaustedException.class, () -> space.access().putLong(anonymous, 1));
        assertThrows(ExhaustedException.class, () -> space.access().putLong(at + PAGE, 1));
        assertEquals(0, space.access().getLong(at));
        taken.forEach(world::free);
        space.access().putLong(at, 1);
        space.access().putLong(anonymous, 2);
        assertEquals(1, space.access().getLong(at));
        space.verify();
        // Two pages, a table, the zero frame: the one that was copied is free.
        world.requireFramesInUse(4);
    }

    @Test
    void tooManyTablesInLimboAreNoMemoryForNewOnes() throws Exception {
        final long most = world.spaces.stats().mostTablesInLimbo();
        final long leaves = most + 2;
        final long at = LEAF * PAGE;
        space.mapFixed(at, leaves * LEAF * PAGE, MapOptions.DEFAULT);
        try (SmallMemory.Reader reader = new SmallMemory.Reader(world.cpus, "reader")) {
            assertTrue(reader.cpu.index() >= 0);
            for (long leaf = 0; leaf < leaves; leaf++) {
                space.access().putLong(at + leaf * LEAF * PAGE, leaf);
            }
            space.unmap(at, leaves * LEAF * PAGE);
            assertTrue(world.spaces.stats().tablesInLimbo() > most);
            space.mapFixed(at, LEAF * PAGE, MapOptions.DEFAULT);
            assertThrows(ExhaustedException.class, () -> space.access().putLong(at, 1));
            space.verify();
        }
        space.access().putLong(at, 1);
        world.requireFramesInUse(2);
    }

    @Test
    void whatCannotBePopulatedIsNotMapped() {
        final List<Long> taken = world.takeAllBut(20);
        final String before = space.maps();
        assertThrows(ExhaustedException.class, () -> space.map(100 * PAGE, MapOptions.DEFAULT.populated()));
        assertThrows(ExhaustedException.class, () -> space.mapFixed(LEAF * PAGE, 100 * PAGE, MapOptions.DEFAULT.locked()));
        assertEquals(before, space.maps());
        taken.forEach(world::free);
        world.requireFramesInUse(0);
    }

    @Test
    void aStoreInFlightKeepsAPageWhoseContentIsNotNeeded() throws Exception {
        final long at = space.map(100 * PAGE);
        space.access().putLong(at, 1);
        final Cpu section = world.cpus.enter();
        try {
            final long inFlight = space.access().writable(section, at);
            SmallMemory.inThread(() -> {
                space.advise(at, PAGE, Advice.FREE);
                final List<Long> taken = world.takeAllBut(0);
                // The section is open: nothing can be had from what it may store to.
                assertThrows(ExhaustedException.class, () -> space.access().putLong(at + PAGE, 1));
                assertEquals(PAGE, space.meminfo().residentBytes());
                taken.forEach(world::free);
                return null;
            });
            UnsafeApi.putLong(inFlight, 7);
        } finally {
            section.exit();
        }
        assertEquals(7, space.access().getLong(at));
        // Once it has ended, the page goes when memory is short, since it was not stored to after the advice.
        final List<Long> taken = world.takeAllBut(0);
        space.access().putLong(at + PAGE, 1);
        taken.forEach(world::free);
        assertEquals(1, world.spaces.stats().lazilyFreed());
        assertEquals(0, space.access().getLong(at));
        space.verify();
    }

    @Test
    void ofTwoAdvicesTheLaterStampCounts() {
        final long[] early = {-1};
        final MemoryDescriptor mm = space.descriptor();
        final LazilyFreed[] freed = {null};
        freed[0] = new LazilyFreed(world.epochs, () -> {
            final long stamp = world.epochs.stamp();
            if (early[0] < 0) {
                // Between the stamp of the first and its store another one comes, an epoch later, with a section open since.
                early[0] = stamp;
                world.epochs.synchronize();
                freed[0].add(mm, 10, 11, () -> { });
            }
            return stamp;
        });
        freed[0].add(mm, 20, 21, () -> { });
        assertTrue(mm.lastFreeStamp.get() - early[0] > 0, "stamp=" + mm.lastFreeStamp + " early=" + early[0]);
        assertEquals(0, mm.freesUnderWay.get());
    }

    @Test
    void theSameAdviceAgainAndAgainIsRememberedOnce() {
        final LazilyFreed freed = world.spaces.lazilyFreed;
        final long at = space.map(100 * PAGE);
        space.access().putLong(at + 50 * PAGE, 1);
        for (int i = 0; i < 5000; i++) {
            space.advise(at + i % 100 * PAGE, PAGE, Advice.FREE);
        }
        assertTrue(freed.ranges() <= 1100, "ranges=" + freed.ranges());
        final List<Long> taken = world.takeAllBut(0);
        space.access().putLong(at, 1);
        assertEquals(1, world.spaces.stats().lazilyFreed());
        taken.forEach(world::free);
        space.advise(at, PAGE, Advice.FREE);
        space.close();
        assertEquals(0, freed.ranges(), "what is closed is forgotten");
    }

    @Test
    void whatIsDroppedFollowsRegionsThatHaveChanged() {
        final long at = space.map(10 * PAGE, MapOptions.DEFAULT.populated());
        space.advise(at, 10 * PAGE, Advice.FREE);
        space.protect(at + 3 * PAGE, 2 * PAGE, Region.READ);
        space.unmap(at + 7 * PAGE, PAGE);
        space.map(PAGE, MapOptions.DEFAULT.locked());
        final long more = space.map(PAGE);
        final List<Long> taken = world.takeAllBut(0);
        space.access().putLong(more, 1);
        taken.forEach(world::free);
        // All but the one that is unmapped, and the one that is locked in its place.
        assertEquals(9, world.spaces.stats().lazilyFreed());
        assertEquals(2 * PAGE, space.meminfo().residentBytes());
        space.verify();
    }

    @Test
    void twoThatDiscardTheSamePagesBothWait() throws Exception {
        final AddressSpace waiting = world.space(1000, GatherMode.WAIT, UnmapPolicy.PREEMPTIBLE);
        final long at = waiting.map(4 * PAGE, MapOptions.DEFAULT.populated());
        final Other<Void> first;
        final Other<Void> second;
        try (SmallMemory.Reader reader = new SmallMemory.Reader(world.cpus, "reader")) {
            assertTrue(reader.cpu.index() >= 0);
            first = new Other<Void>(() -> {
                waiting.advise(at, 4 * PAGE, Advice.DONTNEED);
                return null;
            });
            while (SpaceEntry.isPresent(waiting.descriptor().table.get(at / PAGE + 3))) {
                Thread.onSpinWait();
            }
            second = new Other<Void>(() -> {
                waiting.advise(at, 4 * PAGE, Advice.DONTNEED);
                return null;
            }).awaitParked();
            first.awaitParked();
        }
        first.join();
        second.join();
    }

    /** Whether translations are kept in a hash, too. */
    int hashGroups() {
        return 0;
    }
}
