package org.vellum.percpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vellum.SmallMemory;
import org.vellum.Vellum;
import org.vellum.cpu.CpuOptions;

/** The scenario of the kernel's public vmalloc test module that is about per-CPU memory: 35,000 objects, none of which fails. */
@Tag("stress")
final class PercpuModuleTest {
    private static final int OBJECTS = 35_000;

    private final long seed = Long.getLong("seed", System.nanoTime());

    @ParameterizedTest
    @ValueSource(ints = {1, 4})
    void case128PcpuAlloc(final int threads) throws Exception {
        System.out.println("PercpuModuleTest seed=" + seed);
        try (Vellum memory = Vellum.builder().memory(512 << 20).cpus(CpuOptions.forThisMachine().withCachedSlots(2)).open()) {
            final PercpuAllocator percpu = memory.percpu();
            SmallMemory.inThreads(threads, thread -> {
                final Random random = new Random(seed + thread);
                final long[] pointers = new long[OBJECTS / threads];
                for (int i = 0; i < pointers.length; i++) {
                    final int align = 2 << random.nextInt(11);
                    pointers[i] = percpu.allocate(1 + random.nextInt(1024), align);
                    assertEquals(0, pointers[i] & align - 1);
                    percpu.access().address(pointers[i], 1);
                }
                for (final long pointer : pointers) {
                    percpu.free(pointer);
                }
            });
            percpu.balance();
            final PercpuStats stats = percpu.stats();
            assertEquals(0, stats.areas());
            assertTrue(stats.chunksMade() > 300 && stats.chunks() <= 2, stats::toString);
            SmallMemory.requireQuiet(memory, percpu.stats().frames(), percpu.stats().chunks() - 1);
        }
    }
}
