package org.vellum.kmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.kmap.KmapWorld.FORCED;
import static org.vellum.kmap.KmapWorld.PAGE;
import static org.vellum.kmap.KmapWorld.SMALL;
import static org.vellum.kmap.KmapWorld.WINDOW;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vellum.SmallMemory;
import org.vellum.file.FakeIo;
import org.vellum.kmap.KmapWorld.Task;

/** Files that are broken, slow, full or cut off, seen through maps: clear errors, maps and window as they were, nothing lost. */
final class KmapFailureTest {
    private static final Path PATH = Path.of("fake");
    private static final int PAGES = 32;

    @TempDir
    Path directory;

    private final FakeIo io = new FakeIo(PAGES * PAGE);

    private HighMemory open(final KmapWorld world) {
        try {
            return world.kmap.openHigh(PATH, (long)PAGES * PAGE, io);
        } catch (final IOException e) {
            throw new AssertionError(e);
        }
    }

    private void breakPage(final int page) {
        io.beforeRead = (position, bytes) -> {
            if (position == (long)page * PAGE) {
                throw new IOException("bad sector");
            }
        };
    }

    private void mend() {
        io.beforeRead = (position, bytes) -> { };
    }

    private static void requireBadSector(final HighMemoryException failed, final long frame) {
        assertEquals(frame, failed.frame());
        assertSame(PATH, failed.path());
        assertTrue(failed.getMessage().contains("cannot read") && failed.getMessage().contains("bad sector"), failed.getMessage());
    }

    @Test
    void aPageThatCannotBeReadTakesNoPlaceOnTheStack() {
        try (KmapWorld world = new KmapWorld(SMALL); HighMemory high = open(world)) {
            final Kmap kmap = world.kmap;
            final long low = world.frames(1)[0];
            final long bad = high.frame(5);
            world.fill(high.frame(1), 11);
            breakPage(5);
            requireBadSector(assertThrows(HighMemoryException.class, () -> kmap.kmapLocal(bad)), bad);
            requireBadSector(assertThrows(HighMemoryException.class, () -> kmap.kmapLocalReadOnly(null, bad)), bad);
            requireBadSector(assertThrows(HighMemoryException.class, () -> kmap.zeroFrame(bad)), bad);
            // The inner map of the two, and the outer one.
            requireBadSector(assertThrows(HighMemoryException.class, () -> kmap.copyFrame(bad, low)), bad);
            requireBadSector(assertThrows(HighMemoryException.class, () -> kmap.copyFrame(low, bad)), bad);
            requireBadSector(assertThrows(HighMemoryException.class, () -> high.prefetch(bad)), bad);
            assertFalse(world.memory.cpus().inSection());
            world.requireQuiet();
            assertEquals(11, world.look(high.frame(1)));
            mend();
            world.fill(bad, 5);
            assertEquals(5, world.look(bad));
        }
        assertEquals(5, io.getLong(5 * PAGE));
    }

    @Test
    void aPageThatCannotBeReadTakesNoSlotOfTheWindow() throws Exception {
        try (KmapWorld world = new KmapWorld(SMALL); HighMemory high = open(world)) {
            final Kmap kmap = world.kmap;
            final long bad = high.frame(5);
            final long kept = kmap.kmap(high.frame(1));
            world.put(kept, 11);
            breakPage(5);
            for (int i = 0; i < 2 * WINDOW; i++) {
                requireBadSector(assertThrows(HighMemoryException.class, () -> kmap.kmap(bad)), bad);
                requireBadSector(assertThrows(HighMemoryException.class, () -> kmap.kmap(bad, 0)), bad);
                requireBadSector(assertThrows(HighMemoryException.class, () -> kmap.kmapReadOnly(bad)), bad);
                assertEquals(Kmap.NOT_MAPPED, kmap.kmapIfMapped(bad));
            }
            assertEquals(1, kmap.sharedUsers());
            assertEquals(0, kmap.flushes());
            kmap.verify();
            // All the other slots are there, and their cache frames.
            final long[] others = new long[WINDOW - 1];
            for (int i = 0; i < others.length; i++) {
                others[i] = kmap.kmap(high.frame(10 + i), 0);
            }
            for (final long address : others) {
                kmap.kunmap(address);
            }
            mend();
            final long address = kmap.kmap(bad);
            world.put(address, 5);
            assertEquals(11, world.get(kept));
            kmap.kunmap(address);
            kmap.kunmap(kept);
            world.requireQuiet();
        }
        assertEquals(11, io.getLong(PAGE));
        assertEquals(5, io.getLong(5 * PAGE));
    }

