package org.vellum.percpu;

import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Chunks come and go at random places, near each other and far apart, and each pointer finds its own, or none. */
final class ChunkIndexTest {
    private static final int PAGE = PercpuWorld.PAGE;
    private static final int STEPS = 20_000;

    private final long seed = Long.getLong("seed", System.nanoTime());

    @Test
    void agreesWithATree() {
        System.out.println("ChunkIndexTest seed=" + seed);
        for (final int unitPages : new int[] {8, 9, 13}) {
            run(unitPages * PAGE, new Random(seed));
        }
    }

    private void run(final int unit, final Random random) {
        final ChunkIndex index = new ChunkIndex(unit);
        final TreeMap<Long, Chunk> model = new TreeMap<>(Long::compareUnsigned);
        long crossing = 0;
        int most = 0;
        for (int step = 0; step < STEPS; step++) {
            final boolean grow = step % 4000 < 2000;
            final long base = base(random);
            if (random.nextInt(3) > (grow ? 0 : 1)) {
                final Long below = model.floorKey(base);
                final Long above = model.ceilingKey(base);
                if ((below == null || isFar(base - below, unit)) && (above == null || isFar(above - base, unit))) {
                    final Chunk chunk = new Chunk(base, new long[1], unit);
                    index.reserve();
                    index.add(chunk);
                    model.put(base, chunk);
                    crossing += Long.divideUnsigned(base, unit) * unit == base ? 0 : 1;
                }
            } else if (!model.isEmpty()) {
                final Map.Entry<Long, Chunk> entry = pick(model, base);
                index.remove(entry.getValue());
                model.remove(entry.getKey());
            }
            most = Math.max(most, model.size());
            check(index, model, base + random.nextInt(2 * unit) - unit, unit);
            if (!model.isEmpty()) {
                final Chunk chunk = pick(model, base).getValue();
                assertSame(chunk, index.find(chunk.base), "seed=" + seed);
                assertSame(chunk, index.find(chunk.base + unit - 1), "seed=" + seed);
            }
        }
        final List<Chunk> rest = new ArrayList<>(model.values());
        rest.forEach(index::remove);
        rest.forEach(chunk -> assertNull(index.find(chunk.base)));
        assertTrue(crossing > 100 && most > 100, "crossing=" + crossing + " most=" + most + " seed=" + seed);
    }

    private static boolean isFar(final long distance, final int unit) {
        return Long.compareUnsigned(distance, unit) >= 0;
    }

    /** Dense around one place, or anywhere, tags of both signs included. */
    private static long base(final Random random) {
        final long page = random.nextInt(4) > 0 ? random.nextInt(8000) : random.nextLong();
        return (0x8123_0000_4000_0000L + page * PAGE) & -PAGE;
    }

    private static Map.Entry<Long, Chunk> pick(final TreeMap<Long, Chunk> model, final long near) {
        final Map.Entry<Long, Chunk> above = model.ceilingEntry(near);
        return above != null ? above : model.firstEntry();
    }

    private void check(final ChunkIndex index, final TreeMap<Long, Chunk> model, final long pointer, final int unit) {
        final Map.Entry<Long, Chunk> below = model.floorEntry(pointer);
        final Chunk expected = below != null && !isFar(pointer - below.getKey(), unit) ? below.getValue() : null;
        assertSame(expected, index.find(pointer), "seed=" + seed + " pointer=" + Long.toHexString(pointer));
    }
}
