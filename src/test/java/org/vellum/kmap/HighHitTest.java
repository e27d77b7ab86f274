package org.vellum.kmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.vellum.kmap.HighWorld.PAGE;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a hit, and a miss, costs besides time: no garbage. */
final class HighHitTest {
    private static final int ROUNDS = 1_000_000;
    private static final int MISSES = 20_000;

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

    /** In a circle of more pages than there is room for, each is a miss; every other one has been written to. */
    @Test
    void missesMakeNoGarbage() {
        assumeTrue(ManagementFactory.getThreadMXBean() instanceof com.sun.management.ThreadMXBean);
        final com.sun.management.ThreadMXBean threads = (com.sun.management.ThreadMXBean)ManagementFactory.getThreadMXBean();
        final HighWorld world = new HighWorld(16);
        try (HighMemory high = world.cache.open(directory.resolve("misses"), 64L * PAGE)) {
            // Until it is compiled: what the interpreter makes is not the question.
            for (int i = 0; i < 5; i++) {
                miss(world, high);
            }
            final long missed = world.count(CacheEvent.MISS);
            long least = Long.MAX_VALUE;
            for (int i = 0; i < 5; i++) {
                final long before = threads.getThreadAllocatedBytes(Thread.currentThread().getId());
                miss(world, high);
                least = Math.min(least, threads.getThreadAllocatedBytes(Thread.currentThread().getId()) - before);
            }
            assertEquals(5L * MISSES, world.count(CacheEvent.MISS) - missed);
            assertTrue(least < MISSES, "bytes=" + least + " in misses=" + MISSES);
        }
        world.requireClosed();
    }

    private static void miss(final HighWorld world, final HighMemory high) {
        for (int i = 0; i < MISSES; i++) {
            if (i % 2 == 0) {
                world.put(high.frame(i & 63), 0, i);
            } else {
                world.get(high.frame(i & 63), 0);
            }
        }
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
