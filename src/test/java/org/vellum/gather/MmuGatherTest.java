package org.vellum.gather;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.gather.GatherMode.RETIRE;
import static org.vellum.gather.GatherMode.WAIT;
import static org.vellum.gather.GatherMode.WAIT;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.vellum.SmallMemory;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.SpinLock;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mmu.SpaceEntry;

@Timeout(120)
class MmuGatherTest {
    private final GatherWorld world = world(4096, 4096, 1L << 30);

    /** Whether translations are kept in a hash, too. Asked while this object is made. */
    boolean hashed() {
        return false;
    }

    private GatherWorld world(final int frames, final long pages, final long mostLimboBytes) {
        return new GatherWorld(frames, pages, mostLimboBytes, 1024, hashed());
    }

    /** G2: add first, then test full; at most 8 + 19 × 510. */
    @Test
    void itHoldsWhatTheReferenceSays() {
        final GatherWorld large = world(16 << 10, 16, 1L << 30);
        assertEquals(9698, MmuGather.MOST_FRAMES);
        try (MmuGather gather = large.begin(WAIT)) {
            final Cpu cpu = large.cpus.enter();
            for (int i = 1; i < MmuGather.MOST_FRAMES; i++) {
                assertFalse(gather.remove(cpu, 3, large.frame()));
                assertEquals(i, gather.gathered());
            }
            assertTrue(gather.remove(cpu, 3, large.frame()));
            cpu.exit();
            assertTrue(gather.isFull());
            assertEquals(MmuGather.MOST_FRAMES, gather.gathered());
            assertEquals(MmuGather.MAX_BATCHES, large.gathers.liveBatches());
            gather.flush();
            assertFalse(gather.isFull());
            assertEquals(0, gather.gathered());
            // G3: kept for the next round, and given back at the end.
            assertEquals(MmuGather.MAX_BATCHES, large.gathers.liveBatches());
            large.requireFramesInUse(MmuGather.MAX_BATCHES);
        }
        assertEquals(1, large.flushed(GatherEvent.FULL));
        assertEquals(1, large.flushed(GatherEvent.FLUSH));
        large.requireNothingLeft();
        large.requireFramesInUse(0);
    }

    /** G5: nothing touched, nothing flushed; a flush resets the range. */
    @Test
    void theRangeIsWhatWasTouched() {
        final MmuGather gather = world.begin(WAIT);
        gather.flush();
        assertEquals(0, world.flushed(GatherEvent.FLUSH));
        gather.touch(77);
        gather.touch(13);
        assertEquals(13, gather.startPage());
        assertEquals(78, gather.endPage());
        assertFalse(gather.freedTables());
        gather.flush();
        assertEquals(1, world.flushed(GatherEvent.FLUSH));
        assertEquals(Long.MAX_VALUE, gather.startPage());
        assertEquals(0, gather.endPage());
        gather.flush();
        assertEquals(1, world.flushed(GatherEvent.FLUSH));
        gather.close();
        assertEquals(1, world.flushed(GatherEvent.NOTHING));
        gather.close();
        assertEquals(1, world.flushed(GatherEvent.NOTHING), "ended already");
        world.requireNothingLeft();
    }

    /** G1, with a section that may have translated before: nothing is free, in neither mode, before it has ended. */
    @Test
    void noFrameAndNoTableIsFreedBeforeTheFlushThatCoversIt() throws Exception {
        for (final GatherMode mode : GatherMode.values()) {
            world.mapNew(0, 1000);
            final long first = frameAt(0);
            final long last = frameAt(999);
            final long allocated = world.frames.allocatedFrames();
            final FutureTask<Void> unmapping = new FutureTask<>(() -> {
                world.unmap(mode, 0, 1000, true);
                return null;
            });
            final Thread thread = new Thread(unmapping, "unmaps");
            try (SmallMemory.Reader reader = new SmallMemory.Reader(world.cpus, "reader")) {
                assertTrue(reader.cpu.index() >= 0);
                thread.start();
                if (mode != WAIT) {
                    SmallMemory.join(unmapping);
                } else {
                    while (thread.getState() != Thread.State.TIMED_WAITING) {
                        assertTrue(thread.isAlive(), "did not wait for the section");
                        Thread.onSpinWait();
                    }
                }
                world.gathers.poll();
                world.gathers.poll();
                assertEquals(0, world.table.attachedLeaves());
                assertTrue(world.isAllocated(first) && world.isAllocated(last));
                assertTrue(world.frames.allocatedFrames() >= allocated, "something is free already");
                assertEquals(2, world.tables.inLimbo());
            }
            SmallMemory.join(unmapping);
            thread.join();
            world.requireNothingLeft();
            world.requireFramesInUse(0);
        }
        assertTrue(world.flushed(GatherEvent.WAIT) > 0 && world.flushed(GatherEvent.RETIRE) > 0);
    }

