package org.vellum.kmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.kmap.HighWorld.PAGE;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.SmallMemory.Ear;
import org.vellum.cpu.CpuOptions;
import org.vellum.file.FakeIo;

/** Files that are closed twice, with nobody to lend a slot, while others use them, or after their memory. */
final class HighCloseTest {
    private static final Path PATH = Path.of("fake");
    private static final int PAGES = 16;

    private final FakeIo io = new FakeIo(PAGES * PAGE);

    private static HighMemory open(final HighWorld world, final FakeIo fake) {
        try {
            return world.cache.open(PATH, PAGES * PAGE, fake, fake);
        } catch (final IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Numbers of files come round: what is closed already does not ask after the pages of the next file of its number. */
    @Test
    void closedTwiceIsClosedOnceWhoeverHasTheNumberNow() {
        final HighWorld world = new HighWorld(4);
        final HighMemory high = open(world, io);
        final long frame = high.frame(0);
        high.close();
        for (int i = 1; i < HighFiles.MAX; i++) {
            open(world, new FakeIo(PAGE)).close();
        }
        final FakeIo other = new FakeIo(PAGES * PAGE);
        final HighMemory next = open(world, other);
        assertEquals(frame, next.frame(0), "the same number");
        final int index = world.pin(next.frame(0), true);
        high.close();
        assertThrows(IllegalStateException.class, next::close);
        world.cache.unpin(index);
        next.close();
        assertTrue(other.closed);
        world.requireClosed();
    }

    /** The frames need a slot to go back through: without one they stay, and serve the next file. */
    @Test
    void withoutASlotTheFramesAreKeptForTheNextFile() throws Exception {
        final HighWorld world = new HighWorld(4,
            CpuOptions.forThisMachine().withCachedSlots(1).withMaxSlots(1).withSlotWaitNanos(TimeUnit.MILLISECONDS.toNanos(1)));
        final HighMemory high = open(world, io);
        world.put(high.frame(0), 0, 7);
        world.put(high.frame(1), 0, 8);
        try (SmallMemory.Reader reader = new SmallMemory.Reader(world.cpus, "has the only slot")) {
            assertEquals(0, reader.cpu.index());
            high.close();
        }
        assertTrue(io.closed);
        assertEquals(7, io.getLong(0));
        assertEquals(2, world.cache.size());
        world.cache.verify();
        final HighMemory next = open(world, new FakeIo(PAGES * PAGE));
        assertEquals(0, world.get(next.frame(3), 0));
        assertEquals(2, world.cache.size(), "no third one");
        next.close();
        world.requireClosed();
    }

    /** Whoever had a hit just before the end keeps its file open: that is told, and the other files are closed all the same. */
    @Test
    void aPageThatIsMappedWhileAllIsClosedIsReported() {
        final HighWorld world = new HighWorld(4);
        final HighMemory high = open(world, io);
        final FakeIo other = new FakeIo(PAGES * PAGE);
        final HighMemory second = open(world, other);
        world.put(high.frame(0), 0, 7);
        world.put(second.frame(0), 0, 8);
        final AtomicInteger index = new AtomicInteger(-1);
        io.beforeForce = (position, bytes) -> index.set(world.cache.tryPin(high.frame(0), true));
        final Ear ear = new Ear();
        world.cache.lifecycle.closeAll(ear);
        assertTrue(ear.heard("releaseFailed high memory " + IllegalStateException.class.getName() + ": pages are mapped: count=1"),
            ear.heard.toString());
        assertTrue(other.closed);
        assertEquals(8, other.getLong(0));
        io.beforeForce = (position, bytes) -> { };
        world.cache.unpin(index.get());
        high.close();
        assertEquals(7, io.getLong(0));
        world.requireClosed();
    }

    /** The device was full when the memory was closed: once there is room, what was kept can still be written. */
    @Test
    void whatCouldNotBeWrittenInTimeCanBeAfterTheMemoryIsClosed() throws Exception {
        final KmapWorld world = new KmapWorld(KmapWorld.SMALL);
        final HighMemory high = world.kmap.openHigh(PATH, PAGES * PAGE, io);
        world.fill(high.frame(2), 7);
        io.limit = 0;
        world.close();
        io.limit = Long.MAX_VALUE;
        high.close();
        assertEquals(7, io.getLong(2 * PAGE));
        assertTrue(io.closed);
    }
}