    /** RK2: whoever was woken for a slot, and then cannot read its page, keeps neither the slot nor the wake-up that the next waits for. */
    @Test
    void whoeverFailsWithASlotToBeHadLeavesItToTheNext() throws Exception {
        try (KmapWorld world = new KmapWorld(FORCED); HighMemory high = open(world)) {
            final Kmap kmap = world.kmap;
            final long[] frames = world.frames(WINDOW + 1);
            final long[] full = new long[WINDOW];
            for (int i = 0; i < WINDOW; i++) {
                full[i] = kmap.kmap(frames[i]);
            }
            breakPage(5);
            final Task<Void> failing = new Task<>("failing", () -> {
                requireBadSector(assertThrows(HighMemoryException.class, () -> kmap.kmap(high.frame(5))), high.frame(5));
                return null;
            });
            failing.awaitParkedIn(Waiters.class);
            final Task<Long> behind = new Task<>("behind", () -> kmap.kmap(frames[WINDOW]));
            behind.awaitParkedIn(Waiters.class);
            kmap.kunmap(full[0]);
            failing.join();
            full[0] = behind.join();
            for (final long address : full) {
                kmap.kunmap(address);
            }
            world.requireQuiet();
        }
    }

    /** What needs I/O comes before the slot, of a processor or of the window: a slow device is in nobody's way. */
    @Test
    void whileAPageIsReadItsReaderHoldsNoSlot() throws Exception {
        try (KmapWorld world = new KmapWorld(FORCED, 1); HighMemory high = open(world)) {
            final Kmap kmap = world.kmap;
            final long[] frames = world.frames(WINDOW);
            final CountDownLatch seen = new CountDownLatch(2);
            io.beforeRead = (position, bytes) -> {
                assertFalse(world.memory.cpus().inSection());
                assertEquals(0, kmap.localMaps());
                try {
                    // Another thread has the only slot that threads can be on, and all slots of the window.
                    SmallMemory.inThread(() -> {
                        final long[] all = new long[WINDOW];
                        for (int i = 0; i < WINDOW; i++) {
                            all[i] = kmap.kmap(frames[i], 0);
                        }
                        kmap.kunmapLocal(kmap.kmapLocal(frames[0]));
                        for (final long address : all) {
                            kmap.kunmap(address);
                        }
                        return null;
                    });
                } catch (final Exception e) {
                    throw new AssertionError(e);
                }
                seen.countDown();
            };
            kmap.kunmapLocal(kmap.kmapLocal(high.frame(1)));
            assertEquals(1, seen.getCount());
            kmap.kunmap(kmap.kmap(high.frame(2)));
            assertEquals(0, seen.getCount());
            mend();
            world.requireQuiet();
        }
    }

    /** RK3: the first waits for the disk, and the second for the first; it is read once, and mapped once. */
    @Test
    void twoThatMapOnePageWhileItIsReadConverge() throws Exception {
        try (KmapWorld world = new KmapWorld(SMALL); HighMemory high = open(world)) {
            final Kmap kmap = world.kmap;
            final AtomicReference<Task<Long>> second = new AtomicReference<>();
            io.beforeRead = (position, bytes) -> {
                second.set(new Task<>("second", () -> kmap.kmap(high.frame(3))));
                second.get().awaitParkedIn(Waiters.class);
                assertEquals(Kmap.NOT_MAPPED, kmap.kmapIfMapped(high.frame(3)));
            };
            final long address = kmap.kmap(high.frame(3));
            assertEquals(address, second.get().join());
            assertEquals(1, io.reads.get());
            assertEquals(1, kmap.sharedMaps());
            assertEquals(2, kmap.sharedUsers());
            mend();
            kmap.kunmap(address);
            kmap.kunmap(address);
            // The pin of the one that joined is gone: the slot's own goes with the flush, and then the file can be closed.
            assertEquals(1, kmap.flushUnused());
            world.requireQuiet();
        }
    }

    /** The first fails, and the second, which had relied on it, does not. */
    @Test
    void theSecondReadsThePageThatTheFirstCouldNot() throws Exception {
        try (KmapWorld world = new KmapWorld(SMALL); HighMemory high = open(world)) {
            final Kmap kmap = world.kmap;
            final AtomicReference<Task<Long>> second = new AtomicReference<>();
            final AtomicBoolean once = new AtomicBoolean();
            io.beforeRead = (position, bytes) -> {
                if (once.compareAndSet(false, true)) {
                    second.set(new Task<>("second", () -> kmap.kmap(high.frame(3))));
                    second.get().awaitParkedIn(Waiters.class);
                    throw new IOException("bad sector");
                }
            };
            requireBadSector(assertThrows(HighMemoryException.class, () -> kmap.kmap(high.frame(3))), high.frame(3));
            kmap.kunmap(second.get().join());
            world.requireQuiet();
        }
    }

