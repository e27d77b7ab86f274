package org.vellum.kmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.kmap.KmapWorld.FORCED;
import static org.vellum.kmap.KmapWorld.PAGE;
import static org.vellum.kmap.KmapWorld.SMALL;
import static org.vellum.kmap.KmapWorld.WINDOW;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vellum.report.ExhaustedException;

/** Figures: one after the other, exact. */
final class KmapStatsTest {
    private static final KmapStats NOTHING = new KmapStats(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

    @TempDir
    Path directory;

    @Test
    void aMemoryWithoutEntriesHasOnlyLocalMaps() {
        try (KmapWorld world = new KmapWorld(SMALL)) {
            final long frame = world.frames(1)[0];
            assertEquals(NOTHING, world.kmap.stats());
            assertFalse(world.memory.report().contains("kmap:"));
            final long address = world.kmap.kmapLocal(frame);
            assertEquals(new KmapStats(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), world.kmap.stats());
            assertTrue(world.memory.report().contains("kmap:   1 local maps, 0 of them by entries"), world.memory.report());
            world.kmap.kunmapLocal(address);
        }
    }

    @Test
    void slotsOfTheWindow() throws Exception {
        try (KmapWorld world = new KmapWorld(FORCED)) {
            final Kmap kmap = world.kmap;
            final long[] frames = world.frames(WINDOW + 1);
            final long[] full = new long[WINDOW];
            for (int i = 0; i < WINDOW; i++) {
                full[i] = kmap.kmap(frames[i]);
            }
            assertThrows(ExhaustedException.class, () -> kmap.kmap(frames[WINDOW], 0));
            kmap.kunmap(full[0]);
            final long local = kmap.kmapLocal(frames[0]);
            assertEquals(new KmapStats(1, 1, 0, WINDOW, WINDOW - 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0), kmap.stats());
            kmap.kunmapLocal(local);
            kmap.flushUnused();
            final KmapStats stats = kmap.stats();
            assertEquals(1, stats.freeSlots());
            assertEquals(1, stats.flushes());
            assertTrue(world.memory.report().contains("window 4 slots, 3 used, 0 unused, 1 free; 1 flushes, 1 waits"), world.memory.report());
            assertEquals(stats, world.memory.stats().kmap());
            for (int i = 1; i < WINDOW; i++) {
                kmap.kunmap(full[i]);
            }
        }
    }

    /** Each of the maps is a hit or a miss, and joining one is neither. */
    @Test
    void theCacheOfHighMemory() throws Exception {
        try (KmapWorld world = new KmapWorld(SMALL)) {
            final Kmap kmap = world.kmap;
            final HighMemory high = kmap.openHigh(directory.resolve("high"), 64L * PAGE);
            for (int i = 0; i < 3; i++) {
                world.fill(high.frame(0), i);
            }
            final long shared = kmap.kmap(high.frame(0));
            kmap.kunmap(kmap.kmap(high.frame(0)));
            assertEquals(new KmapStats(0, 0, 0, WINDOW, 1, 0, 0, 0, 1, 1, 3, 1, 1, 0, 0, 0, 0), kmap.stats());
            assertEquals(2, high.prefetch(high.frame(1), high.frame(2)));
            world.look(high.frame(1));
            world.fill(high.frame(2), 5);
            high.force();
            KmapStats stats = kmap.stats();
            assertEquals(5, stats.hits());
            assertEquals(1, stats.misses());
            assertEquals(3, stats.pagesRead());
            assertEquals(2, stats.writeBacks());
            for (int i = 10; i < 20; i++) {
                world.look(high.frame(i));
            }
            stats = kmap.stats();
            assertEquals(5, stats.hits());
            assertEquals(11, stats.misses());
            assertEquals(9, stats.evictions());
            assertEquals(WINDOW, stats.cacheFrames());
            assertEquals(0, stats.failures());
            kmap.kunmap(shared);
            high.close();
            assertEquals(0, kmap.stats().files());
            assertEquals(0, kmap.stats().cacheFrames());
            assertTrue(world.memory.report().contains("high:   0 files, 0 cache frames; 5 hits, 11 misses, 13 pages read, "),
                world.memory.report());
        }
    }
}
