package org.vellum.percpu;

import org.vellum.mem.Pages;

/**
 * One unit for each slot, at the distances that the {@link Layout} says, and the one map that serves all of them.
 *
 * <pre>
 *   page        0        1        2        3
 *   map       |xxxxxxxx|xx      |        |        |    x allocated
 *   populated |   1    |   1    |   1    |   0    |    in all units, or in none
 *   empty     |        |        |   *    |        |    populated, and nothing of it allocated
 * </pre>
 *
 * Invariant: what is allocated is populated, but for the one area that the holder of the allocator's mutex is about to populate.
 *
 * <p>Plain fields, changed by {@link Chunks} under the allocator's lock. Which pages are populated is changed by the holder of the mutex
 * only, who may therefore read that without the lock.
 */
final class Chunk extends ChunkLink<Chunk> {
    /** Vellum address of the lowest unit. */
    final long base;
    /** The areas of the window that it spans, by group; null for the first chunk, whose memory is there for good. */
    final long[] areas;
    final AreaMap map;
    final long[] populated;
    final int pages;
    int populatedPages;
    int emptyPages;
    /** Whether no allocation comes here, or only when all others have failed; then its empty pages do not count as a reserve. */
    boolean isolated;

    /**
     * Makes a chunk of which nothing is populated.
     *
     * @param base of the lowest unit.
     * @param areas by group, or null.
     * @param unitBytes whole pages.
     */
    Chunk(final long base, final long[] areas, final int unitBytes) {
        this.base = base;
        this.areas = areas;
        map = new AreaMap(unitBytes);
        pages = unitBytes >>> Pages.SHIFT;
        populated = new long[Bitmap.words(pages)];
    }

    /** Whether its pages stay as they are. */
    boolean isImmutable() {
        return areas == null;
    }

    boolean isPopulated(final int page) {
        return Bitmap.get(populated, page);
    }

    private boolean isEmpty(final int page) {
        return isPopulated(page) && map.isPageEmpty(page);
    }

    /** How many pages of a range are empty, which must all be populated for that. */
    int emptyPages(final int fromPage, final int toPage) {
        int count = 0;
        for (int page = fromPage; page < toPage; page++) {
            count += isEmpty(page) ? 1 : 0;
        }
        return count;
    }

    /** Where the last run of empty pages below {@code page} ends; 0 if there is none. */
    int emptyEnd(final int page) {
        int end = page;
        while (end > 0 && !isEmpty(end - 1)) {
            end--;
        }
        return end;
    }

    /** Where the run of empty pages begins that ends at {@code end}. */
    int emptyStart(final int end) {
        int start = end;
        while (start > 0 && isEmpty(start - 1)) {
            start--;
        }
        return start;
    }

    /** The first page at or above {@code page}, and below {@code limit}, that is not populated; {@code limit} if there is none. */
    int nextUnpopulated(final int page, final int limit) {
        return Bitmap.nextClear(populated, page, limit);
    }

    /** The first page at or above {@code page}, and below {@code limit}, that is populated; {@code limit} if there is none. */
    int nextPopulated(final int page, final int limit) {
        return Bitmap.nextSet(populated, page, limit);
    }
}
