package org.vellum.alloc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.vellum.Vellum;

final class AllocatorStatsTest {
    @Test
    void figuresAreExactWhenQuiet() {
        try (Vellum memory = Vellum.builder().memory(64L << 20).bank(1 << 20).worker(false).open()) {
            final OffHeapAllocator allocator = memory.allocator();
            final Budget cache = memory.child("cache", 1 << 20);
            final Budget index = cache.child("index", 1 << 19);
            final long small = allocator.allocate(100, 1, index);
            final long run = allocator.allocate(3 * 4096, 1, cache);
            final long area = allocator.allocate(3 << 20);
            final AllocatorStats stats = allocator.stats();
            assertEquals(1, stats.liveObjects());
            assertEquals(1, stats.liveRuns());
            assertEquals(3 * 4096, stats.liveRunBytes());
            assertEquals(1, stats.liveAreas());
            assertEquals(3 << 20, stats.liveAreaBytes());
            assertEquals(104 + 3 * 4096 + (3 << 20), stats.liveBytes());
            assertEquals((32 << 10) + 3 * 4096 + (3 << 20), stats.reservedBytes());
            assertEquals((32 << 10) - 104, stats.cachedBytes());
            assertEquals(stats.reservedBytes(), memory.frames().allocatedFrames() << 12);
            assertEquals(1 - (double)stats.liveBytes() / stats.reservedBytes(), stats.fragmentation());
            assertEquals(2, stats.budgets().size());
            assertEquals("memory/cache", stats.budgets().get(0).path());
            assertEquals(104 + 3 * 4096, stats.budgets().get(0).usedBytes());
            assertEquals(104, stats.budgets().get(1).usedBytes());
            allocator.free(run);
            assertEquals(3 * 4096, allocator.stats().strandedBytes() - stats.strandedBytes());
            allocator.free(small);
            allocator.freeDeferred(area);
            final String report = memory.report();
            assertTrue(report.contains("memory/cache/index: 0 of 524,288") && report.contains("live 0 bytes"), report);
            AllocatorMemory.requireEmpty(memory);
            assertEquals(0, allocator.stats().reservedBytes());
        }
    }

    @Test
    void askingStopsNobodyAndNeverFails() throws Exception {
        try (Vellum memory = Vellum.open(64L << 20)) {
            final FutureTask<Void> other = new FutureTask<>(() -> {
                final Random random = new Random(1);
                for (int i = 0; i < 100_000; i++) {
                    memory.free(memory.allocate(1 + random.nextInt(i % 50 == 0 ? 400_000 : 9_000)));
                }
            }, null);
            new Thread(other).start();
            while (!other.isDone()) {
                final AllocatorStats stats = memory.allocator().stats();
                assertTrue(stats.liveBytes() >= 0 && stats.fragmentation() >= 0 && stats.fragmentation() <= 1, stats.toString());
                assertTrue(memory.report().contains("allocator"));
            }
            other.get();
            AllocatorMemory.requireEmpty(memory);
        }
    }
}