    private long frameAt(final long page) {
        return world.frames.memory().frameOf(SpaceEntry.nativePage(world.table.get(page)));
    }

    @Test
    void onlyReferencesOfEntriesAreGivenUp() {
        world.mapNew(0, 3);
        final long shared = frameAt(1);
        world.frames.get(shared);
        final long callers = world.frame();
        world.set(5, SpaceEntry.present(world.frames.memory().nativeAddress(callers), SpaceEntry.READABLE | SpaceEntry.SPECIAL));
        world.set(6, SpaceEntry.present(world.frames.memory().nativeAddress(callers),
            SpaceEntry.READABLE | SpaceEntry.SPECIAL | SpaceEntry.ZERO));
        world.unmap(WAIT, 0, 10, true);
        assertEquals(0, world.table.attachedLeaves());
        assertTrue(world.isAllocated(shared) && world.isAllocated(callers));
        assertEquals(1, world.frames.table().count(shared));
        world.free(shared);
        world.free(callers);
        world.requireNothingLeft();
        world.requireFramesInUse(0);
    }

    @Test
    void tablesStayIfTheyAreToBeUsedAgainOrAre() {
        world.mapNew(0, 1000);
        world.unmap(WAIT, 0, 700, false);
        assertEquals(2, world.table.attachedLeaves());
        world.unmap(WAIT, 0, 600, true);
        assertEquals(1, world.table.attachedLeaves(), "the first leaf is empty, the second is not");
        world.unmap(WAIT, 700, 1000, true);
        assertEquals(0, world.table.attachedLeaves());
        world.requireNothingLeft();
        world.requireFramesInUse(0);
    }

    /** 4,000 pages: by the reference one flush in 9,698, here one in all; in slices of one leaf, between which nothing is held. */
    @Test
    void aLongUnmapFlushesSeldomAndGoesLeafByLeaf() {
        world.mapNew(5, 3605);
        try (MmuGather gather = world.begin(WAIT)) {
            int slices = 0;
            for (long page = 5; page < 3605; slices++) {
                page = world.unmapper.slice(gather, page, 3605, true, ClearedEntries.ANY);
                assertTrue(page == 3605 || page % 512 == 0);
                assertTrue(SpinLock.noneHeld() && !world.cpus.inSection());
            }
            assertEquals(8, slices);
            assertEquals(3600, gather.gathered());
            assertEquals(5, gather.startPage());
            assertEquals(3605, gather.endPage());
            assertTrue(gather.freedTables());
            assertEquals(0, world.flushed(GatherEvent.FLUSH));
        }
        assertEquals(1, world.flushed(GatherEvent.FLUSH));
        world.requireNothingLeft();
        world.requireFramesInUse(0);
    }

    /** 262,144 pages, by references to one frame: 28 flushes, one in 9,698 pages. */
    @Test
    void aGibibyteTakes28Flushes() {
        final int pages = 1 << 18;
        final GatherWorld large = world(1024, pages, 1L << 30);
        final long frame = large.frame();
        for (int page = 0; page < pages; page++) {
            large.frames.get(frame);
            assertTrue(large.map(page, frame));
        }
        assertEquals(pages + 1, large.frames.table().count(frame));
        large.unmap(WAIT, 0, pages, true);
        assertEquals((pages + MmuGather.MOST_FRAMES - 1) / MmuGather.MOST_FRAMES, large.flushed(GatherEvent.FLUSH));
        assertEquals(28, large.flushed(GatherEvent.FLUSH));
        assertEquals(1, large.frames.table().count(frame));
        large.free(frame);
        large.requireNothingLeft();
        large.requireFramesInUse(0);
    }

