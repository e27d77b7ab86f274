package org.vellum.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.space.SpaceWorld.PAGE;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.FutureTask;
import org.agrona.UnsafeApi;
import org.agrona.concurrent.AtomicBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vellum.SmallMemory;
import org.vellum.cpu.Cpu;
import org.vellum.mmu.SpaceEntry;
import org.vellum.report.PageFaultException;

/** Those who use a space from outside: pins, users, all of its locks, views; and spaces whose translations are in a hash, too. */
final class SpaceUseTest {
    private final SpaceWorld world = new SpaceWorld(1024);
    private final AddressSpace space = world.space(1 << 16);

    @AfterEach
    void closes() {
        world.close();
    }

    private static <T> T inAnotherThread(final java.util.concurrent.Callable<T> body) throws Exception {
        final FutureTask<T> task = new FutureTask<>(body);
        new Thread(task, "another").start();
        return SmallMemory.join(task);
    }

    @Test
    void whatIsPinnedOutlivesItsMappingAndItsSpace() {
        final long at = space.map(20 * PAGE);
        for (long page = 0; page < 20; page++) {
            space.access().putLong(at + page * PAGE, page + 1);
        }
        final long[] frames = new long[16];
        assertEquals(16, space.pages().pinFast(at / PAGE, 16, true, frames, 0));
        assertEquals(16, world.spaces.stats().pins());
        space.unmap(at, 20 * PAGE);
        space.close();
        world.settledFrames();
        for (int i = 0; i < 16; i++) {
            assertEquals(i + 1, UnsafeApi.getLong(world.frames.memory().nativeAddress(frames[i])));
        }
        space.pages().unpin(frames, 0, 16, false);
        assertEquals(0, world.spaces.stats().pins());
        world.requireFramesInUse(0);
    }

    /** Who stores by a pin sets no D in the entry, so a page that was given up meanwhile must not be dropped for that. */
    @Test
    void whatIsPinnedIsNotGivenUp() {
        final long at = space.map(2 * PAGE);
        space.access().putLong(at, 1);
        space.access().putLong(at + PAGE, 2);
        final long[] frames = new long[1];
        assertEquals(1, space.pages().pin(at / PAGE, 1, true, frames, 0));
        space.advise(at, 2 * PAGE, Advice.FREE);
        UnsafeApi.putLong(world.frames.memory().nativeAddress(frames[0]), 10);
        space.pages().unpin(frames, 0, 1, true);
        world.epochs.synchronize();
        assertEquals(1, world.spaces.purge());
        assertEquals(10, space.access().getLong(at));
        assertEquals(0, space.access().getLong(at + PAGE));
        space.verify();
    }

    @Test
    void whatIsNotThereIsPinnedTheSlowWay() {
        final long at = space.map(8 * PAGE);
        final long[] frames = new long[8];
        assertEquals(0, space.pages().pinFast(at / PAGE, 8, true, frames, 0));
        assertEquals(8, space.pages().pin(at / PAGE, 8, true, frames, 0));
        UnsafeApi.putLong(world.frames.memory().nativeAddress(frames[3]), 33);
        assertEquals(33, space.access().getLong(at + 3 * PAGE));
        space.pages().unpin(frames, 0, 8, true);
        assertThrows(PageFaultException.class, () -> space.pages().pin(1000, 1, false, frames, 0));
        space.unmap(at, 8 * PAGE);
        world.requireFramesInUse(0);
    }

    @Test
    void theLastUserEndsTheSpace() throws Exception {
        final long at = space.map(10 * PAGE);
        space.access().putLong(at, 5);
        assertTrue(space.tryRetain());
        space.close();
        assertThrows(IllegalStateException.class, () -> space.map(PAGE));
        // Its other user goes on.
        assertEquals(5, space.access().getLong(at));
        space.access().putLong(at + PAGE, 6);
        assertTrue(world.settledFrames() > 0);
        inAnotherThread(() -> {
            space.release();
            return null;
        });
        assertFalse(space.tryRetain());
        assertThrows(IllegalStateException.class, space::release);
        assertThrows(PageFaultException.class, () -> space.access().getLong(at));
        world.requireFramesInUse(0);
    }

    /** G13: a walker that never used the space looks at it while its only user takes everything away. */
    @Test
    void aWalkerThatNeverUsedTheSpaceSeesNothingFreedUnderIt() throws Exception {
        final long at = space.map(4 * PAGE);
        space.access().putLong(at, 77);
        final AddressSpace walked = space;
        try (SmallMemory.Reader walker = new SmallMemory.Reader(world.cpus, "walker")) {
            assertTrue(walker.cpu.index() >= 0);
            final long entry = walked.descriptor().table.get(at / PAGE);
            assertTrue(SpaceEntry.isPresent(entry));
            final long before = world.frames.allocatedFrames();
            space.unmap(at, 4 * PAGE);
            space.close();
            world.spaces.poll();
            world.frames.drainIdle();
            assertTrue(world.frames.allocatedFrames() >= before, "a frame or a table was freed under a walker");
            assertEquals(77, UnsafeApi.getLong(SpaceEntry.nativePage(entry)));
        }
        world.requireFramesInUse(0);
    }

