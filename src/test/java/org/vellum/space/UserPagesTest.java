package org.vellum.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.mmu.SpaceEntry.ACCESSED;
import static org.vellum.mmu.SpaceEntry.DIRTY;
import static org.vellum.mmu.SpaceEntry.READABLE;
import static org.vellum.mmu.SpaceEntry.SPECIAL;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.vellum.SmallMemory;
import org.vellum.cpu.Cpu;
import org.vellum.gather.GatherMode;
import org.vellum.mmu.SpaceEntry;
import org.vellum.report.PageFaultException;
import org.vellum.report.SpecialPageException;

@Timeout(60)
final class UserPagesTest {
    private static final long PAGES = 1500;

    private final PinWorld world = new PinWorld(1024, PAGES);
    private final UserPages pages = world.userPages;
    private final long[] pinned = new long[64];

    @AfterEach
    void nothingIsLeft() {
        world.requireNothingLeft();
    }

    @Test
    void pagesThatAreThereArePinnedWithoutALockOrAFault() {
        world.mapNew(505, 521);
        final long faults = world.faulted;
        assertEquals(16, pages.pinFast(505, 16, false, pinned, 3));
        for (int i = 0; i < 16; i++) {
            assertEquals(world.frameAt(505 + i), pinned[3 + i]);
            assertEquals(2, world.count(pinned[3 + i]));
            assertEquals(505 + i, world.content(pinned[3 + i]));
            assertTrue(SpaceEntry.has(world.table.get(505 + i), ACCESSED));
            assertFalse(SpaceEntry.has(world.table.get(505 + i), DIRTY), "it is only read");
        }
        assertEquals(16, pages.outstanding());
        assertEquals(faults, world.faulted);
        pages.unpin(pinned, 3, 16, false);
        assertEquals(1, world.count(pinned[3]));
        assertEquals("", world.told.toString());
        assertFalse(world.cpus.inSection());
    }

    /** They stay when the page goes, and the space with it. */
    @Test
    void pinnedFramesOutliveTheirPages() {
        world.mapNew(0, 4);
        assertEquals(4, pages.pin(0, 4, true, pinned, 0));
        world.unmap(GatherMode.WAIT, 0, PAGES);
        world.gathers.settle();
        assertEquals(4, world.frames.allocatedFrames());
        for (int i = 0; i < 4; i++) {
            assertEquals(1, world.count(pinned[i]));
            assertEquals(i, world.content(pinned[i]));
        }
        assertEquals(0, pages.pinFast(0, 4, false, pinned, 10));
        pages.unpin(pinned, 0, 4, false);
        assertEquals(0, world.frames.allocatedFrames());
    }

    @Test
    void theFastWayStopsAtTheFirstPageThatIsNotThere() {
        world.mapNew(0, 3);
        world.mapNew(4, 6);
        world.writable.clear();
        assertEquals(3, pages.pinFast(0, 6, false, pinned, 0));
        assertEquals(0, pages.pinFast(3, 3, false, pinned, 3));
        assertEquals(2, pages.pinFast(4, 2, false, pinned, 3));
        assertEquals(0, pages.pinFast(1000, 2, false, pinned, 5), "there is no leaf");
        assertEquals(5, pages.outstanding());
        pages.unpin(pinned, 0, 5, false);
        assertEquals(0, pages.pinFast(0, 0, false, pinned, 64));
    }

    @Test
    void addressesOutsideAreNoPages() {
        for (final long page : new long[] {-1, PAGES, Long.MAX_VALUE, Long.MIN_VALUE}) {
            assertEquals(0, pages.pinFast(page, 2, false, pinned, 0));
            assertThrows(PageFaultException.class, () -> pages.pin(page, 2, false, pinned, 0));
        }
        world.mapNew(PAGES - 1, PAGES);
        assertEquals(1, pages.pin(PAGES - 1, 2, true, pinned, 0));
        pages.unpin(pinned, 0, 1, false);
        assertThrows(IndexOutOfBoundsException.class, () -> pages.pin(0, 2, false, pinned, 63));
        assertThrows(IndexOutOfBoundsException.class, () -> pages.pinFast(0, -1, false, pinned, 0));
    }

