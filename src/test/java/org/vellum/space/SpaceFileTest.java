package org.vellum.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.vellum.SmallMemory;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.SpinLock;
import org.vellum.file.FakeIo;
import org.vellum.frame.FrameTable;
import org.vellum.frame.PhysicalMemory;
import org.vellum.gather.GatherMode;
import org.vellum.mmu.SpaceEntry;
import org.vellum.report.ExhaustedException;
import org.vellum.report.FileException;
import org.vellum.report.Listener;
import org.vellum.report.PageFaultException;
import org.vellum.report.WouldWaitException;

/** The pages of one file: in memory once, written once they were stored to, and everything that can happen to the file meanwhile. */
final class SpaceFileTest {
    private static final int PAGE = 4096;
    private static final int PAGES = 64;

    private final BackingWorld world = new BackingWorld(256);
    private final BackingWorld.Space space = world.new Space(1024);
    private final BackingWorld.Space other = world.new Space(1024);
    private final FakeIo io = new FakeIo(PAGES * PAGE);

    @TempDir
    private Path directory;

    private SpaceFile open() {
        return world.files.open("fake", PAGES * PAGE, io);
    }

    /** Page p holds p + 1000 at its start. */
    private SpaceFile openFilled() {
        final ByteBuffer words = ByteBuffer.allocate(PAGE).order(ByteOrder.nativeOrder());
        for (int page = 0; page < PAGES; page++) {
            words.clear();
            words.putLong(0, page + 1000);
            try {
                io.write(words, (long)page * PAGE);
            } catch (final IOException e) {
                throw new AssertionError(e);
            }
        }
        io.writes.set(0);
        io.written.clear();
        return open();
    }

    private void close(final SpaceFile file) {
        space.unmap(0, 1024, GatherMode.WAIT);
        other.unmap(0, 1024, GatherMode.WAIT);
        file.close();
        assertTrue(io.closed);
        space.verify();
        other.verify();
        world.requireQuiet(0);
    }

    private long frameOf(final BackingWorld.Space where, final long page) {
        return world.frames.memory().frameOf(SpaceEntry.nativePage(where.table.get(page)));
    }

    private static <T> FutureTask<T> start(final Callable<T> body) {
        final FutureTask<T> task = new FutureTask<>(body);
        new Thread(task, "other").start();
        return task;
    }

    @Test
    void eachPageIsInMemoryOnceWhoeverMapsIt() {
        final SpaceFile file = openFilled();
        space.mapShared(16, 32, file, 0);
        other.mapShared(100, 110, file, 3);
        assertEquals(1003, space.load(19, 0));
        assertEquals(1003, other.load(100, 0));
        assertEquals(1, io.reads.get());
        final long frame = frameOf(space, 19);
        assertEquals(frame, frameOf(other, 100));
        assertEquals(3, world.frames.table().count(frame), "the cache, and two entries");
        assertEquals(file.id(), world.frames.table().mapper(frame));
        other.store(100, 8, 5);
        assertEquals(5, space.load(19, 8));
        assertEquals(1, file.cachedPages());
        file.verify();
        close(file);
        assertEquals(5, io.getLong(3 * PAGE + 8));
    }

    @Test
    void neighboursOfOneFileJoin() {
        final SpaceFile file = openFilled();
        space.mapShared(16, 20, file, 0);
        space.mapShared(20, 24, file, 4);
        assertEquals(24, space.index.find(16).endPage());
        close(file);
    }

    @Test
    void syncWritesWhatWasStoredAndNothingElse() {
        final SpaceFile file = openFilled();
        space.mapShared(16, 16 + PAGES, file, 0);
        for (int page = 0; page < PAGES; page++) {
            space.load(16 + page, 0);
        }
        file.sync();
        assertEquals(0, io.writes.get());
        space.store(16 + 5, 8, 1);
        space.store(16 + 6, 8, 2);
        space.store(16 + 9, 8, 3);
        file.sync();
        assertEquals(List.of(5L * PAGE, 9L * PAGE), io.written, "neighbours by one call");
        assertEquals(2, io.getLong(6 * PAGE + 8));
        assertEquals(1006, io.getLong(6 * PAGE));
        assertEquals(0, file.dirtyPages());
        assertFalse(SpaceEntry.has(space.table.get(16 + 5), SpaceEntry.DIRTY));
        file.sync();
        assertEquals(2, io.writes.get());
        // Stored again: dirty again, without a fault.
        final int reads = io.reads.get();
        space.store(16 + 5, 8, 4);
        file.sync();
        assertEquals(4, io.getLong(5 * PAGE + 8));
        assertEquals(reads, io.reads.get());
        close(file);
    }

