package org.vellum.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.space.SpaceWorld.PAGE;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vellum.SmallMemory;
import org.vellum.cpu.Cpu;
import org.vellum.report.FaultHandlerException;
import org.vellum.report.PageFaultException;

/** What spaces show besides zeroes: files, what handlers give, frames of the caller's. */
final class SpaceBackingTest {
    @TempDir
    Path directory;

    private final SpaceWorld world = new SpaceWorld(1024);
    private final AddressSpace space = world.space(1 << 16);

    @AfterEach
    void closes() {
        world.close();
    }

    private Path file(final int pages) throws Exception {
        final ByteBuffer bytes = ByteBuffer.allocate((int)(pages * PAGE)).order(ByteOrder.nativeOrder());
        for (int page = 0; page < pages; page++) {
            bytes.putLong((int)(page * PAGE), page + 1);
        }
        return Files.write(directory.resolve("file" + pages), bytes.array());
    }

    private static long word(final Path file, final long page) throws Exception {
        return ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.nativeOrder()).getLong((int)(page * PAGE));
    }

    private long frame() {
        final Cpu cpu = world.cpus.enter();
        try {
            final long frame = world.frames.allocate(cpu, 0);
            world.frames.zero(frame, 0);
            return frame;
        } finally {
            cpu.exit();
        }
    }

    private void drop(final long frame) {
        final Cpu cpu = world.cpus.enter();
        try {
            world.frames.put(cpu, frame);
        } finally {
            cpu.exit();
        }
    }

    @Test
    void aSharedFileIsSeenByAllAndReachesTheDisk() throws Exception {
        final Path path = file(20);
        try (SpaceFile file = world.spaces.openFile(path, 20 * PAGE)) {
            final AddressSpace other = world.space(1 << 10);
            final long here = space.map(20 * PAGE, MapOptions.DEFAULT.shared().file(file, 0));
            final long there = other.map(10 * PAGE, MapOptions.DEFAULT.shared().file(file, 5 * PAGE));
            for (long page = 0; page < 20; page++) {
                assertEquals(page + 1, space.access().getLong(here + page * PAGE));
            }
            space.access().putLong(here + 7 * PAGE, 700);
            assertEquals(700, other.access().getLong(there + 2 * PAGE));
            other.access().putLong(there + 3 * PAGE, 800);
            assertEquals(800, space.access().getLong(here + 8 * PAGE));
            file.sync();
            assertEquals(700, word(path, 7));
            assertEquals(800, word(path, 8));
            // Clean by now, and dirty again.
            space.access().putLong(here + 7 * PAGE, 701);
            other.close();
            assertThrows(IllegalStateException.class, file::close);
            space.unmap(here, 20 * PAGE);
            world.settledFrames();
        }
        assertEquals(701, word(path, 7));
        world.requireFramesInUse(0);
    }

    @Test
    void aPrivateFileIsCopiedByTheFirstStore() throws Exception {
        final Path path = file(8);
        try (SpaceFile file = world.spaces.openFile(path, 8 * PAGE)) {
            final long mine = space.map(8 * PAGE, MapOptions.DEFAULT.file(file, 0));
            final long all = space.map(8 * PAGE, MapOptions.DEFAULT.shared().file(file, 0));
            assertEquals(3, space.access().getLong(mine + 2 * PAGE));
            space.access().putLong(mine + 2 * PAGE, 33);
            space.access().putLong(mine + 3 * PAGE, 44);
            assertEquals(33, space.access().getLong(mine + 2 * PAGE));
            assertEquals(3, space.access().getLong(all + 2 * PAGE));
            assertEquals(4, space.access().getLong(all + 3 * PAGE));
            space.access().putLong(all + 4 * PAGE, 55);
            assertEquals(55, space.access().getLong(mine + 4 * PAGE));
            // Taken away, the copy is gone, and the file shows again.
            space.advise(mine, 8 * PAGE, Advice.DONTNEED);
            assertEquals(3, space.access().getLong(mine + 2 * PAGE));
            assertThrows(IllegalArgumentException.class, () -> space.advise(mine, PAGE, Advice.FREE));
            space.advise(all, 8 * PAGE, Advice.WILLNEED);
            assertEquals(8, file.cachedPages());
            space.verify();
            space.unmap(mine, 8 * PAGE);
            space.unmap(all, 8 * PAGE);
            world.settledFrames();
        }
        assertEquals(3, word(path, 2));
        assertEquals(55, word(path, 4));
        world.requireFramesInUse(0);
    }

    @Test
    void beyondTheFileThereIsNothing() throws Exception {
        try (SpaceFile file = world.spaces.openFile(file(2), 2 * PAGE)) {
            final long at = space.map(4 * PAGE, MapOptions.DEFAULT.shared().file(file, 0));
            assertEquals(2, space.access().getLong(at + PAGE));
            assertThrows(PageFaultException.class, () -> space.access().getLong(at + 2 * PAGE));
            assertThrows(PageFaultException.class, () -> space.access().putLong(at + 3 * PAGE, 1));
            assertThrows(IllegalArgumentException.class, () -> MapOptions.DEFAULT.file(file, 5));
            assertThrows(IllegalArgumentException.class, () -> space.map(PAGE, MapOptions.DEFAULT.grows().file(file, 0)));
            space.unmap(at, 4 * PAGE);
            world.settledFrames();
        }
        world.requireFramesInUse(0);
    }

    @Test
    void aPieceThatWasCutOutIsNoMappingOfTheFile() throws Exception {
        try (SpaceFile file = world.spaces.openFile(file(30), 30 * PAGE)) {
            final long at = space.map(30 * PAGE, MapOptions.DEFAULT.shared().file(file, 0));
            space.unmap(at + 10 * PAGE, 10 * PAGE);
            assertEquals(2, file.mappingCount());
            space.access().putLong(at + 5 * PAGE, 50);
            space.access().putLong(at + 25 * PAGE, 250);
            file.sync();
            space.protect(at, 10 * PAGE, Region.READ);
            space.close();
            assertEquals(0, file.mappingCount());
        }
        assertEquals(50, word(directory.resolve("file30"), 5));
        assertEquals(250, word(directory.resolve("file30"), 25));
        world.requireFramesInUse(0);
    }

    /** A section that stays open leaves the end of a space to limbo: what was stored is the file's by then, and the file is mapped no more. */
    @Test
    void whatWasStoredIsTheFilesBeforeItsSpaceIsFreed() throws Exception {
        final Path path = file(4);
        final SpaceFile file = world.spaces.openFile(path, 4 * PAGE);
        final long at = space.map(4 * PAGE, MapOptions.DEFAULT.shared().file(file, 0));
        space.access().putLong(at + PAGE, 20);
        space.access().getLong(at + 2 * PAGE);
        try (SmallMemory.Reader reader = new SmallMemory.Reader(world.cpus, "reader")) {
            assertTrue(reader.cpu.index() >= 0);
            space.close();
            assertThrows(PageFaultException.class, () -> space.access().putLong(at + 2 * PAGE, 30));
        }
        // Nobody has polled since.
        assertEquals(1, file.dirtyPages());
        assertEquals(0, file.mappingCount());
        file.sync();
        assertEquals(20, word(path, 1));
        file.close();
        assertEquals(3, word(path, 2));
        world.requireFramesInUse(0);
    }

    /** The unmap returns early, and what it has left is the file's to wait for. */
    @Test
    void aFileIsClosedAfterAnUnmapThatWasInterrupted() throws Exception {
        final Path path = file(4);
        try (SpaceWorld slow = new SpaceWorld(64, true)) {
            final CountDownLatch goOn = new CountDownLatch(1);
            assertTrue(slow.worker.request(() -> {
                try {
                    goOn.await();
                } catch (final InterruptedException e) {
                    throw new AssertionError(e);
                }
            }));
            final AddressSpace mine = slow.space(1 << 16);
            final SpaceFile file = slow.spaces.openFile(path, 4 * PAGE);
            final long bytes = 1024 * PAGE;
            final long at = mine.map(bytes, MapOptions.DEFAULT.shared().file(file, 0));
            mine.access().putLong(at + PAGE, 20);
            Thread.currentThread().interrupt();
            mine.unmap(at, bytes);
            assertTrue(Thread.interrupted());
            assertEquals(1, mine.unfinished());
            try {
                file.close();
            } finally {
                goOn.countDown();
            }
            assertEquals(20, word(path, 1));
        }
    }

    @Test
    void aFileOfAnotherMemoryIsRefused() throws Exception {
        try (SpaceWorld elsewhere = new SpaceWorld(64); SpaceFile file = elsewhere.spaces.openFile(file(2), 2 * PAGE)) {
            final MapOptions options = MapOptions.DEFAULT.shared().file(file, 0);
            assertThrows(IllegalArgumentException.class, () -> space.map(2 * PAGE, options));
            assertThrows(IllegalArgumentException.class, () -> space.mapFixed(PAGE, 2 * PAGE, options));
            assertEquals("", space.maps());
            assertEquals(0, file.mappingCount());
        }
    }

    @Test
    void whatABackingDoesNotHaveIsAFaultOfTheVeryAddress() throws Exception {
        try (SpaceFile file = world.spaces.openFile(file(2), 2 * PAGE)) {
            final long at = space.map(4 * PAGE, MapOptions.DEFAULT.shared().file(file, 0));
            final PageFaultException e = assertThrows(PageFaultException.class, () -> space.access().putInt(at + 2 * PAGE + 40, 1));
            assertEquals(at + 2 * PAGE + 40, e.address());
            assertTrue(e.isWrite() && e.region().contains("rw"), () -> e.getMessage() + ", region=" + e.region());
            space.unmap(at, 4 * PAGE);
        }
    }

    /** Frames come with a flag that keeps their neighbours apart; whoever changes his mind gets neither. */
    @Test
    void theLastSourceOfPagesCounts() throws Exception {
        final long unused = frame();
        try (SpaceFile file = world.spaces.openFile(file(2), 2 * PAGE)) {
            final MapOptions options = MapOptions.DEFAULT.shared().frames(unused).file(file, 0);
            final long at = space.map(2 * PAGE, options);
            assertFalse(space.region(at).has(Region.RESERVED));
            space.unmap(at, 2 * PAGE);
        }
        drop(unused);
    }

    @Test
    void moreOfAFileThanThereIsMemory() throws Exception {
        final Path path = file(3000);
        try (SpaceFile file = world.spaces.openFile(path, 3000 * PAGE)) {
            final long at = space.map(3000 * PAGE, MapOptions.DEFAULT.shared().file(file, 0));
            for (long page = 0; page < 3000; page++) {
                if (page % 500 == 499) {
                    // What nobody shows can be dropped.
                    space.advise(at, page * PAGE, Advice.DONTNEED);
                }
                assertEquals(page + 1, space.access().getLong(at + page * PAGE), "page=" + page);
                space.access().putLong(at + page * PAGE, -page);
            }
            space.unmap(at, 3000 * PAGE);
            world.settledFrames();
        }
        for (long page = 0; page < 3000; page += 100) {
            assertEquals(-page, word(path, page));
        }
        world.requireFramesInUse(0);
    }

    @Test
    void aHandlerGivesFramesAndTheSpaceFreesThem() {
        final long at = space.map(4 * PAGE, MapOptions.DEFAULT.handler((address, write) -> frame()));
        space.access().putLong(at, 5);
        assertEquals(5, space.access().getLong(at));
        assertEquals(0, space.access().getLong(at + PAGE));
        space.verify();
        space.unmap(at, 4 * PAGE);
        world.requireFramesInUse(0);
    }

    @Test
    void aHandlerThatMisbehavesFailsTheFaultAndNothingElse() {
        final long own = space.map(PAGE);
        space.access().putLong(own, 1);
        final long taken;
        try (Cpu cpu = world.cpus.enter()) {
            taken = world.frames.memory().frameOf(space.access().readable(cpu, own));
        }
        final long free = frame();
        drop(free);
        final long[] given = {-1, 0, Long.MAX_VALUE, free, taken};
        for (final long frame : given) {
            final long at = space.map(PAGE, MapOptions.DEFAULT.handler((address, write) -> frame));
            assertThrows(FaultHandlerException.class, () -> space.access().putLong(at, 2), "frame=" + frame);
            assertThrows(FaultHandlerException.class, () -> space.access().getLong(at), "frame=" + frame);
            space.unmap(at, PAGE);
        }
        final long throwing = space.map(PAGE, MapOptions.DEFAULT.handler((address, write) -> {
            throw new IllegalStateException("no");
        }));
        final FaultHandlerException e = assertThrows(FaultHandlerException.class, () -> space.access().getLong(throwing));
        assertEquals("no", e.getCause().getMessage());
        final long[] again = new long[1];
        again[0] = space.map(PAGE, MapOptions.DEFAULT.handler((address, write) -> space.access().getLong(again[0])));
        assertThrows(FaultHandlerException.class, () -> space.access().getLong(again[0]));
        assertEquals(1, space.access().getLong(own));
        space.verify();
        space.close();
        world.requireFramesInUse(0);
    }

    @Test
    void reservedFramesAreTheCallersAndStayIt() {
        final long[] frames = {frame(), frame(), frame()};
        assertThrows(IllegalArgumentException.class, () -> space.map(4 * PAGE, MapOptions.DEFAULT.frames(frames)));
        final long at = space.map(3 * PAGE, MapOptions.DEFAULT.frames(frames));
        for (int i = 0; i < 3; i++) {
            space.access().putLong(at + i * PAGE, i + 10);
        }
        assertEquals(3 * PAGE, space.meminfo().reservedBytes());
        assertEquals(0, space.meminfo().residentBytes());
        space.protect(at, PAGE, Region.READ);
        assertThrows(PageFaultException.class, () -> space.access().putLong(at, 1));
        space.protect(at, PAGE, Region.READ | Region.WRITE);
        space.access().putLong(at, 10);
        space.verify();
        space.close();
        world.settledFrames();
        for (int i = 0; i < 3; i++) {
            assertEquals(1, world.frames.table().count(frames[i]));
            assertEquals(i + 10, org.agrona.UnsafeApi.getLong(world.frames.memory().nativeAddress(frames[i])));
            drop(frames[i]);
        }
        world.requireFramesInUse(0);
        assertTrue(world.spaces.all().isEmpty());
    }
}