    /** Preemptible: whoever is interrupted stops between two slices, and somebody else does the rest. */
    @Test
    void betweenSlicesTheRestCanBeHandedOver() throws Exception {
        world.mapNew(0, 2000);
        final long rest;
        try (MmuGather gather = world.begin(RETIRE)) {
            rest = world.unmapper.slice(
                gather, world.unmapper.slice(gather, 0, 2000, true, ClearedEntries.ANY), 2000, true, ClearedEntries.ANY);
        }
        assertEquals(1024, rest);
        assertEquals(0, world.flushes.pending());
        assertEquals(2000 - 1024, world.table.verify(world.frames.table()));
        SmallMemory.inThread(() -> {
            world.unmap(RETIRE, rest, 2000, true);
            return null;
        });
        world.requireNothingLeft();
        world.requireFramesInUse(0);
    }

    /** A flush cannot be left half done: the interrupt is put back for who looks at it between slices. */
    @Test
    void anInterruptDoesNotEndAFlush() throws Exception {
        world.mapNew(0, 20);
        final FutureTask<Boolean> unmapping = new FutureTask<>(() -> {
            Thread.currentThread().interrupt();
            world.unmap(WAIT, 0, 20, true);
            return Thread.interrupted();
        });
        final Thread thread = new Thread(unmapping, "unmaps");
        try (SmallMemory.Reader reader = new SmallMemory.Reader(world.cpus, "reader")) {
            assertTrue(reader.cpu.index() >= 0);
            thread.start();
            while (thread.getState() != Thread.State.TIMED_WAITING) {
                assertTrue(thread.isAlive(), "did not wait for the section");
                Thread.onSpinWait();
            }
            assertTrue(world.frames.allocatedFrames() >= 20);
        }
        assertTrue(SmallMemory.join(unmapping));
        world.requireNothingLeft();
        world.requireFramesInUse(0);
    }

    @Test
    void withoutMemoryForABatchItFlushesEveryEightPages() {
        world.gathers.batches.failing = () -> true;
        world.mapNew(0, 64);
        world.unmap(WAIT, 0, 64, true);
        assertEquals(8, world.flushed(GatherEvent.FULL));
        assertEquals(8, world.flushed(GatherEvent.FLUSH));
        assertTrue(world.gathers.refusals() >= 8);
        world.mapNew(0, 64);
        world.unmap(RETIRE, 0, 64, true);
        assertEquals(16, world.flushed(GatherEvent.FLUSH));
        assertEquals(0, world.flushed(GatherEvent.HEAP), "outside sections it waits instead");
        world.requireNothingLeft();
        world.requireFramesInUse(0);
    }

    /** All memory is mapped, and the batch needs a frame. */
    @Test
    void aFullMemoryIsUnmappedAllTheSame() {
        final GatherWorld small = world(64, 512, 1L << 30);
        small.set(0, SpaceEntry.swapped(1));
        int mapped = 0;
        for (long frame = small.allocate(); frame != PhysicalMemory.NO_FRAME; frame = small.allocate()) {
            assertTrue(small.map(++mapped, frame));
        }
        assertEquals(63, mapped);
        small.unmap(WAIT, 0, 512, true);
        assertTrue(small.gathers.refusals() > 0 && small.flushed(GatherEvent.FULL) > 0);
        small.requireNothingLeft();
        small.requireFramesInUse(0);
    }

    /** Inside a section: nobody can wait, so it retires; without a batch the Java heap remembers. */
    @Test
    void insideASectionItRetires() {
        world.mapNew(0, 100);
        final Cpu cpu = world.cpus.enter();
        world.unmap(WAIT, 0, 20, false);
        assertEquals(0, world.flushed(GatherEvent.WAIT));
        assertEquals(1, world.flushed(GatherEvent.RETIRE));
        world.gathers.batches.failing = () -> true;
        world.unmap(RETIRE, 20, 100, true);
        assertTrue(world.flushed(GatherEvent.HEAP) > 0);
        world.requireFramesInUse(100 + 1 + world.gathers.liveBatches());
        cpu.exit();
        world.requireNothingLeft();
        world.requireFramesInUse(0);
    }

