package org.vellum.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.space.SpaceWorld.PAGE;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.vellum.cpu.Cpu;
import org.vellum.gather.GatherEvent;
import org.vellum.gather.GatherMode;
import org.vellum.report.ExhaustedException;
import org.vellum.report.PageFaultException;

/** What one thread does with one space. */
class AddressSpaceTest {
    private static final int READ = Region.READ;
    private static final int WRITE = Region.WRITE;

    private final SpaceWorld world = new SpaceWorld(2048).hashed(hashGroups());
    private final AddressSpace space = world.space(1 << 20);

    @AfterEach
    void closes() {
        world.close();
    }

    private static PageFaultException faults(final org.junit.jupiter.api.function.Executable access) {
        return assertThrows(PageFaultException.class, access);
    }

    @Test
    void whatIsMappedReadsAsZeroesAndKeepsWhatIsStored() {
        final long at = space.map(1000 * PAGE);
        assertTrue(at >= PAGE);
        for (long page = 0; page < 1000; page += 7) {
            assertEquals(0, space.access().getLong(at + page * PAGE + 8));
            space.access().putLong(at + page * PAGE + 8, page + 1);
        }
        for (long page = 0; page < 1000; page++) {
            assertEquals(page % 7 == 0 ? page + 1 : 0, space.access().getLong(at + page * PAGE + 8));
        }
        assertEquals(143 * PAGE, space.meminfo().residentBytes());
        assertEquals(143 * PAGE, space.meminfo().dirtyBytes());
        assertEquals((1000 - 143) * PAGE, space.meminfo().zeroBytes());
        space.verify();
        space.unmap(at, 1000 * PAGE);
        assertEquals(0, space.meminfo().mappedBytes());
        faults(() -> space.access().getLong(at));
        // The zero frame.
        world.requireFramesInUse(1);
    }

    @Test
    void readsBeforeTheFirstStoreShareOneFrame() {
        final long at = space.map(512 * PAGE);
        for (long page = 0; page < 512; page++) {
            assertEquals(0, space.access().getInt(at + page * PAGE));
        }
        // One for all, and one or two tables.
        assertTrue(world.settledFrames() <= 3);
        space.access().putInt(at, 5);
        assertEquals(5, space.access().getInt(at));
        assertEquals(0, space.access().getInt(at + PAGE));
        assertEquals(PAGE, space.meminfo().residentBytes());
    }

    @Test
    void neighboursThatAreAlikeAreOneRegion() {
        space.mapFixed(100 * PAGE, 10 * PAGE, MapOptions.DEFAULT);
        space.mapFixed(120 * PAGE, 10 * PAGE, MapOptions.DEFAULT);
        assertEquals(2, space.meminfo().regions());
        space.mapFixed(110 * PAGE, 10 * PAGE, MapOptions.DEFAULT);
        assertEquals(1, space.meminfo().regions());
        assertEquals(100, space.region(115 * PAGE).startPage());
        space.unmap(105 * PAGE, PAGE);
        assertEquals(2, space.meminfo().regions());
        space.protect(110 * PAGE, 5 * PAGE, READ);
        assertEquals(4, space.meminfo().regions());
        space.protect(110 * PAGE, 5 * PAGE, READ | WRITE);
        assertEquals(2, space.meminfo().regions());
        assertEquals(List.of("000000064000-000000069000 rwp-- 00000000", "00000006a000-000000082000 rwp-- 00000000"),
            space.maps().lines().toList());
    }

    @Test
    void anUnmapCutsRegionsAndKeepsWhatIsBeside() {
        final long at = space.map(30 * PAGE);
        for (long page = 0; page < 30; page++) {
            space.access().putLong(at + page * PAGE, page);
        }
        space.unmap(at + 10 * PAGE, 10 * PAGE);
        for (long page = 0; page < 30; page++) {
            final long address = at + page * PAGE;
            if (page >= 10 && page < 20) {
                assertEquals(address, faults(() -> space.access().getLong(address)).address());
                faults(() -> space.access().putLong(address, 1));
                assertNull(space.region(address));
            } else {
                assertEquals(page, space.access().getLong(address));
            }
        }
        space.unmap(at, 30 * PAGE);
        world.requireFramesInUse(0);
    }

