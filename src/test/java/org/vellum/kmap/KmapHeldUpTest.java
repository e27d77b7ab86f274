package org.vellum.kmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.kmap.KmapWorld.FORCED;
import static org.vellum.kmap.KmapWorld.PAGE;
import static org.vellum.kmap.KmapWorld.SMALL;
import static org.vellum.kmap.KmapWorld.WINDOW;

import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vellum.SmallMemory.Reader;
import org.vellum.epoch.Epochs;
import org.vellum.kmap.KmapWorld.Task;

/** A section holds the window's flush up, and with it a cache frame; whoever wants one must not be deaf meanwhile. */
final class KmapHeldUpTest {
    @TempDir
    Path directory;

    private final KmapWorld world = new KmapWorld(SMALL);
    private final Kmap kmap = world.kmap;
    private final long[] shared = new long[WINDOW - 2];
    private final CountDownLatch unmap = new CountDownLatch(1);
    private HighMemory high;
    private Task<Void> local;

    /** Of the cache frames one has an unused slot, one a local map, and the others are mapped by all. */
    @BeforeEach
    void fill() throws Exception {
        high = kmap.openHigh(directory.resolve("high"), 16L * PAGE);
        kmap.kunmap(kmap.kmap(high.frame(0)));
        for (int i = 0; i < shared.length; i++) {
            shared[i] = kmap.kmap(high.frame(1 + i));
        }
        final CountDownLatch mapped = new CountDownLatch(1);
        local = new Task<>("local", () -> {
            final long address = kmap.kmapLocal(high.frame(WINDOW - 1));
            mapped.countDown();
            unmap.await();
            kmap.kunmapLocal(address);
            return null;
        });
        mapped.await();
    }

    @AfterEach
    void isWhole() throws Exception {
        unmap.countDown();
        local.join();
        for (final long address : shared) {
            kmap.kunmap(address);
        }
        high.close();
        world.requireQuiet();
        world.close();
    }

    /** The frame of an unmap is there to be had, whatever becomes of the flush. */
    @Test
    void whoeverWaitsForTheFlushSeesAFrameThatBecomesFree() throws Exception {
        try (Reader reader = new Reader(world.memory, "reader")) {
            assertTrue(reader.cpu.index() >= 0);
            final Task<Long> waiter = new Task<>("waiter", () -> world.look(high.frame(8)));
            waiter.awaitParkedIn(Epochs.class);
            unmap.countDown();
            local.join();
            assertEquals(0, waiter.join());
        }
    }

    @Test
    void whoeverWaitsForTheFlushCanBeInterrupted() throws Exception {
        final Task<Void> waiter = new Task<>("waiter", () -> {
            assertThrows(InterruptedException.class, () -> kmap.kmap(high.frame(8)));
            return null;
        });
        waiter.awaitParkedIn(Epochs.class);
        waiter.thread.interrupt();
        waiter.join();
    }

    /** What was cleared while somebody waited for the flush keeps it from ending: then no slot became free, and none is told of. */
    @Test
    void aFlushThatIsOvertakenByAnotherFreesNothing() throws Exception {
        try (KmapWorld forced = new KmapWorld(FORCED)) {
            final long[] frames = forced.frames(2);
            forced.kmap.kunmap(forced.kmap.kmap(frames[0]));
            final long second = forced.kmap.kmap(frames[1]);
            final Reader first = new Reader(forced.memory, "first");
            final Task<Integer> flusher = new Task<>("flusher", forced.kmap::flushUnused);
            flusher.awaitParkedIn(Epochs.class);
            try (Reader later = new Reader(forced.memory, "later")) {
                assertTrue(later.cpu.index() >= 0);
                forced.kmap.kunmap(second);
                forced.kmap.forgetUnused();
                first.close();
                assertEquals(0, flusher.join());
            }
            assertEquals(2, forced.kmap.flushUnused());
        }
    }
}