    /** What small unmaps leave is gathered by slot: a batch of 4 pages each would cost a frame each. */
    @Test
    void smallUnmapsShareABatch() {
        for (int i = 0; i < 50; i++) {
            world.mapNew(0, 4);
            world.unmap(RETIRE, 0, 4, false);
        }
        assertTrue(world.gathers.liveBatches() <= 1 + 200 / 64, "batches=" + world.gathers.liveBatches());
        assertEquals(50, world.flushed(GatherEvent.RETIRE));
        assertEquals(0, world.flushed(GatherEvent.WAIT));
        assertTrue(world.gathers.open.count() > 0);
        world.unmap(WAIT, 0, 512, true);
        world.requireNothingLeft();
        world.requireFramesInUse(0);
    }

    @Test
    void aFlushWaitsWhenThereIsTooMuchInLimbo() {
        final GatherWorld narrow = world(4096, 4096, 64 << 12);
        for (int i = 0; i < 20; i++) {
            narrow.mapNew(0, 600);
            narrow.unmap(RETIRE, 0, 600, false);
            assertTrue(narrow.gathers.limboBytes() <= 64 << 12, "limboBytes=" + narrow.gathers.limboBytes());
        }
        narrow.unmap(RETIRE, 0, 600, true);
        narrow.requireNothingLeft();
        narrow.requireFramesInUse(0);
    }

    /** And not for ever for a section that does not end. */
    @Test
    void aSectionThatStaysHoldsNobodyUp() throws Exception {
        final GatherWorld narrow = world(4096, 4096, 64 << 12);
        try (SmallMemory.Reader reader = new SmallMemory.Reader(narrow.cpus, "reader")) {
            narrow.mapNew(0, 600);
            narrow.unmap(RETIRE, 0, 600, true);
            assertTrue(narrow.flushed(GatherEvent.WAIT) > 0);
            assertTrue(narrow.gathers.limboBytes() >= 592 << 12);
            assertSame(reader.cpu, narrow.cpus.cpu(reader.cpu.index()));
        }
        narrow.requireNothingLeft();
        narrow.requireFramesInUse(0);
    }

    /** G9, RG5: the second finds nothing to clear, and must not return while a section may still have what the first cleared. */
    @Test
    void rg5TheSecondGatherFlushesForTheFirst() throws Exception {
        world.mapNew(0, 1);
        final MmuGather first = world.begin(WAIT);
        assertEquals(1, world.unmapper.slice(first, 0, 1, false, ClearedEntries.ANY));
        assertEquals(1, first.gathered());
        final long flushesBefore = world.epochs.flushes();
        world.unmap(WAIT, 0, 1, false);
        assertEquals(1, world.flushed(GatherEvent.NESTED));
        assertTrue(world.epochs.flushes() > flushesBefore, "nothing was flushed");
        requireWaitsForAReader(() -> world.unmap(WAIT, 0, 1, false));
        first.close();
        // Alone it has nothing to flush.
        world.unmap(WAIT, 0, 1, false);
        assertEquals(2, world.flushed(GatherEvent.NESTED));
        assertEquals(1, world.flushed(GatherEvent.NOTHING));
        world.unmap(WAIT, 0, 512, true);
        world.requireNothingLeft();
        world.requireFramesInUse(0);
    }

    /** Runs it beside a section that stays open: it must not return before that has ended. */
    private void requireWaitsForAReader(final Runnable flushing) throws Exception {
        final FutureTask<Void> task = new FutureTask<>(flushing, null);
        final Thread thread = new Thread(task, "flushes");
        try (SmallMemory.Reader reader = new SmallMemory.Reader(world.cpus, "reader")) {
            assertTrue(reader.cpu.index() >= 0);
            thread.start();
            while (thread.getState() != Thread.State.TIMED_WAITING) {
                assertTrue(thread.isAlive(), "did not wait for the section");
                Thread.onSpinWait();
            }
            assertFalse(task.isDone());
        }
        SmallMemory.join(task);
    }

    /** As protect does: lowers the permission of a page, if it is not as low already. */
    private void protect(final MmuGather gather, final long page) {
        final SpinLock lock = world.table.lockOf(page);
        lock.lock();
        final long entry = world.table.get(page);
        if (SpaceEntry.has(entry, SpaceEntry.WRITABLE)) {
            world.table.replaceNoFlush(page, SpaceEntry.present(SpaceEntry.nativePage(entry), SpaceEntry.READABLE));
            gather.touch(page);
        }
        lock.unlock();
    }