    @Test
    void whatWasStoredThroughEitherOfTwoMappingsIsWritten() {
        final SpaceFile file = openFilled();
        space.mapShared(16, 20, file, 0);
        other.mapShared(30, 34, file, 2);
        space.store(17, 0, 1);
        other.store(31, 0, 2);
        file.sync();
        assertEquals(1, io.getLong(PAGE));
        assertEquals(2, io.getLong(3 * PAGE));
        close(file);
    }

    @Test
    void unmappingTellsTheFileWhatIsDirty() {
        final SpaceFile file = openFilled();
        space.mapShared(16, 20, file, 0);
        space.store(17, 0, 1);
        assertEquals(0, file.dirtyPages(), "it does not know yet");
        space.unmap(16, 20, GatherMode.RETIRE);
        assertEquals(1, file.dirtyPages());
        assertEquals(0, io.writes.get());
        file.sync();
        assertEquals(1, io.getLong(PAGE));
        close(file);
    }

    @Test
    void aPrivateMappingNeverMakesThePageDirty() {
        final SpaceFile file = openFilled();
        space.map(16, 20, Region.READ | Region.WRITE, file.backing(), 0);
        assertEquals(1001, space.load(17, 0));
        // As if it had been copied: another frame, stored to.
        final long copy = world.allocate(0);
        final long original = frameOf(space, 17);
        final SpinLock leaf = world.lockOf(space.table, 17);
        space.table.replaceNoFlush(17, SpaceEntry.present(world.frames.memory().nativeAddress(copy),
            SpaceEntry.READABLE | SpaceEntry.WRITABLE | SpaceEntry.ACCESSED | SpaceEntry.DIRTY));
        leaf.unlock();
        world.epochs.synchronize();
        world.put(original);
        file.sync();
        assertTrue(SpaceEntry.has(space.table.get(17), SpaceEntry.DIRTY));
        space.unmap(16, 20, GatherMode.WAIT);
        assertEquals(0, file.dirtyPages());
        close(file);
        assertEquals(0, io.writes.get());
    }

    @Test
    void cleaningLeavesAloneWhatIsNotTheFilesFrame() {
        final SpaceFile file = openFilled();
        space.mapShared(16, 20, file, 0);
        other.mapShared(16, 20, file, 0);
        space.store(17, 0, 1);
        // Claims that page 18 shows file page 1, which it does not.
        space.store(18, 0, 2);
        FileCleaner.cleanNoFlush(space.table, file, 18, 1, 1);
        assertTrue(SpaceEntry.has(space.table.get(18), SpaceEntry.DIRTY));
        close(file);
        assertEquals(2, io.getLong(2 * PAGE));
    }

    @Test
    void zeroesBehindTheEndOfTheFile() {
        final SpaceFile file = open();
        space.mapShared(16, 32, file, 0);
        assertEquals(0, space.load(20, 0));
        file.sync();
        assertEquals(0, io.size(), "reading makes nothing longer");
        space.store(20, 16, 7);
        file.sync();
        assertEquals(5 * PAGE, io.size());
        assertEquals(7, io.getLong(4 * PAGE + 16));
        close(file);
    }

    @Test
    void beyondItsBytesIsAPageFault() {
        final SpaceFile file = world.files.open("fake", 3 * PAGE - 8, io);
        assertEquals(3, file.pages());
        space.mapShared(16, 32, file, 0);
        space.store(18, 0, 1);
        space.store(18, PAGE - 16, 2);
        space.store(18, PAGE - 8, 3);
        final PageFaultException e = assertThrows(PageFaultException.class, () -> space.load(19, 0));
        assertEquals(19 * PAGE, e.address());
        file.sync();
        assertEquals(3 * PAGE - 8, io.size(), "what lies beyond is not written");
        assertEquals(2, io.getLong(3 * PAGE - 16));
        close(file);
    }