    @Test
    void whatIsForbiddenFaultsAndComesBackWhenItIsAllowedAgain() {
        final long at = space.map(4 * PAGE);
        space.access().putLong(at, 7);
        space.protect(at, 2 * PAGE, READ);
        assertEquals(7, space.access().getLong(at));
        assertTrue(faults(() -> space.access().putLong(at, 8)).isWrite());
        faults(() -> space.access().putLong(at + PAGE, 8));
        space.access().putLong(at + 2 * PAGE, 9);
        space.protect(at, 4 * PAGE, 0);
        assertFalse(faults(() -> space.access().getLong(at)).isWrite());
        faults(() -> space.access().getLong(at + 2 * PAGE));
        assertEquals(at + 3 * PAGE, faults(() -> space.access().putLong(at + 3 * PAGE, 1)).address());
        space.verify();
        space.protect(at, 4 * PAGE, READ | WRITE);
        assertEquals(7, space.access().getLong(at));
        assertEquals(9, space.access().getLong(at + 2 * PAGE));
        space.access().putLong(at, 8);
        assertEquals(8, space.access().getLong(at));
        assertEquals(0, space.access().getLong(at + PAGE));
    }

    @Test
    void whatIsNotNeededReadsAsZeroesAfterwards() {
        final long at = space.map(600 * PAGE);
        for (long page = 0; page < 600; page++) {
            space.access().putLong(at + page * PAGE, page + 1);
        }
        space.advise(at + 100 * PAGE, 450 * PAGE, Advice.DONTNEED);
        for (long page = 0; page < 600; page++) {
            assertEquals(page >= 100 && page < 550 ? 0 : page + 1, space.access().getLong(at + page * PAGE));
        }
        space.verify();
    }

    @Test
    void whatMayBeFreedStaysUntilMemoryIsShort() {
        final long at = space.map(1000 * PAGE);
        for (long page = 0; page < 1000; page++) {
            space.access().putLong(at + page * PAGE, page + 1);
        }
        space.advise(at, 1000 * PAGE, Advice.FREE);
        assertEquals(1000 * PAGE, space.meminfo().residentBytes());
        assertEquals(0, space.meminfo().dirtyBytes());
        for (long page = 0; page < 100; page++) {
            space.access().putLong(at + page * PAGE, -page);
        }
        final long more = space.map(1500 * PAGE);
        for (long page = 0; page < 1500; page++) {
            space.access().putLong(more + page * PAGE, page);
        }
        for (long page = 0; page < 1000; page++) {
            assertEquals(page < 100 ? -page : 0, space.access().getLong(at + page * PAGE));
        }
        space.verify();
    }

    @Test
    void pagesThatAreToBeThereAreThere() {
        final long at = space.map(64 * PAGE);
        space.advise(at, 10 * PAGE, Advice.POPULATE);
        assertEquals(10 * PAGE, space.meminfo().residentBytes());
        final long locked = space.map(5 * PAGE, MapOptions.DEFAULT.locked());
        assertEquals(15 * PAGE, space.meminfo().residentBytes());
        assertEquals(5 * PAGE, space.meminfo().lockedBytes());
        assertThrows(IllegalArgumentException.class, () -> space.advise(locked, PAGE, Advice.DONTNEED));
        assertThrows(IllegalArgumentException.class, () -> space.advise(locked, PAGE, Advice.FREE));
        assertThrows(ExhaustedException.class, () -> space.map(5000 * PAGE, MapOptions.DEFAULT.populated()));
        assertEquals(15 * PAGE, space.meminfo().residentBytes());
        space.access().putLong(at, 1);
    }

