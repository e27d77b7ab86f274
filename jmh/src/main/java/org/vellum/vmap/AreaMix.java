package org.vellum.vmap;

import java.util.SplittableRandom;

/**
 * A fragmented window and the areas that live in it, the same for every structure that is measured.
 *
 * <p>Areas and holes alternate. Areas have 1 page (50 %), 4 (25 %), 16 (15 %) or 64 (10 %), as small mappings outnumber
 * large ones; holes have 1 page (70 %: too small for half of all requests), 2..8 (25 %) or 16..64 (5 %). Above them
 * lies more free space than all that, so that nothing ever fails. With {@code live} areas there are as many holes.
 */
final class AreaMix {
    private static final long PAGES_PER_AREA = 1 << 5;
    private static final int PAGES_BITS = 8;

    private final SplittableRandom random = new SplittableRandom(20_081_018);
    private final long[] areas;
    private final long endPage;

    /** Takes exactly these pages. */
    @FunctionalInterface
    interface Placer {
        boolean allocateAt(long start, long pages);
    }

    /** @param live how many areas. */
    AreaMix(final int live) {
        areas = new long[live];
        endPage = 2 * PAGES_PER_AREA * live;
    }

    long endPage() {
        return endPage;
    }

    /** @param placer takes the pages of each area, lowest first. */
    void place(final Placer placer) {
        long page = 0;
        for (int i = 0; i < areas.length; i++) {
            final long pages = nextPages();
            if (!placer.allocateAt(page, pages)) {
                throw new IllegalStateException("page=" + page + " pages=" + pages);
            }
            set(i, page, pages);
            page += pages + nextHole();
        }
    }

    /** @return the index of some area. */
    int pick() {
        return random.nextInt(areas.length);
    }

    long start(final int index) {
        return areas[index] >>> PAGES_BITS;
    }

    long pages(final int index) {
        return areas[index] & (1 << PAGES_BITS) - 1;
    }

    void set(final int index, final long start, final long pages) {
        if (start < 0) {
            throw new IllegalStateException("nothing fits: pages=" + pages);
        }
        areas[index] = start << PAGES_BITS | pages;
    }

    /** @return the size of a new area. */
    long nextPages() {
        final int dice = random.nextInt(20);
        return dice < 10 ? 1 : dice < 15 ? 4 : dice < 18 ? 16 : 64;
    }

    private long nextHole() {
        final int dice = random.nextInt(20);
        return dice < 14 ? 1 : dice < 19 ? random.nextInt(2, 9) : random.nextInt(16, 65);
    }
}