    /** Dirty pages that find no place on the disk stay where they are, and keep others out: which are told, and find no maps changed. */
    @Test
    void aFullDiskLosesNothing() throws Exception {
        try (KmapWorld world = new KmapWorld(SMALL)) {
            final HighMemory high = open(world);
            final Kmap kmap = world.kmap;
            io.limit = 0;
            for (int i = 0; i < WINDOW - 1; i++) {
                world.fill(high.frame(i), 100 + i);
            }
            final long shared = kmap.kmap(high.frame(WINDOW - 1));
            world.put(shared, 100 + WINDOW - 1);
            for (int i = 0; i < 2 * WINDOW; i++) {
                final long other = high.frame(WINDOW + i);
                for (final HighMemoryException failed : new HighMemoryException[] {
                    assertThrows(HighMemoryException.class, () -> kmap.kmapLocal(other)),
                    assertThrows(HighMemoryException.class, () -> kmap.kmap(other)),
                    assertThrows(HighMemoryException.class, () -> kmap.zeroFrame(other))}) {
                    final String text = failed.getMessage();
                    assertTrue(text.contains("cannot write page=") && text.contains("No space left"), text);
                }
            }
            assertThrows(HighMemoryException.class, high::force);
            assertFalse(world.memory.cpus().inSection());
            assertEquals(0, kmap.localMaps());
            assertEquals(1, kmap.sharedUsers());
            kmap.verify();
            for (int i = 0; i < WINDOW; i++) {
                assertEquals(100 + i, world.look(high.frame(i)), "page=" + i);
            }
            kmap.kunmap(shared);
            assertThrows(HighMemoryException.class, high::close);
            for (int i = 0; i < WINDOW; i++) {
                assertEquals(100 + i, world.look(high.frame(i)), "still open, page=" + i);
            }
            // Somebody makes room.
            io.limit = Long.MAX_VALUE;
            assertEquals(0, world.look(high.frame(2 * WINDOW)));
            high.close();
            for (int i = 0; i < WINDOW; i++) {
                assertEquals(100 + i, io.getLong(i * PAGE));
            }
            assertTrue(io.closed);
            world.requireQuiet();
        }
    }

    /** Room for some: what is written is in the file, and what is not is here. */
    @Test
    void aDiskThatBecomesFullKeepsWhatItHas() {
        try (KmapWorld world = new KmapWorld(SMALL)) {
            final HighMemory high = open(world);
            io.limit = 6 * PAGE;
            int refused = 0;
            final long[] model = new long[PAGES];
            for (int i = 0; i < PAGES; i++) {
                try {
                    world.fill(high.frame(i), 100 + i);
                    model[i] = 100 + i;
                } catch (final HighMemoryException e) {
                    refused++;
                }
            }
            assertTrue(refused > 0 && refused < PAGES - 6, "refused=" + refused);
            io.limit = Long.MAX_VALUE;
            for (int i = 0; i < PAGES; i++) {
                assertEquals(model[i], world.look(high.frame(i)), "page=" + i);
            }
            high.close();
            for (int i = 0; i < PAGES; i++) {
                assertEquals(model[i], io.getLong(i * PAGE), "page=" + i);
            }
        }
    }

    /** Nobody is left to try again then: it is told, and how. */
    @Test
    void whatCannotBeWrittenWhenTheMemoryIsClosedIsReported() {
        final KmapWorld world = new KmapWorld(SMALL);
        final HighMemory high = open(world);
        world.fill(high.frame(2), 7);
        io.limit = 0;
        world.close();
        assertTrue(world.ear.heard("releaseFailed high memory " + HighMemoryException.class.getName() + ": cannot write page=2"),
            world.ear.heard.toString());
    }

    /** With a page mapped, it is written as it is, and told of. */
    @Test
    void pagesThatAreMappedWhenTheMemoryIsClosedAreWrittenAndReported() throws Exception {
        final KmapWorld world = new KmapWorld(SMALL);
        final HighMemory high = open(world);
        world.put(world.kmap.kmap(high.frame(1)), 8);
        world.fill(high.frame(2), 9);
        world.close();
        assertEquals(8, io.getLong(PAGE));
        assertEquals(9, io.getLong(2 * PAGE));
        assertTrue(world.ear.heard("leaked kmap count=1 bytes=4096"), world.ear.heard.toString());
        assertTrue(world.ear.heard("leaked high memory count=1 bytes=4096 1 pages are mapped of fake"), world.ear.heard.toString());
    }

