package org.vellum.percpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.Test;

/**
 * Random operations against a linear scan: no fit is invented, none is missed but for an alignment, the largest run is exact after
 * every operation; every way in which hints are used, lost and joined must come up.
 */
class AreaMapFuzzTest {
    private static final int OPERATIONS = 240_000;
    private static final int VERIFY = 8;
    private static final int[] PAGES = {1, 2, 3, 8, 4, 5, 16, 2};

    private final long seed = Long.getLong("vellum.seed", ThreadLocalRandom.current().nextLong());
    private final SplittableRandom random = new SplittableRandom(seed);

    private final long[] joins = new long[4];
    private final long[] codes = new long[4];
    private long failures;
    private long misses;
    private long alignedFits;
    private long notLowest;
    private long populatedFits;
    private long populatedFailures;
    private long blockSkips;
    private long wholeSkips;
    private long blockPromotions;
    private long wholePromotions;
    private long crossings;
    private long spans;
    private long largestCrosses;
    private long equalHints;

    private AreaMap map;
    private AreaHints hints;
    private AreaModel model;
    private int fixedLow;
    private int fixedHigh;
    private int[] live;
    private int count;
    private int size;

    @Test
    void everyResultEqualsALinearScan() {
        System.out.println("AreaMapFuzzTest -Dvellum.seed=" + seed);
        int done = 0;
        for (int round = 0; done < OPERATIONS; round++) {
            open(PAGES[round % PAGES.length]);
            for (int i = 0; i < 4_000; i++, done++) {
                step(i);
            }
            freeAll();
        }
        for (int kind = 0; kind < 4; kind++) {
            assertTrue(joins[kind] > 0, "join " + kind);
            assertTrue(codes[kind] > 0, "code " + -kind);
        }
        assertCovered("failures", failures);
        assertCovered("misses for an alignment", misses);
        assertCovered("fits with an alignment", alignedFits);
        assertCovered("fits that are not the lowest", notLowest);
        assertCovered("fits in populated pages", populatedFits);
        assertCovered("fits that no populated pages have", populatedFailures);
        assertCovered("searches that began behind a block's scan hint", blockSkips);
        assertCovered("searches that began behind the map's scan hint", wholeSkips);
        assertCovered("a block's scan hint became its contig hint", blockPromotions);
        assertCovered("the map's scan hint became its contig hint", wholePromotions);
        assertCovered("allocations across a border", crossings);
        assertCovered("allocations over a whole page", spans);
        assertCovered("largest runs across a border", largestCrosses);
        assertCovered("scan hints as long as the contig hint", equalHints);
    }

    private void assertCovered(final String what, final long times) {
        assertTrue(times > 0, () -> what + ": never, seed=" + seed);
    }

    private void open(final int pages) {
        final int bytes = pages * 4096;
        map = new AreaMap(bytes);
        hints = map.runs.hints;
        model = new AreaModel(bytes);
        live = new int[bytes / 4];
        count = 0;
        // Small areas fill the blocks with short runs, large ones leave runs that cross borders.
        size = random.nextInt(3) == 0 ? 200 * pages : 1 << random.nextInt(3, 7);
        fixedLow = random.nextBoolean() ? 0 : random.nextInt(1, bytes / 8);
        fixedHigh = random.nextInt(3) > 0 ? 0 : random.nextInt(1, bytes / 8);
        fix(0, fixedLow);
        fix(bytes - fixedHigh, fixedHigh);
        map.verify();
        assertTrue(map.isEmpty());
    }

    private void fix(final int offset, final int bytes) {
        if (bytes > 0) {
            map.take(offset, bytes);
            model.allocate(offset / 4, (offset + bytes + 3) / 4 - offset / 4);
        }
    }

    private void step(final int i) {
        // Phases of growth and of decay, so that the map is now nearly full and now nearly empty.
        final int grow = (i / 500 & 1) == 0 ? 65 : 40;
        if (random.nextInt(100) < 4) {
            misuse();
        } else if (random.nextInt(100) < grow) {
            allocate();
        } else if (count > 0) {
            free(random.nextInt(count));
        }
        compare(i);
    }

    private void allocate() {
        final int length = random.nextInt(10) == 0 ? random.nextInt(1, model.owner.length + 2) : random.nextInt(1, size + 1);
        final int bytes = length * 4 - random.nextInt(4);
        final int align = random.nextInt(3) > 0 ? 1 << random.nextInt(3) : 1 << random.nextInt(3, 13);
        final long[] populated = random.nextInt(4) == 0 ? new long[] {random.nextLong()} : null;
        countSkips(length);
        final int offset = map.find(bytes, align, populated);
        compareFit(offset, length, Math.max(align / 4, 1), populated);
        if (offset == AreaMap.NONE) {
            return;
        }
        countUse(offset / 4, length);
        map.allocate(offset, bytes);
        model.allocate(offset / 4, length);
        assertEquals(length * 4, map.bytesAt(offset), () -> "seed=" + seed);
        live[count++] = offset / 4;
    }