    @Test
    void insideASectionOnlyWhatIsThere() {
        final SpaceFile file = openFilled();
        space.mapShared(16, 32, file, 0);
        assertEquals(4, file.readAhead(0, 4));
        final Cpu cpu = world.cpus.enter();
        try {
            assertEquals(1002, space.load(18, 0));
            assertThrows(WouldWaitException.class, () -> space.load(20, 0));
            assertThrows(IllegalStateException.class, () -> file.readAhead(4, 1));
            assertThrows(IllegalStateException.class, file::sync);
            assertThrows(IllegalStateException.class, file::close);
        } finally {
            cpu.exit();
        }
        assertEquals(1004, space.load(20, 0));
        close(file);
    }

    @Test
    void readAheadReadsNeighboursTogetherAndNothingTwice() {
        final SpaceFile file = openFilled();
        assertEquals(1, file.readAhead(7, 1));
        assertEquals(PAGES - 1, file.readAhead(0, Long.MAX_VALUE));
        // Page 7; 0 to 6; 8 to 63 by sixteen.
        assertEquals(1 + 1 + 4, io.reads.get());
        assertEquals(0, file.readAhead(0, PAGES));
        assertEquals(0, file.readAhead(PAGES, 5));
        assertEquals(0, file.readAhead(Long.MAX_VALUE, Long.MAX_VALUE));
        assertThrows(IllegalArgumentException.class, () -> file.readAhead(-1, 1));
        assertThrows(IllegalArgumentException.class, () -> file.readAhead(1, -1));
        space.mapShared(16, 16 + PAGES, file, 0);
        for (int page = 0; page < PAGES; page++) {
            assertEquals(page + 1000, space.load(16 + page, 0));
        }
        assertEquals(6, io.reads.get());
        close(file);
    }

    @Test
    void aReadAheadThatFailsLeavesNothing() {
        final SpaceFile file = openFilled();
        io.beforeRead = (position, bytes) -> {
            throw new IOException("broken");
        };
        final FileException e = assertThrows(FileException.class, () -> file.readAhead(2, 8));
        assertEquals(2, e.page());
        assertEquals("fake", e.path());
        assertEquals(0, file.cachedPages());
        world.requireQuiet(0);
        io.beforeRead = (position, bytes) -> { };
        assertEquals(8, file.readAhead(2, 8));
        close(file);
    }

    @Test
    void readAheadStopsWhenMemoryIsShort() {
        final BackingWorld small = new BackingWorld(32);
        final SpaceFile file = small.files.open("fake", PAGES * PAGE, io);
        final long got = file.readAhead(0, PAGES);
        assertTrue(got > 16 && got <= 32, "got=" + got);
        assertEquals(got, file.cachedPages());
        file.verify();
        file.close();
        small.requireQuiet(0);
    }

    @Test
    void oneReadsAndTheOthersGetWhatItGot() throws Exception {
        final SpaceFile file = openFilled();
        final CountDownLatch reading = new CountDownLatch(1);
        final CountDownLatch goOn = new CountDownLatch(1);
        io.beforeRead = (position, bytes) -> {
            reading.countDown();
            await(goOn);
        };
        final List<FutureTask<Long>> tasks = new ArrayList<>();
        tasks.add(start(() -> file.frame(3, 0, true)));
        reading.await();
        for (int i = 0; i < 4; i++) {
            tasks.add(start(() -> file.frame(3, 0, true)));
        }
        // In a section it does not wait for the reader.
        final Cpu cpu = world.cpus.enter();
        assertThrows(WouldWaitException.class, () -> file.frame(3, 0, false));
        cpu.exit();
        goOn.countDown();
        final long frame = tasks.get(0).get();
        for (final FutureTask<Long> task : tasks) {
            assertEquals(frame, task.get());
        }
        assertEquals(1, io.reads.get());
        assertEquals(1 + tasks.size(), world.frames.table().count(frame));
        for (int i = 0; i < tasks.size(); i++) {
            file.giveBack(frame);
        }
        close(file);
    }