    @Test
    void allLocksAreHeldUntilTheyAreGivenBack() throws Exception {
        for (int i = 0; i < 50; i++) {
            space.mapFixed((100 + 2L * i) * PAGE, PAGE, MapOptions.DEFAULT);
            space.access().putLong((100 + 2L * i) * PAGE, i);
        }
        final AddressSpace other = world.space(100);
        final long there = other.map(10 * PAGE);
        try (SpaceLocks locks = space.takeAllLocks()) {
            assertEquals(50, locks.count());
            // Another space does not care.
            assertEquals(9, inAnotherThread(() -> {
                other.access().putLong(there + PAGE, 9);
                return other.access().getLong(there + PAGE);
            }));
            // Nor do those who touch what is there, or fault in a region that has its family.
            assertEquals(7, inAnotherThread(() -> space.access().getLong((100 + 14L) * PAGE)));
        }
        Thread.currentThread().interrupt();
        assertThrows(InterruptedException.class, space::takeAllLocks);
        assertFalse(Thread.interrupted());
        space.unmap(100 * PAGE, 200 * PAGE);
        other.close();
        world.requireFramesInUse(0);
    }

    @Test
    void whoHasAllLocksCannotEndTheSpaceAndMayLater() throws Exception {
        space.map(10 * PAGE);
        assertTrue(space.tryRetain());
        try (SpaceLocks locks = space.takeAllLocks()) {
            assertEquals(0, locks.count());
            assertThrows(IllegalStateException.class, space::close);
            assertThrows(IllegalStateException.class, space::release);
        }
        space.close();
        assertEquals(1, world.spaces.stats().spaces());
        space.release();
        assertEquals(0, world.spaces.stats().spaces());
    }

    /** It would wait for itself. */
    @Test
    void whoHasAllLocksCannotSynchronizeAFileOfTheSpace(@TempDir final Path directory) throws Exception {
        try (SpaceFile file = world.spaces.openFile(directory.resolve("file"), PAGE)) {
            final long at = space.map(PAGE, MapOptions.DEFAULT.shared().file(file, 0));
            space.access().putLong(at, 5);
            try (SpaceLocks locks = space.takeAllLocks()) {
                assertEquals(1, locks.count());
                assertThrows(IllegalStateException.class, file::sync);
                assertThrows(IllegalStateException.class, file::mappingCount);
            }
            file.sync();
            space.close();
        }
        assertEquals(PAGE, Files.size(directory.resolve("file")));
    }

    @Test
    void aViewIsAnAgronaBuffer() {
        final long at = space.map(4 * PAGE);
        final AtomicBuffer view = space.buffer(at, (int)(4 * PAGE));
        view.putStringUtf8((int)PAGE - 3, "across two pages");
        assertEquals("across two pages", view.getStringUtf8((int)PAGE - 3));
        assertEquals(3, view.getAndAddLong(0, 0) + 3);
        space.unmap(at + 2 * PAGE, PAGE);
        assertThrows(PageFaultException.class, () -> view.getLong((int)(2 * PAGE)));
        assertThrows(IndexOutOfBoundsException.class, () -> view.getLong((int)(4 * PAGE) - 4));
    }

    @Test
    void faultsNameTheVeryAddress() {
        final long at = space.map(PAGE, MapOptions.DEFAULT.readOnly());
        final PageFaultException write = assertThrows(PageFaultException.class, () -> space.access().putInt(at + 12, 1));
        assertEquals(at + 12, write.address());
        assertTrue(write.isWrite() && write.region().contains("r-"), write::getMessage);
        final PageFaultException nothing = assertThrows(PageFaultException.class, () -> space.access().getInt(at + PAGE + 20));
        assertEquals(at + PAGE + 20, nothing.address());
        assertFalse(nothing.isWrite());
    }

    @Test
    void aHashSaysTheSameAsTheTable() {
        final AddressSpace hashed = world.spaces.create(SpaceOptions.of(1000 * PAGE).withHash(8).withLockCount(2));
        final long at = hashed.map(600 * PAGE);
        for (int round = 0; round < 3; round++) {
            for (long page = 0; page < 600; page += 1 + round) {
                assertEquals(0, hashed.access().getLong(at + page * PAGE + 16 * round));
                hashed.access().putLong(at + page * PAGE + 16 * round, page + round);
                assertEquals(page + round, hashed.access().getLong(at + page * PAGE + 16 * round));
            }
            hashed.verify();
        }
        hashed.protect(at, 300 * PAGE, Region.READ);
        assertThrows(PageFaultException.class, () -> hashed.access().putLong(at + 299 * PAGE, 1));
        hashed.access().putLong(at + 300 * PAGE, 1);
        hashed.advise(at, 100 * PAGE, Advice.DONTNEED);
        assertEquals(0, hashed.access().getLong(at + 5 * PAGE));
        hashed.advise(at + 300 * PAGE, 200 * PAGE, Advice.FREE);
        hashed.access().putLong(at + 301 * PAGE, 2);
        hashed.verify();
        assertTrue(hashed.descriptor().hash.verifyNoDuplicates() > 0);
        try (Cpu cpu = world.cpus.enter()) {
            hashed.access().putLong(cpu, at + 302 * PAGE, 3);
            assertEquals(3, hashed.access().getLong(at + 302 * PAGE));
        }
        assertThrows(PageFaultException.class, () -> hashed.access().getLong(1 << 30));
        hashed.unmap(at + 10 * PAGE, 400 * PAGE);
        hashed.verify();
        assertThrows(PageFaultException.class, () -> hashed.access().getLong(at + 15 * PAGE));
        hashed.close();
        assertThrows(PageFaultException.class, () -> hashed.access().getLong(at));
        world.requireFramesInUse(1);
    }
}