    @Test
    void aRegionThatGrowsIsTouchedBelowItsStart() {
        space.mapFixed(1000 * PAGE, 10 * PAGE, MapOptions.DEFAULT.grows());
        space.access().putLong(990 * PAGE, 1);
        assertEquals(1, space.meminfo().regions());
        assertEquals(990, space.region(995 * PAGE).startPage());
        space.mapFixed(700 * PAGE, 10 * PAGE, MapOptions.DEFAULT);
        space.access().putLong((710 + Growth.GUARD_PAGES) * PAGE, 2);
        faults(() -> space.access().putLong((709 + Growth.GUARD_PAGES) * PAGE, 3));
        // One that does not.
        faults(() -> space.access().getLong(699 * PAGE));
        space.verify();
    }

    @Test
    void whenFramesRunOutTheFaultSaysSoAndTheSpaceGoesOn() {
        final long at = space.map(3000 * PAGE);
        long page = 0;
        try {
            for (; page < 3000; page++) {
                space.access().putLong(at + page * PAGE, page);
            }
        } catch (final ExhaustedException e) {
            assertEquals(ExhaustedException.Resource.FRAMES, e.resource());
        }
        assertTrue(page > 2000 && page < 2048, "page=" + page);
        space.verify();
        for (long there = 0; there < page; there++) {
            assertEquals(there, space.access().getLong(at + there * PAGE));
        }
        space.unmap(at, 100 * PAGE);
        space.access().putLong(at + page * PAGE, page);
        assertEquals(page, space.access().getLong(at + page * PAGE));
        space.unmap(at, 3000 * PAGE);
        world.requireFramesInUse(0);
    }

    @Test
    void badRangesChangeNothing() {
        space.mapFixed(100 * PAGE, 10 * PAGE, MapOptions.DEFAULT);
        final String before = space.maps();
        for (final long bytes : new long[] {0, -1, 1, PAGE - 1, PAGE + 1, -PAGE, Long.MIN_VALUE, Long.MAX_VALUE, (1L << 20) * PAGE + PAGE}) {
            assertThrows(IllegalArgumentException.class, () -> space.map(bytes));
            assertThrows(IllegalArgumentException.class, () -> space.mapFixed(PAGE, bytes, MapOptions.DEFAULT));
            assertThrows(IllegalArgumentException.class, () -> space.unmap(100 * PAGE, bytes));
            assertThrows(IllegalArgumentException.class, () -> space.protect(100 * PAGE, bytes, READ));
            assertThrows(IllegalArgumentException.class, () -> space.advise(100 * PAGE, bytes, Advice.DONTNEED));
        }
        for (final long address : new long[] {0, 1, -PAGE, PAGE + 1, (1L << 20) * PAGE, Long.MIN_VALUE, Long.MAX_VALUE & -PAGE}) {
            assertThrows(IllegalArgumentException.class, () -> space.mapFixed(address, PAGE, MapOptions.DEFAULT), "address=" + address);
            assertThrows(IllegalArgumentException.class, () -> space.unmap(address, PAGE), "address=" + address);
            assertThrows(IllegalArgumentException.class, () -> space.protect(address, PAGE, READ), "address=" + address);
            assertThrows(IllegalArgumentException.class, () -> space.advise(address, PAGE, Advice.WILLNEED), "address=" + address);
        }
        assertThrows(IllegalArgumentException.class, () -> space.mapFixed(109 * PAGE, 2 * PAGE, MapOptions.DEFAULT));
        assertThrows(IllegalArgumentException.class, () -> space.mapFixed(99 * PAGE, 2 * PAGE, MapOptions.DEFAULT));
        assertThrows(IllegalArgumentException.class, () -> space.protect(105 * PAGE, 10 * PAGE, READ));
        assertThrows(IllegalArgumentException.class, () -> space.advise(105 * PAGE, 10 * PAGE, Advice.DONTNEED));
        assertThrows(IllegalArgumentException.class, () -> space.protect(105 * PAGE, PAGE, 4));
        assertThrows(ExhaustedException.class, () -> space.map((1 << 20) * PAGE));
        // Nothing is there: nothing is done.
        space.unmap(200 * PAGE, PAGE);
        assertEquals(before, space.maps());
        space.verify();
    }