    private static void await(final CountDownLatch latch) {
        try {
            latch.await();
        } catch (final InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aReadThatFailsIsAnErrorInAllWhoWait() throws Exception {
        final SpaceFile file = openFilled();
        final CountDownLatch reading = new CountDownLatch(1);
        final CountDownLatch goOn = new CountDownLatch(1);
        io.beforeRead = (position, bytes) -> {
            reading.countDown();
            await(goOn);
            throw new IOException("broken");
        };
        final FutureTask<Throwable> first = start(() -> assertThrows(FileException.class, () -> file.frame(3, 0, true)));
        reading.await();
        final Thread[] who = new Thread[2];
        final List<FutureTask<Throwable>> waiting = new ArrayList<>();
        for (int i = 0; i < who.length; i++) {
            final FutureTask<Throwable> task =
                new FutureTask<>(() -> assertThrows(FileException.class, () -> file.frame(3, 0, true)));
            who[i] = new Thread(task, "waiter");
            who[i].start();
            waiting.add(task);
        }
        for (final Thread thread : who) {
            while (thread.getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
        }
        goOn.countDown();
        final Throwable cause = first.get().getCause();
        for (final FutureTask<Throwable> task : waiting) {
            assertNotEquals(first.get(), task.get(), "each has its own stack");
            assertSame(cause, task.get().getCause());
            assertEquals(3, ((FileException)task.get()).page());
        }
        assertEquals(1, io.reads.get());
        assertEquals(0, file.cachedPages());
        io.beforeRead = (position, bytes) -> { };
        space.mapShared(16, 20, file, 0);
        assertEquals(1003, space.load(19, 0));
        close(file);
    }

    @Test
    void anInterruptedWaiterWaitsAndKeepsItsInterrupt() throws Exception {
        final SpaceFile file = openFilled();
        final CountDownLatch reading = new CountDownLatch(1);
        final CountDownLatch goOn = new CountDownLatch(1);
        io.beforeRead = (position, bytes) -> {
            reading.countDown();
            await(goOn);
        };
        final FutureTask<Long> first = start(() -> file.frame(3, 0, true));
        reading.await();
        final FutureTask<Long> second = start(() -> {
            Thread.currentThread().interrupt();
            final long frame = file.frame(3, 0, true);
            assertTrue(Thread.interrupted());
            return frame;
        });
        goOn.countDown();
        assertEquals(first.get(), second.get());
        file.giveBack(first.get());
        file.giveBack(first.get());
        close(file);
    }

    @Test
    void noFrameIsNoErrorOfTheFile() {
        final BackingWorld small = new BackingWorld(24);
        final SpaceFile file = small.files.open("fake", PAGES * PAGE, io);
        final BackingWorld.Space where = small.new Space(128);
        where.mapShared(16, 16 + PAGES, file, 0);
        final ExhaustedException e = assertThrows(ExhaustedException.class, () -> {
            for (int page = 0; page < PAGES; page++) {
                where.store(16 + page, 0, page + 1);
            }
        });
        assertEquals(ExhaustedException.Resource.FRAMES, e.resource());
        file.verify();
        // What is mapped cannot be dropped, what is not can, dirty or not.
        assertEquals(0, small.files.drop(100));
        where.unmap(16, 18, GatherMode.WAIT);
        small.gathers.settle();
        assertEquals(2, small.files.drop(100));
        assertEquals(1, io.getLong(0));
        assertEquals(2, io.getLong(PAGE));
        where.unmap(18, 16 + PAGES, GatherMode.WAIT);
        file.close();
        small.requireQuiet(0);
    }

    @Test
    void dropTakesCleanPagesFirst() {
        final SpaceFile file = openFilled();
        space.mapShared(16, 32, file, 0);
        space.store(16, 8, 1);
        space.load(17, 0);
        space.load(18, 0);
        space.unmap(16, 18, GatherMode.WAIT);
        assertEquals(1, file.drop(1));
        assertEquals(0, io.writes.get());
        assertEquals(2, file.cachedPages());
        final Cpu cpu = world.cpus.enter();
        assertEquals(0, file.drop(1), "a section writes nothing");
        cpu.exit();
        assertEquals(1, file.drop(100), "what is mapped stays");
        assertEquals(1, io.writes.get());
        assertEquals(1002, space.load(18, 0));
        space.mapShared(16, 17, file, 0);
        assertEquals(1, space.load(16, 8));
        close(file);
    }

    @Test
    void dropKeepsWhatCannotBeWritten() {
        final SpaceFile file = openFilled();
        space.mapShared(16, 32, file, 0);
        space.store(16, 8, 1);
        space.unmap(16, 32, GatherMode.WAIT);
        io.beforeWrite = (position, bytes) -> {
            throw new IOException("broken");
        };
        assertEquals(0, file.drop(1));
        assertEquals(1, file.dirtyPages());
        assertThrows(FileException.class, file::sync);
        io.beforeWrite = (position, bytes) -> { };
        assertEquals(1, file.drop(1));
        assertEquals(1, io.getLong(8));
        close(file);
    }

    /** RG3, step by step: a store through an entry that was dirty when it was found, while the file is being cleaned. */
    @Test
    void aStoreInFlightIsInWhatIsWritten() throws Exception {
        final SpaceFile file = openFilled();
        space.mapShared(16, 20, file, 0);
        space.store(17, 0, 1);
        final CountDownLatch found = new CountDownLatch(1);
        final CountDownLatch store = new CountDownLatch(1);
        final FutureTask<Long> writer = start(() -> space.access(17, true, nativePage -> {
            found.countDown();
            await(store);
            UnsafeApi.putLong(nativePage, 2);
            return 0;
        }));
        found.await();
        final FutureTask<Boolean> sync = new FutureTask<>(() -> {
            file.sync();
            return true;
        });
        final Thread syncs = new Thread(sync, "sync");
        syncs.start();
        // It is clean in the entry, and waits for the section; if it did not, it would be through.
        while (SpaceEntry.has(space.table.get(17), SpaceEntry.DIRTY) || syncs.getState() == Thread.State.RUNNABLE) {
            Thread.onSpinWait();
        }
        assertFalse(sync.isDone());
        store.countDown();
        writer.get();
        sync.get();
        assertEquals(2, io.getLong(PAGE));
        assertEquals(0, file.dirtyPages());
        close(file);
    }

    @Test
    void aStoreDuringTheWriteKeepsThePageDirty() {
        final SpaceFile file = openFilled();
        space.mapShared(16, 20, file, 0);
        space.store(17, 0, 1);
        final AtomicInteger once = new AtomicInteger();
        io.beforeWrite = (position, bytes) -> {
            if (once.getAndIncrement() == 0) {
                space.store(17, 0, 2);
            }
        };
        file.sync();
        assertEquals(1, io.getLong(PAGE));
        file.sync();
        assertEquals(2, io.getLong(PAGE));
        close(file);
    }

    @Test
    void unmappingDuringTheWriteKeepsThePageDirty() {
        final SpaceFile file = openFilled();
        space.mapShared(16, 20, file, 0);
        space.store(17, 0, 1);
        final AtomicInteger once = new AtomicInteger();
        io.beforeWrite = (position, bytes) -> {
            if (once.getAndIncrement() == 0) {
                space.store(17, 0, 2);
                space.unmap(16, 20, GatherMode.RETIRE);
            }
        };
        file.sync();
        assertEquals(1, file.dirtyPages());
        close(file);
        assertEquals(2, io.getLong(PAGE));
    }

    @Test
    void aFullDiskLosesNothing() {
        final SpaceFile file = open();
        space.mapShared(16, 32, file, 0);
        io.limit = 2 * PAGE;
        for (int page = 0; page < 4; page++) {
            space.store(16 + page, 0, page + 1);
        }
        final FileException e = assertThrows(FileException.class, file::sync);
        assertTrue(e.getMessage().contains("No space left"), e.getMessage());
        assertTrue(e.getMessage().contains("fake"), e.getMessage());
        assertEquals(4, file.dirtyPages());
        space.unmap(16, 32, GatherMode.WAIT);
        assertThrows(FileException.class, file::close);
        assertFalse(io.closed);
        // It is open still.
        space.mapShared(16, 32, file, 0);
        assertEquals(4, space.load(19, 0));
        io.limit = Long.MAX_VALUE;
        file.sync();
        assertEquals(4, io.getLong(3 * PAGE));
        close(file);
    }

    @Test
    void writesThatAreShortAreGoneOnWith() {
        final SpaceFile file = openFilled();
        io.portion = 100;
        space.mapShared(16, 32, file, 0);
        assertEquals(1003, space.load(19, 0));
        space.store(19, PAGE - 8, 9);
        file.sync();
        assertEquals(9, io.getLong(4 * PAGE - 8));
        close(file);
    }

    @Test
    void whatCouldNotBeForcedIsWrittenAgain() {
        final SpaceFile file = openFilled();
        space.mapShared(16, 32, file, 0);
        space.store(17, 0, 1);
        space.store(19, 0, 1);
        io.beforeForce = (position, bytes) -> {
            throw new IOException("lost");
        };
        assertThrows(FileException.class, file::sync);
        io.beforeForce = (position, bytes) -> { };
        io.written.clear();
        file.sync();
        assertEquals(List.of((long)PAGE, 3L * PAGE), io.written);
        close(file);
    }

    @Test
    void aCutIsNotReadAsZeroes() {
        final SpaceFile file = openFilled();
        space.mapShared(16, 16 + PAGES, file, 0);
        assertEquals(1000, space.load(16, 0));
        io.truncate(4 * PAGE);
        final FileException e = assertThrows(FileException.class, () -> space.load(16 + 8, 0));
        assertInstanceOf(EOFException.class, e.getCause());
        assertEquals(8, e.page());
        assertEquals(1003, space.load(16 + 3, 0));
        // What is here is written, and makes it longer; what lies between is lost all the same.
        space.store(16 + 2, 0, 1);
        assertThrows(FileException.class, file::sync);
        assertThrows(FileException.class, () -> space.load(16 + 9, 0));
        space.unmap(16, 16 + PAGES, GatherMode.WAIT);
        assertThrows(FileException.class, file::close);
        assertTrue(io.closed);
        assertEquals(1, io.getLong(2 * PAGE));
        world.requireQuiet(0);
    }

    @Test
    void aCutIsFoundByTheWriteThatWouldHideIt() {
        final SpaceFile file = openFilled();
        space.mapShared(16, 16 + PAGES, file, 0);
        space.store(16 + PAGES - 1, 0, 1);
        io.truncate(4 * PAGE);
        assertThrows(FileException.class, file::sync);
        assertEquals(PAGES * PAGE, io.size());
        // Zeroes by now, that nobody has stored.
        assertThrows(FileException.class, () -> space.load(16 + 9, 0));
        // What was cut off, and is here, stays.
        space.unmap(16, 16 + PAGES, GatherMode.WAIT);
        assertEquals(0, file.drop(100));
        assertThrows(FileException.class, file::close);
        world.requireQuiet(0);
    }

    @Test
    void aCutOfWhatIsAllInMemoryIsMended() {
        final SpaceFile file = openFilled();
        space.mapShared(16, 16 + PAGES, file, 0);
        file.readAhead(PAGES - 4, 4);
        io.truncate((PAGES - 4) * PAGE);
        assertThrows(FileException.class, file::sync);
        assertEquals(PAGES * PAGE, io.size());
        assertEquals(1000 + PAGES - 2, io.getLong((PAGES - 2) * PAGE));
        file.sync();
        assertEquals(4, file.drop(100));
        assertEquals(1000 + PAGES - 2, space.load(16 + PAGES - 2, 0));
        close(file);
    }

    @Test
    void aCutInTheMiddleOfASync() {
        final SpaceFile file = openFilled();
        space.mapShared(16, 16 + PAGES, file, 0);
        file.readAhead(0, PAGES);
        space.store(16, 0, 1);
        final AtomicInteger once = new AtomicInteger();
        space.store(16 + 40, 0, 2);
        io.beforeWrite = (position, bytes) -> {
            if (once.getAndIncrement() == 0) {
                io.truncate(8 * PAGE);
            }
        };
        assertThrows(FileException.class, file::sync);
        file.sync();
        for (int page = 1; page < PAGES; page++) {
            assertEquals(page == 40 ? 2 : page + 1000, io.getLong(page * PAGE), "page=" + page);
        }
        close(file);
    }

    @Test
    void closeIsRefusedWhileItIsMapped() {
        final SpaceFile file = openFilled();
        space.mapShared(16, 20, file, 0);
        other.mapShared(16, 20, file, 0);
        space.store(16, 0, 1);
        final IllegalStateException e = assertThrows(IllegalStateException.class, file::close);
        assertTrue(e.getMessage().contains("mappings=2"), e.getMessage());
        assertEquals(2, file.mappingCount());
        // Nothing has happened.
        space.store(17, 0, 2);
        file.sync();
        other.unmap(16, 20, GatherMode.WAIT);
        // A hole leaves two pieces.
        space.unmap(17, 19, GatherMode.WAIT);
        assertEquals(2, file.mappingCount());
        space.unmap(16, 17, GatherMode.WAIT);
        assertEquals(1, file.mappingCount());
        space.store(19, 0, 3);
        file.sync();
        assertEquals(3, io.getLong(3 * PAGE));
        close(file);
    }

    @Test
    void afterItIsClosed() {
        final SpaceFile file = openFilled();
        close(file);
        file.close();
        assertThrows(IllegalStateException.class, file::sync);
        assertThrows(IllegalStateException.class, () -> file.readAhead(0, 1));
        final IllegalStateException e = assertThrows(IllegalStateException.class, () -> space.mapShared(16, 20, file, 0));
        assertTrue(e.getMessage().contains("fake"), e.getMessage());
        assertEquals(0, file.drop(1));
        // A fault whose region has ended meanwhile.
        final PageFaultException fault = assertThrows(PageFaultException.class, () -> file.frame(3, 19 * PAGE, true));
        assertEquals(19 * PAGE, fault.address());
        assertEquals(0, file.cachedPages());
        world.requireQuiet(0);
    }

    @Test
    void whatIsPinnedOutlivesTheFile() {
        final SpaceFile file = openFilled();
        final long frame = file.frame(3, 0, true);
        file.close();
        assertEquals(1, world.frames.table().count(frame));
        assertEquals(1003, world.word(frame));
        file.giveBack(frame);
        assertNotEquals(FrameTable.ALLOCATED, world.frames.table().state(frame));
        world.requireQuiet(0);
    }

    @Test
    void aFaultThatIsLateForTheCloseWaitsAndGetsNothing() throws Exception {
        final SpaceFile file = openFilled();
        final CountDownLatch reading = new CountDownLatch(1);
        final CountDownLatch goOn = new CountDownLatch(1);
        io.beforeRead = (position, bytes) -> {
            reading.countDown();
            await(goOn);
        };
        space.mapShared(16, 20, file, 0);
        final FutureTask<Boolean> fault = start(() -> space.fault(17, false));
        reading.await();
        space.unmap(16, 20, GatherMode.WAIT);
        final FutureTask<Boolean> close = start(() -> {
            file.close();
            return true;
        });
        while (!file.isClosed()) {
            Thread.onSpinWait();
        }
        goOn.countDown();
        assertFalse(fault.get());
        close.get();
        assertEquals(0, file.cachedPages());
        world.requireQuiet(0);
    }

    @Test
    void aSecondOpenIsRefused() throws Exception {
        final Path path = directory.resolve("file");
        try (SpaceFile file = world.files.open(path, PAGE)) {
            final Path link = Files.createLink(directory.resolve("link"), path);
            final IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> world.files.open(link, PAGE));
            assertTrue(e.getMessage().contains(file.toString()), e.getMessage());
            file.sync();
        }
        world.files.open(path, PAGE).close();
    }

    @Test
    void badPathsAndSizes() throws Exception {
        assertThrows(IllegalArgumentException.class, () -> world.files.open(directory, PAGE));
        final Path path = directory.resolve("file");
        for (final long bytes : new long[] {0, -1, SpaceFile.MAX_BYTES + 1, Long.MIN_VALUE, Long.MAX_VALUE}) {
            assertThrows(IllegalArgumentException.class, () -> world.files.open(path, bytes));
        }
        assertFalse(Files.exists(path));
        assertThrows(NullPointerException.class, () -> world.files.open(null, PAGE));
        final FileException e =
            assertThrows(FileException.class, () -> world.files.open(directory.resolve("none/file"), PAGE));
        assertEquals(FileException.NO_PAGE, e.page());
        world.files.open(path, SpaceFile.MAX_BYTES).close();
        world.requireQuiet(0);
    }

    @Test
    void aRealFileSurvivesInterruptsAndItsClosing() throws Exception {
        final Path path = directory.resolve("file");
        Files.write(path, new byte[] {1, 2, 3, 4, 5, 6, 7, 8});
        final SpaceFile file = world.files.open(path, 10 * PAGE);
        space.mapShared(16, 26, file, 0);
        Thread.currentThread().interrupt();
        assertEquals(0x0807060504030201L, space.load(16, 0));
        space.store(20, 0, 42);
        file.sync();
        assertTrue(Thread.interrupted());
        space.unmap(16, 26, GatherMode.WAIT);
        file.close();
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            assertEquals(5 * PAGE, channel.size());
            final ByteBuffer word = ByteBuffer.allocate(8).order(ByteOrder.nativeOrder());
            channel.read(word, 4 * PAGE);
            assertEquals(42, word.getLong(0));
        }
        world.requireQuiet(0);
    }

    @Test
    void closingAllTellsWhatCouldNotBeClosed() {
        final SpaceFile file = openFilled();
        world.files.open("second", PAGE, new FakeIo(PAGE));
        space.mapShared(16, 20, file, 0);
        final List<Long> heard = new ArrayList<>();
        world.files.closeAll(new Listener() {
            @Override
            public void releaseFailed(final String what, final long token, final Throwable error) {
                heard.add(token);
            }
        });
        assertEquals(List.of(file.id()), heard);
        assertEquals(List.of(file), world.files.all());
        close(file);
    }

    /** What is called inside sections waits for nobody who just opens a file. */
    @Test
    @Timeout(60)
    void insideASectionNobodyWaitsForAnOpen() throws Exception {
        final SpaceFile file = openFilled();
        final long frame = file.frame(0, 0, true);
        final CountDownLatch opening = new CountDownLatch(1);
        final CountDownLatch goOn = new CountDownLatch(1);
        final Object slow = new Object() {
            @Override
            public int hashCode() {
                opening.countDown();
                await(goOn);
                return 1;
            }
        };
        final FutureTask<SpaceFile> second = start(() -> world.files.open("slow", PAGE, new FakeIo(PAGE), slow, () -> { }));
        await(opening);
        final Cpu cpu = world.cpus.enter();
        try {
            world.files.dirtied(file.id(), frame);
            assertEquals(0, world.files.drop(1));
        } finally {
            cpu.exit();
            goOn.countDown();
        }
        assertEquals(1, file.dirtyPages());
        file.giveBack(frame);
        SmallMemory.join(second).close();
        close(file);
    }

    @Test
    void aFrameIsNeverTwoFiles() {
        final SpaceFile first = openFilled();
        final SpaceFile second = world.files.open("second", PAGE, new FakeIo(PAGE));
        final long frame = first.frame(0, 0, true);
        final long otherFrame = second.frame(0, 0, true);
        assertNotEquals(PhysicalMemory.NO_FRAME, otherFrame);
        assertNotEquals(world.frames.table().mapper(frame), world.frames.table().mapper(otherFrame));
        first.giveBack(frame);
        second.giveBack(otherFrame);
        second.close();
        close(first);
    }
}