    @Test
    void whatMayNotBeAccessedSoIsNotPinned() {
        world.mapNew(7, 9);
        world.replace(7, world.present(world.frameAt(7), READABLE));
        world.replace(8, world.present(world.frameAt(8), 0));
        world.writable.clear();
        assertEquals(0, pages.pinFast(7, 1, true, pinned, 0));
        assertThrows(PageFaultException.class, () -> pages.pin(7, 2, true, pinned, 0));
        assertEquals(1, pages.pinFast(7, 2, false, pinned, 0));
        assertEquals(0, pages.pinFast(8, 1, false, pinned, 1), "nobody may touch it");
        pages.unpin(pinned, 0, 1, false);
    }

    /** The kernel's rule: an error only if nothing is pinned; else the caller learns how far it got, and asks again. */
    @Test
    void theSlowWayFaultsPagesInAndStopsAtTheFirstThatCannotBe() {
        world.mapNew(0, 2);
        world.readable.set(2, 5);
        world.writable.set(2, 4);
        assertEquals(4, pages.pin(0, 8, true, pinned, 0));
        assertEquals(2, world.content(pinned[2]));
        assertEquals(2, world.count(pinned[3]));
        assertEquals(4, pages.outstanding());
        assertThrows(PageFaultException.class, () -> pages.pin(4, 4, true, pinned, 4));
        assertEquals(4, pages.outstanding());
        pages.unpin(pinned, 0, 4, false);
    }

    @Test
    void anErrorInTheMiddleLeavesNothingPinned() {
        world.mapNew(0, 2);
        final StackOverflowError error = new StackOverflowError();
        final UserPages failing = new UserPages(world.cpus, world.frames, world.table, (page, write) -> {
            throw error;
        }, (mapper, frame) -> { }, world.pinned);
        assertSame(error, assertThrows(StackOverflowError.class, () -> failing.pin(0, 3, true, pinned, 0)));
        assertEquals(0, world.pinned.sum());
        assertEquals(1, world.count(world.frameAt(0)));
    }

    /** Or it would go on showing zeroes when the page gets a frame of its own. */
    @Test
    void aPageOfZeroesGetsAFrameOfItsOwnEvenToBeRead() {
        world.readable.set(20, 23);
        world.writable.set(20, 22);
        world.fault(20, false);
        world.fault(22, false);
        assertTrue(SpaceEntry.has(world.table.get(20), SpaceEntry.ZERO));
        assertEquals(0, pages.pinFast(20, 1, false, pinned, 0));
        assertEquals(2, pages.pin(20, 3, false, pinned, 0), "the last may not be written");
        assertEquals(world.frameAt(20), pinned[0]);
        assertFalse(SpaceEntry.has(world.table.get(20), SpaceEntry.ZERO));
        assertFalse(SpaceEntry.has(world.table.get(21), SpaceEntry.ZERO), "read for the first time");
        final SpecialPageException refused = assertThrows(SpecialPageException.class, () -> pages.pin(22, 1, false, pinned, 2));
        assertEquals(22 << 12, refused.address());
        assertSame(PageFaultException.class, refused.getCause().getClass());
        pages.unpin(pinned, 0, 2, false);
    }

    @Test
    void aReservedPageIsRefused() {
        final long callers = world.newFrame(0);
        world.readable.set(30);
        world.install(30, world.present(callers, PinWorld.ALLOWED | SPECIAL));
        assertEquals(0, pages.pinFast(30, 1, false, pinned, 0));
        assertEquals(30 << 12, assertThrows(SpecialPageException.class, () -> pages.pin(30, 1, false, pinned, 0)).address());
        assertEquals(1, world.count(callers));
        world.unmap(GatherMode.WAIT, 0, 512);
        world.put(callers);
    }

    /** Who clears the entry learns that it may have been stored to; and so does the frame's owner, when the pin goes. */
    @Test
    void aPinForWritingMarksThePageAndTellsItsOwnerInTheEnd() {
        world.mapNew(40, 42);
        assertEquals(2, pages.pinFast(40, 2, true, pinned, 0));
        assertTrue(SpaceEntry.has(world.table.get(40), ACCESSED | DIRTY));
        assertTrue(world.frames.table().compareAndSetMapper(pinned[1], 0, 77));
        pages.unpin(pinned, 0, 2, true);
        assertEquals("77:" + pinned[1] + " ", world.told.toString());
        assertEquals(1, pages.pin(41, 1, true, pinned, 0));
        pages.unpin(pinned, 0, 1, false);
        assertEquals("77:" + pinned[0] + " ", world.told.toString(), "not stored to");
        assertEquals(41, world.content(pinned[0]));
    }