    /** RG2: one has lowered a permission and not flushed; another finds nothing to lower, and stores may be under way. */
    @Test
    void rg2WhoFindsThePermissionLoweredFlushesForWhoLoweredIt() throws Exception {
        world.mapNew(0, 1);
        final MmuGather first = world.begin(WAIT);
        protect(first, 0);
        assertEquals(1, first.endPage());
        requireWaitsForAReader(() -> {
            try (MmuGather second = world.begin(WAIT)) {
                protect(second, 0);
                assertEquals(0, second.endPage());
            }
        });
        assertEquals(1, world.flushed(GatherEvent.NESTED));
        first.close();
        world.unmap(WAIT, 0, 512, true);
        world.requireNothingLeft();
        world.requireFramesInUse(0);
    }

    /** RG6: a frame of the caller's, not counted; who has it unmapped second may use it anew, and so must wait for the first. */
    @Test
    void rg6UnmappingSpecialFramesTwiceWaitsForTheFirst() throws Exception {
        final long callers = world.frame();
        world.set(3, SpaceEntry.present(world.frames.memory().nativeAddress(callers), SpaceEntry.READABLE | SpaceEntry.SPECIAL));
        final MmuGather first = world.begin(WAIT);
        world.unmapper.slice(first, 3, 4, false, ClearedEntries.ANY);
        assertEquals(0, first.gathered());
        assertEquals(4, first.endPage(), "nothing to free, and yet to be flushed");
        requireWaitsForAReader(() -> world.unmap(WAIT, 3, 4, false));
        requireWaitsForAReader(first::flush);
        first.close();
        world.free(callers);
        world.unmap(WAIT, 0, 512, true);
        world.requireNothingLeft();
        world.requireFramesInUse(0);
    }

    /** RG7: no memory for a batch changes nothing for tables: a walker that is in one keeps it. */
    @Test
    void rg7ATableWaitsForWalkersWithoutMemoryForABatch() throws Exception {
        world.gathers.batches.failing = () -> true;
        world.mapNew(0, 1);
        try (SmallMemory.Reader reader = new SmallMemory.Reader(world.cpus, "reader")) {
            assertTrue(reader.cpu.index() >= 0);
            final Cpu cpu = world.cpus.enter();
            world.unmap(RETIRE, 0, 512, true);
            cpu.exit();
            assertEquals(0, world.table.attachedLeaves());
            for (int i = 0; i < 4; i++) {
                world.gathers.poll();
            }
            assertEquals(1, world.tables.inLimbo());
            assertEquals(1, world.tables.live());
        }
        world.requireNothingLeft();
        world.requireFramesInUse(0);
    }

    /** RG14: a gather that nobody has ended is seen. */
    @Test
    void anUnfinishedGatherIsSeen() {
        final MmuGather gather = world.begin(WAIT);
        assertEquals(1, world.gathers.underWay());
        assertThrows(AssertionError.class, world.gathers::verify);
        gather.close();
        world.gathers.verify();
    }

    @Test
    void flushingUnderALockIsCaught() {
        final MmuGather gather = world.begin(WAIT);
        gather.touch(1);
        final SpinLock lock = world.table.lockOf(0);
        lock.lock();
        assertThrows(AssertionError.class, gather::flush);
        lock.unlock();
        gather.close();
        assertThrows(AssertionError.class, gather::flush);
    }

    @Test
    void beginningAndEndingMakesNoGarbage() {
        final ThreadMXBean threads = (ThreadMXBean)ManagementFactory.getThreadMXBean();
        world.mapNew(0, 4);
        gatherNothing(20_000);
        final long before = threads.getThreadAllocatedBytes(Thread.currentThread().getId());
        gatherNothing(20_000);
        final long bytes = threads.getThreadAllocatedBytes(Thread.currentThread().getId()) - before;
        assertTrue(bytes < 20_000, "bytes=" + bytes);
        world.unmap(WAIT, 0, 512, true);
        world.requireNothingLeft();
    }

    private void gatherNothing(final int times) {
        for (int i = 0; i < times; i++) {
            world.unmap(RETIRE, 100, 104, false);
        }
    }
}