    private void compareFit(final int offset, final int length, final int align, final long[] populated) {
        final int lowest = model.lowestFit(length, align, populated);
        if (offset == AreaMap.NONE) {
            failures += lowest < 0 ? 1 : 0;
            populatedFailures += lowest < 0 && model.lowestFit(length, align, null) >= 0 ? 1 : 0;
            misses += lowest >= 0 ? 1 : 0;
            assertTrue(lowest < 0 || align > 1 && model.largest(populated) < length + align - 1, () -> "missed, seed=" + seed);
            return;
        }
        assertEquals(0, offset % (4 * align), () -> "seed=" + seed);
        assertTrue(model.run(offset / 4, populated) >= length, () -> "invented, seed=" + seed);
        assertTrue(align == 1 ? offset / 4 == lowest : offset / 4 >= lowest, () -> "not the first fit, seed=" + seed);
        notLowest += offset / 4 > lowest ? 1 : 0;
        alignedFits += align > 1 ? 1 : 0;
        populatedFits += populated != null ? 1 : 0;
    }

    private void countSkips(final int length) {
        wholeSkips += skips(map.runs.whole, length) ? 1 : 0;
        for (int block = 0; block < map.runs.blocks; block++) {
            blockSkips += skips(block, length) ? 1 : 0;
        }
    }

    private boolean skips(final int record, final int length) {
        return hints.contig(record) >= length && hints.searchStart(record, length) > hints.firstFree(record);
    }

    private void countUse(final int from, final int length) {
        final int block = from / AreaModel.BLOCK;
        final int blocks = (from + length - 1) / AreaModel.BLOCK - block + 1;
        crossings += blocks > 1 ? 1 : 0;
        spans += blocks > 2 ? 1 : 0;
        blockPromotions += blocks == 1 && promotes(block, from - block * AreaModel.BLOCK) ? 1 : 0;
        wholePromotions += promotes(map.runs.whole, from) ? 1 : 0;
    }

    private boolean promotes(final int record, final int from) {
        return hints.scan(record) > 0 && from >= hints.contigStart(record) && from < hints.contigEnd(record);
    }

    private void free(final int which) {
        final int from = live[which];
        final int length = model.lengthAt(from);
        joins[(model.isFree(from - 1) ? 1 : 0) + (model.isFree(from + length) ? 2 : 0)]++;
        assertEquals(length * 4, map.free(from * 4), () -> "seed=" + seed);
        model.free(from, length);
        live[which] = live[--count];
    }

    /** A free of what is not the beginning of an allocation says so and changes nothing. */
    private void misuse() {
        final int offset = random.nextInt(map.bytes());
        final int granule = offset / 4;
        final int code;
        if (offset < (fixedLow + 3) / 4 * 4 || fixedHigh > 0 && offset >= (map.bytes() - fixedHigh) / 4 * 4) {
            code = AreaMap.FIXED;
        } else if (model.isFree(granule)) {
            code = AreaMap.NOT_ALLOCATED;
        } else if (!model.isBegin(granule) || offset % 4 != 0) {
            code = AreaMap.INTERIOR;
        } else {
            code = 0;
        }
        codes[-code]++;
        if (code < 0) {
            assertEquals(code, map.free(offset), () -> "seed=" + seed);
            assertEquals(code, map.bytesAt(offset), () -> "seed=" + seed);
        }
    }

    private void compare(final int i) {
        if (i % VERIFY == 0) {
            map.verify();
        }
        final int whole = map.runs.whole;
        assertEquals(model.largest(null) * 4, map.contiguous(), () -> "seed=" + seed);
        largestCrosses += hints.contigStart(whole) / AreaModel.BLOCK < (hints.contigEnd(whole) - 1) / AreaModel.BLOCK ? 1 : 0;
        equalHints += hints.scan(whole) > 0 && hints.scan(whole) == hints.contig(whole) ? 1 : 0;
        if (i % 16 == 0) {
            assertEquals(model.freeGranules() * 4, map.freeBytes(), () -> "seed=" + seed);
            assertEquals(model.emptyPages(), map.emptyPages(), () -> "seed=" + seed);
            assertEquals(count == 0, map.isEmpty());
        }
    }

    private void freeAll() {
        while (count > 0) {
            free(random.nextInt(count));
        }
        map.verify();
        assertTrue(map.isEmpty());
        assertEquals(model.largest(null) * 4, map.contiguous());
        assertEquals(map.contiguous(), map.freeBytes());
    }
}