    @Test
    void aFileThatIsCutOffUnderMapsIsTold() throws Exception {
        final Path path = directory.resolve("cut");
        try (KmapWorld world = new KmapWorld(SMALL)) {
            final Kmap kmap = world.kmap;
            final HighMemory high = kmap.openHigh(path, 16L * PAGE);
            for (int i = 0; i < 10; i++) {
                world.fill(high.frame(i), 100 + i);
            }
            high.force();
            final long shared = kmap.kmap(high.frame(8));
            storeAcrossTheCut(world, high, path);
            // Page 9 goes, and makes the file as long as it was: what lies between is lost all the same, and not zero.
            for (int i = 0; i < 3; i++) {
                assertEquals(100 + i, world.look(high.frame(i)));
            }
            assertEquals(10L * PAGE, KmapWorld.size(path));
            for (final int lost : new int[] {4, 5, 7}) {
                final HighMemoryException one = assertThrows(HighMemoryException.class, () -> kmap.kmapLocal(high.frame(lost)));
                final HighMemoryException two = assertThrows(HighMemoryException.class, () -> kmap.kmap(high.frame(lost)));
                for (final HighMemoryException e : new HighMemoryException[] {one, two}) {
                    assertEquals(high.frame(lost), e.frame());
                    assertTrue(e.getMessage().contains("truncated") && e.getMessage().contains(path.toString()), e.getMessage());
                }
            }
            assertEquals(1, kmap.sharedUsers());
            assertEquals(0, kmap.localMaps());
            // What is in the cache, or still in the file, is there.
            assertEquals(108, world.get(shared));
            assertEquals(102, world.look(high.frame(2)));
            world.put(shared, 208);
            kmap.kunmap(shared);
            for (int i = 0; i < 2; i++) {
                assertTrue(assertThrows(HighMemoryException.class, high::force).getMessage().contains("truncated"));
                assertEquals(208, KmapWorld.plain(path, 8L * PAGE));
                assertEquals(209, KmapWorld.plain(path, 9L * PAGE));
                assertThrows(HighMemoryException.class, () -> kmap.kmapLocal(high.frame(5)));
                assertEquals(209, world.look(high.frame(9)));
                assertEquals(0, world.look(high.frame(12)), "was never there");
            }
            assertTrue(assertThrows(HighMemoryException.class, high::close).getMessage().contains("truncated"));
            world.requireQuiet();
            try (HighMemory anew = kmap.openHigh(path, 16L * PAGE)) {
                assertEquals(0, world.look(anew.frame(5)));
                assertEquals(208, world.look(anew.frame(8)));
            }
        }
    }

    /** All that was cut off is still in the cache, clean and dirty: then nothing is lost, and it is as if it had not been. */
    @Test
    void whatTheCacheHasOfAFileThatWasCutOffIsWrittenAgain() {
        final Path path = directory.resolve("saved");
        try (KmapWorld world = new KmapWorld(SMALL); HighMemory high = world.kmap.openHigh(path, 16L * PAGE)) {
            for (int i = 0; i < WINDOW; i++) {
                world.fill(high.frame(i), 100 + i);
            }
            high.force();
            world.fill(high.frame(2), 202);
            HighWorld.truncate(path, PAGE + 100);
            assertTrue(assertThrows(HighMemoryException.class, high::force).getMessage().contains("truncated"));
            for (int i = 0; i < WINDOW; i++) {
                assertEquals(i == 2 ? 202 : 100 + i, KmapWorld.plain(path, (long)i * PAGE), "page=" + i);
            }
            high.force();
            for (int i = 0; i < 16; i++) {
                assertEquals(i == 2 ? 202 : i < WINDOW ? 100 + i : 0, world.look(high.frame(i)), "page=" + i);
            }
            // And once more: what was written again is lost again.
            HighWorld.truncate(path, 2L * PAGE);
            assertThrows(HighMemoryException.class, () -> world.kmap.kmapLocal(high.frame(2)));
            assertEquals(101, world.look(high.frame(1)));
            world.requireQuiet();
        } catch (final HighMemoryException e) {
            assertTrue(e.getMessage().contains("truncated"), e.getMessage());
        }
    }

    /** A local map of page 9 is open while the file is cut off behind page 3, and is stored to afterwards. */
    private static void storeAcrossTheCut(final KmapWorld world, final HighMemory high, final Path path) {
        final long address = world.kmap.kmapLocal(high.frame(9));
        HighWorld.truncate(path, 4L * PAGE);
        assertEquals(109, world.get(address));
        world.put(address, 209);
        world.kmap.kunmapLocal(address);
    }
}
