package org.vellum.alloc;

/**
 * The lengths of the runs that slots hold: 1 to 64 pages, at most four to each doubling, so that a request wastes at most a fifth.
 *
 * <pre>
 *   1 2 3 4 5 6 7 8 10 12 14 16 20 24 28 32 40 48 56 64
 * </pre>
 */
final class RunSizes {
    static final int MAX_PAGES = 64;

    private static final byte[] PAGES = {1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64};
    static final int COUNT = PAGES.length;
    private static final byte[] BY_PAGES = byPages();

    /** Of runs up to so many pages a slot holds the most; of longer ones few; of the longest one. */
    private static final int MANY = 4;
    private static final int SOME = 16;
    private static final int MOST_HELD = 7;

    private RunSizes() {
    }

    private static byte[] byPages() {
        final byte[] classes = new byte[MAX_PAGES + 1];
        int index = 0;
        for (int pages = 1; pages <= MAX_PAGES; pages++) {
            while (PAGES[index] < pages) {
                index++;
            }
            classes[pages] = (byte)index;
        }
        return classes;
    }

    /** The class of the shortest runs that hold so many pages. */
    static int of(final int pages) {
        return BY_PAGES[pages];
    }

    /** Whether runs of that length are held. */
    static boolean isHeld(final long pages) {
        return pages <= MAX_PAGES && PAGES[BY_PAGES[(int)pages]] == pages;
    }

    static int pages(final int runClass) {
        return PAGES[runClass];
    }

    /** The order of the first of the blocks that a run consists of. */
    static int headOrder(final int runClass) {
        return Integer.SIZE - 1 - Integer.numberOfLeadingZeros(PAGES[runClass]);
    }

    /** How many runs of the class a slot holds at most. */
    static int held(final int runClass) {
        final int pages = PAGES[runClass];
        return pages <= MANY ? MOST_HELD : pages <= SOME ? 2 : 1;
    }

    /** Pages that a slot may hold, of all classes. */
    static int heldPages() {
        int sum = 0;
        for (int i = 0; i < COUNT; i++) {
            sum += held(i) * PAGES[i];
        }
        return sum;
    }
}
