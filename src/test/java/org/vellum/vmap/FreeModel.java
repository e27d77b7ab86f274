package org.vellum.vmap;

import java.util.Arrays;

/** Free pages as an array of booleans, and the linear scans that the trees are measured against. */
final class FreeModel {
    final long startPage;
    final boolean[] free;

    FreeModel(final long startPage, final int pages) {
        this.startPage = startPage;
        free = new boolean[pages];
        Arrays.fill(free, true);
    }

    long endPage() {
        return startPage + free.length;
    }

    boolean isFree(final long page) {
        return page >= startPage && page < endPage() && free[(int)(page - startPage)];
    }

    /** How many free pages begin at {@code page}. */
    long run(final long page) {
        long end = page;
        while (isFree(end)) {
            end++;
        }
        return end - page;
    }

    boolean allFree(final long start, final long pages) {
        return run(start) >= pages;
    }

    void set(final long start, final long pages, final boolean value) {
        Arrays.fill(free, (int)(start - startPage), (int)(start - startPage + pages), value);
    }

    long lowestFit(final long pages, final long align, final long low, final long high) {
        long run = 0;
        long lowest = -1;
        // From the top down, so that the length of the run at each page is known without looking ahead.
        final long from = Math.max(low, startPage);
        for (long page = Math.min(high, endPage()) - 1; page >= from; page--) {
            run = free[(int)(page - startPage)] ? run + 1 : 0;
            if (run >= pages && (page & align - 1) == 0) {
                lowest = page;
            }
        }
        return lowest;
    }

    long rangeAtOrBelow(final long page, final long pages) {
        for (long start = Math.min(page, endPage() - 1); start >= startPage; start--) {
            if (isFree(start) && !isFree(start - 1) && run(start) >= pages) {
                return start;
            }
        }
        return -1;
    }

    long rangeAtOrAbove(final long page) {
        for (long start = Math.max(page, startPage); start < endPage(); start++) {
            if (isFree(start) && !isFree(start - 1)) {
                return start;
            }
        }
        return -1;
    }

    long ranges() {
        long count = 0;
        for (long page = startPage; page < endPage(); page++) {
            count += isFree(page) && !isFree(page - 1) ? 1 : 0;
        }
        return count;
    }

    long freePages() {
        long count = 0;
        for (final boolean page : free) {
            count += page ? 1 : 0;
        }
        return count;
    }

    long largest() {
        long largest = 0;
        for (long page = startPage; page < endPage(); page++) {
            final long run = run(page);
            largest = Math.max(largest, run);
            page += run;
        }
        return largest;
    }
}
