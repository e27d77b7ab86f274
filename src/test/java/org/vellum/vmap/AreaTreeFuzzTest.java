package org.vellum.vmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.Test;

/** Random operations against a linear scan: every result is compared, every kind of split and join must come up. */
class AreaTreeFuzzTest {
    private static final int OPERATIONS = 1_300_000;
    private static final int[] WINDOWS = {64, 64, 100, 128, 333, 512, 64, 4096};

    private final long seed = Long.getLong("vellum.seed", ThreadLocalRandom.current().nextLong());
    private final SplittableRandom random = new SplittableRandom(seed);
    private final long[] splits = new long[4];
    private final long[] joins = new long[4];
    private long failures;
    private long exactOnly;
    private long boundedHits;
    private long refused;

    private AreaTree tree;
    private FreeModel model;
    private long[] starts;
    private long[] sizes;
    private int live;

    @Test
    void everyResultEqualsALinearScan() {
        System.out.println("AreaTreeFuzzTest -Dvellum.seed=" + seed);
        int done = 0;
        for (int round = 0; done < OPERATIONS; round++) {
            final int pages = WINDOWS[round % WINDOWS.length];
            open(pages);
            final int operations = pages > 1000 ? 20_000 : 30_000;
            for (int i = 0; i < operations; i++, done++) {
                step(i);
            }
            freeAll();
        }
        for (int kind = 0; kind < 4; kind++) {
            assertTrue(splits[kind] > 0, "split " + kind);
            assertTrue(joins[kind] > 0, "join " + kind);
        }
        assertTrue(failures > 0 && exactOnly > 0 && boundedHits > 0 && refused > 0,
            failures + " " + exactOnly + " " + boundedHits + " " + refused);
    }

    private void open(final int pages) {
        final long startPage = random.nextLong(1L << random.nextInt(1, 35));
        tree = new AreaTree(startPage, startPage + pages);
        model = new FreeModel(startPage, pages);
        starts = new long[pages];
        sizes = new long[pages];
        live = 0;
    }

    private void step(final int i) {
        // Phases of growth and of decay, so that the window is now nearly full and now nearly empty.
        final int grow = (i / 500 & 1) == 0 ? 60 : 40;
        final int dice = random.nextInt(100);
        if (dice < 4) {
            misuse();
        } else if (dice < 12) {
            carve();
        } else if (random.nextInt(100) < grow) {
            allocate();
        } else if (live > 0) {
            free(random.nextInt(live));
        }
        if (i % 64 == 0) {
            tree.verify();
            compareTotals();
        }
        compareSearch();
    }

    private void allocate() {
        final long window = model.free.length;
        final long pages = random.nextInt(8) == 0 ? random.nextLong(1, window + 2) : random.nextLong(1, 9);
        final long align = random.nextInt(3) > 0 ? 1 : 1L << random.nextInt(14);
        long low = Long.MIN_VALUE;
        long high = Long.MAX_VALUE;
        if (random.nextInt(3) == 0) {
            low = model.startPage + random.nextLong(-2, window + 2);
            high = random.nextInt(4) == 0 ? low + pages : low + random.nextLong(window);
        }
        final long largest = tree.largestFree();
        final long expected = model.lowestFit(pages, align, low, high);
        final long start = tree.allocate(pages, align, low, high);
        assertEquals(expected, start, () -> "seed=" + seed);
        if (start == AreaTree.NONE) {
            failures++;
            return;
        }
        exactOnly += largest < pages + align - 1 ? 1 : 0;
        boundedHits += low > model.startPage ? 1 : 0;
        take(start, pages);
    }

    private void carve() {
        final long start = Math.max(0, model.startPage + random.nextLong(-1, model.free.length + 1));
        final long pages = random.nextLong(1, 6);
        final boolean expected = model.allFree(start, pages);
        assertEquals(expected, tree.allocateAt(start, pages), () -> "seed=" + seed);
        if (expected) {
            take(start, pages);
        }
    }

    private void take(final long start, final long pages) {
        splits[neighbours(start, pages)]++;
        model.set(start, pages, false);
        starts[live] = start;
        sizes[live++] = pages;
    }

    private int neighbours(final long start, final long pages) {
        return (model.isFree(start - 1) ? 1 : 0) + (model.isFree(start + pages) ? 2 : 0);
    }

    private void free(final int which) {
        final long start = starts[which];
        final long pages = sizes[which];
        joins[neighbours(start, pages)]++;
        tree.free(start, pages);
        model.set(start, pages, true);
        live--;
        starts[which] = starts[live];
        sizes[which] = sizes[live];
    }

    /** A free that touches a free page changes nothing. */
    private void misuse() {
        final long start = model.startPage + random.nextLong(model.free.length);
        final long pages = random.nextLong(1, Math.min(9, model.endPage() - start + 1));
        boolean anyFree = false;
        for (long page = start; page < start + pages; page++) {
            anyFree |= model.isFree(page);
        }
        if (anyFree) {
            refused++;
            assertThrows(AssertionError.class, () -> tree.free(start, pages));
        }
    }

    private void compareTotals() {
        assertEquals(model.freePages(), tree.freePages(), () -> "seed=" + seed);
        assertEquals(model.ranges(), tree.ranges(), () -> "seed=" + seed);
        assertEquals(model.largest(), tree.largestFree(), () -> "seed=" + seed);
        final long[] last = {model.startPage - 1};
        tree.forEachFree((start, pages) -> {
            assertEquals(model.rangeAtOrAbove(last[0] + 1), start);
            assertEquals(model.run(start), pages);
            last[0] = start;
        });
        assertEquals(-1, model.rangeAtOrAbove(last[0] + 1));
    }

    private void compareSearch() {
        if (random.nextInt(8) != 0) {
            return;
        }
        final long page = model.startPage + random.nextLong(-2, model.free.length + 2);
        final long pages = random.nextLong(1, 12);
        assertEquals(model.rangeAtOrBelow(page, pages), tree.freeStartAtOrBelow(page, pages), () -> "seed=" + seed);
        final long above = model.rangeAtOrAbove(page);
        assertEquals(above, tree.freeStartAtOrAbove(page), () -> "seed=" + seed);
        if (above >= 0) {
            assertEquals(above + model.run(above), tree.freeEndOf(above), () -> "seed=" + seed);
        }
    }

    private void freeAll() {
        while (live > 0) {
            free(random.nextInt(live));
        }
        tree.verify();
        assertEquals(1, tree.ranges());
        assertEquals(model.free.length, tree.freePages());
    }
}