    @Test
    void nothingThatMayWaitIsDoneInsideASection() {
        final long at = space.map(4 * PAGE);
        try (Cpu cpu = world.cpus.enter()) {
            assertTrue(world.cpus.isOccupant(cpu));
            assertThrows(IllegalStateException.class, () -> space.map(PAGE));
            assertThrows(IllegalStateException.class, () -> space.mapFixed(100 * PAGE, PAGE, MapOptions.DEFAULT));
            assertThrows(IllegalStateException.class, () -> space.unmap(at, PAGE));
            assertThrows(IllegalStateException.class, () -> space.protect(at, PAGE, READ));
            assertThrows(IllegalStateException.class, () -> space.advise(at, PAGE, Advice.DONTNEED));
            assertThrows(IllegalStateException.class, space::close);
            // Touching is.
            space.access().putLong(at, 1);
            assertEquals(1, space.access().getLong(at));
            assertEquals(0, space.access().getLong(at + PAGE));
        }
        space.verify();
    }

    @Test
    void aClosedSpaceRefusesEverythingAndHasNothing() {
        final long at = space.map(700 * PAGE);
        space.advise(at, 700 * PAGE, Advice.POPULATE);
        final long flushes = world.spaces.gathers().events(GatherEvent.FLUSH);
        space.close();
        assertEquals(1, world.spaces.gathers().events(GatherEvent.FLUSH) - flushes);
        space.close();
        faults(() -> space.access().getLong(at));
        faults(() -> space.access().putLong(at, 1));
        assertThrows(IllegalStateException.class, () -> space.map(PAGE));
        assertThrows(IllegalStateException.class, () -> space.mapFixed(at, PAGE, MapOptions.DEFAULT));
        assertThrows(IllegalStateException.class, () -> space.unmap(at, PAGE));
        assertThrows(IllegalStateException.class, () -> space.protect(at, PAGE, READ));
        assertThrows(IllegalStateException.class, () -> space.advise(at, PAGE, Advice.DONTNEED));
        assertNull(space.region(at));
        assertEquals("", space.maps());
        world.requireFramesInUse(0);
    }

    @Test
    void aSpaceEndsWhileASectionIsOpen() {
        final long at = space.map(10 * PAGE);
        space.access().putLong(at, 5);
        final long inUse = world.frames.allocatedFrames();
        final AddressSpace other = world.space(100, GatherMode.WAIT, UnmapPolicy.PREEMPTIBLE);
        other.map(PAGE);
        try (org.vellum.SmallMemory.Reader reader = new org.vellum.SmallMemory.Reader(world.cpus, "reader")) {
            assertTrue(reader.cpu.index() >= 0);
            space.close();
            assertEquals(inUse, world.frames.allocatedFrames(), "freed before the section ended");
        } catch (final Exception e) {
            throw new AssertionError(e);
        }
        world.requireFramesInUse(0);
    }

    @Test
    void theAtomicPolicyDoesTheSame() {
        final AddressSpace atomic = world.space(4096, GatherMode.RETIRE, UnmapPolicy.ATOMIC);
        final long at = atomic.map(1000 * PAGE);
        atomic.advise(at, 1000 * PAGE, Advice.POPULATE);
        atomic.unmap(at + 5 * PAGE, 900 * PAGE);
        assertEquals(100 * PAGE, atomic.meminfo().mappedBytes());
        assertEquals(100 * PAGE, atomic.meminfo().residentBytes());
        assertTrue(atomic.takeLongestHoldNanos() > 0);
        atomic.verify();
        atomic.close();
        world.requireFramesInUse(0);
    }

    /** Whether translations are kept in a hash, too. */
    int hashGroups() {
        return 0;
    }
}
