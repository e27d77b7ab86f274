package org.vellum.kmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.vellum.kmap.HighWorld.PAGE;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a hit costs besides time: nothing. */
final class HighHitTest {
    private static final int ROUNDS = 1_000_000;

    @TempDir
    Path directory;

    @Test
    void hitsMakeNoGarbage() {
        assumeTrue(ManagementFactory.getThreadMXBean() instanceof com.sun.management.ThreadMXBean);
        final com.sun.management.ThreadMXBean threads = (com.sun.management.ThreadMXBean)ManagementFactory.getThreadMXBean();
        final HighWorld world = new HighWorld(64);
        try (HighMemory high = world.cache.open(directory.resolve("hits"), 64L * PAGE)) {
            for (int i = 0; i < 64; i++) {
                world.put(high.frame(i), 0, i);
            }
            hit(world.cache, high.frame(0));
            final long before = threads.getThreadAllocatedBytes(Thread.currentThread().getId());
            hit(world.cache, high.frame(0));
            final long bytes = threads.getThreadAllocatedBytes(Thread.currentThread().getId()) - before;
            assertTrue(bytes < ROUNDS / 10, "bytes=" + bytes + " in rounds=" + ROUNDS);
        }
        world.requireClosed();
    }

    private static void hit(final HighCache cache, final long first) {
        int found = 0;
        for (int i = 0; i < ROUNDS; i++) {
            final int index = cache.tryPin(first + (i & 63), (i & 1) == 0);
            found += index >= 0 ? 1 : 0;
            cache.unpin(index);
        }
        assertEquals(ROUNDS, found);
    }
}