    @Test
    void whatIsNotPinnedIsNotUnpinned() {
        world.mapNew(0, 2);
        assertEquals(2, pages.pin(0, 2, true, pinned, 0));
        final long block = world.newFrame(0);
        world.put(block);
        for (final long wrong : new long[] {block, -1, 0, Long.MAX_VALUE}) {
            pinned[2] = wrong;
            assertThrows(IllegalArgumentException.class, () -> pages.unpin(pinned, 0, 3, false));
            assertEquals(2, world.count(pinned[0]));
        }
        assertThrows(IndexOutOfBoundsException.class, () -> pages.unpin(pinned, 60, 5, false));
        assertEquals(2, pages.outstanding());
        pages.unpin(pinned, 0, 2, false);
    }

    @Test
    void insideASectionAndInAnotherThread() throws Exception {
        world.mapNew(0, 8);
        final Cpu cpu = world.cpus.enter();
        assertEquals(8, pages.pinFast(0, 8, false, pinned, 0));
        assertTrue(world.cpus.isOccupant(cpu));
        cpu.exit();
        SmallMemory.inThread(() -> {
            pages.unpin(pinned, 0, 8, false);
            return null;
        });
    }

    /** G13: the walker has never used the space, whose only user unmaps everything; no frame is freed under it, nor pinned that is. */
    @Test
    void aForeignWalkerInASectionHoldsWhatItHasFound() throws Exception {
        world.mapNew(0, 4);
        final Cpu cpu = world.cpus.enter();
        final long entry = world.table.get(2);
        SmallMemory.inThread(() -> {
            world.unmap(GatherMode.RETIRE, 0, PAGES);
            world.gathers.poll();
            return null;
        });
        final long frame = world.frames.memory().frameOf(SpaceEntry.nativePage(entry));
        assertEquals(1, world.count(frame));
        assertEquals(2, world.content(frame));
        assertTrue(world.frames.tryGet(frame), "w2 counts what still is this page's");
        assertFalse(SpaceEntry.isSame(world.table.get(2), entry), "w3 finds out");
        assertEquals(0, pages.pinFast(2, 1, false, pinned, 0));
        cpu.exit();
        world.put(frame);
    }

    /** RG8: the table is taken away, and given to be freed, while a walker is in it. */
    @Test
    void rg8ATableIsNotFreedUnderAWalker() throws Exception {
        world.mapNew(0, 2);
        world.mapNew(600, 601);
        final Cpu cpu = world.cpus.enter();
        final long entry = world.table.get(1);
        SmallMemory.inThread(() -> {
            world.unmap(GatherMode.RETIRE, 0, 512);
            world.gathers.poll();
            world.gathers.poll();
            return null;
        });
        assertFalse(world.table.hasLeafFor(1));
        assertEquals(1, world.tables.inLimbo());
        assertEquals(2, world.tables.live());
        assertEquals(1, world.content(world.frames.memory().frameOf(SpaceEntry.nativePage(entry))));
        assertEquals(0, pages.pinFast(1, 1, false, pinned, 0));
        assertEquals(1, pages.pinFast(600, 1, false, pinned, 0));
        cpu.exit();
        pages.unpin(pinned, 0, 1, false);
        world.gathers.settle();
        assertEquals(1, world.tables.live());
    }

    @Test
    void pinningMakesNoGarbage() {
        final ThreadMXBean threads = (ThreadMXBean)ManagementFactory.getThreadMXBean();
        world.mapNew(0, 16);
        pinAndUnpin(20_000);
        final long before = threads.getThreadAllocatedBytes(Thread.currentThread().getId());
        pinAndUnpin(20_000);
        final long bytes = threads.getThreadAllocatedBytes(Thread.currentThread().getId()) - before;
        assertTrue(bytes < 20_000, "bytes=" + bytes);
    }

    private void pinAndUnpin(final int times) {
        for (int i = 0; i < times; i++) {
            assertEquals(16, pages.pinFast(0, 16, true, pinned, 0));
            pages.unpin(pinned, 0, 16, true);
        }
        Arrays.fill(pinned, -1);
    }
}
