package org.vellum.vmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.Test;

/** Random sets in random windows against trying every base from the top. */
class CongruentAreasFuzzTest {
    private static final int ROUNDS = 60_000;

    private final long seed = Long.getLong("vellum.seed", ThreadLocalRandom.current().nextLong());
    private final SplittableRandom random = new SplittableRandom(seed);
    private final long[] offsets = new long[4];
    private final long[] sizes = new long[4];
    private long placed;
    private long failed;
    private long pulledDown;

    @Test
    void theBaseIsTheHighestThatFits() {
        System.out.println("CongruentAreasFuzzTest -Dvellum.seed=" + seed);
        for (int round = 0; round < ROUNDS; round++) {
            final int pages = random.nextInt(64, 200);
            final long startPage = random.nextLong(1L << random.nextInt(1, 35));
            final AreaTree tree = new AreaTree(startPage, startPage + pages);
            final FreeModel model = new FreeModel(startPage, pages);
            occupy(tree, model);
            for (int set = 0; set < 4; set++) {
                place(tree, model);
            }
            tree.verify();
            assertEquals(model.freePages(), tree.freePages());
            assertEquals(model.ranges(), tree.ranges());
        }
        assertTrue(placed > 0 && failed > 0 && pulledDown > 0, placed + " " + failed + " " + pulledDown);
    }

    private void occupy(final AreaTree tree, final FreeModel model) {
        for (int i = random.nextInt(12); i > 0; i--) {
            final long start = model.startPage + random.nextInt(model.free.length);
            final long pages = random.nextInt(1, 8);
            if (tree.allocateAt(start, pages)) {
                model.set(start, pages, false);
            }
        }
    }

    private void place(final AreaTree tree, final FreeModel model) {
        final int count = random.nextInt(1, offsets.length + 1);
        final long align = 1L << random.nextInt(4);
        long at = random.nextInt(3) * align;
        for (int i = 0; i < count; i++) {
            offsets[i] = at;
            sizes[i] = align * random.nextInt(1, 4);
            at += sizes[i] + align * random.nextInt(5);
        }
        shuffle(count);
        final long expected = highestBase(model, count, align);
        assertEquals(expected, CongruentAreas.allocate(tree, offsets, sizes, count, align), () -> "seed=" + seed);
        if (expected < 0) {
            failed++;
            return;
        }
        placed++;
        long span = 0;
        for (int i = 0; i < count; i++) {
            model.set(expected + offsets[i], sizes[i], false);
            span = Math.max(span, offsets[i] + sizes[i]);
        }
        pulledDown += expected < (model.endPage() - span & -align) ? 1 : 0;
    }

    private void shuffle(final int count) {
        for (int i = count - 1; i > 0; i--) {
            final int j = random.nextInt(i + 1);
            swap(offsets, i, j);
            swap(sizes, i, j);
        }
    }

    private static void swap(final long[] values, final int i, final int j) {
        final long value = values[i];
        values[i] = values[j];
        values[j] = value;
    }

    private long highestBase(final FreeModel model, final int count, final long align) {
        for (long base = model.endPage() & -align; base >= model.startPage; base -= align) {
            boolean fits = true;
            for (int i = 0; i < count && fits; i++) {
                fits = model.allFree(base + offsets[i], sizes[i]);
            }
            if (fits) {
                return base;
            }
        }
        return -1;
    }
}
