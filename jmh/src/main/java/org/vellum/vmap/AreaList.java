package org.vellum.vmap;

import org.vellum.mem.Words;

/**
 * The structure that the kernel's vmap rewrite of 2008 replaced, kept for comparison: all areas in use in one list,
 * ordered by address. Allocation walks it until a gap is large enough, freeing walks it until it meets the address.
 * Off-heap and pooled like {@link AreaTree}, so that only the structure differs.
 */
final class AreaList {
    private static final int NIL = 0;
    private static final int NODE_WORDS = 4;
    private static final int START = 0;
    private static final int PAGES = 1;
    private static final int NEXT = 2;

    private final Words words;
    private final long endPage;
    private int fresh = 1;
    private int pooled = NIL;

    /**
     * @param startPage first page.
     * @param endPage one past the last.
     * @param capacity the most areas at a time.
     */
    AreaList(final long startPage, final long endPage, final int capacity) {
        this.endPage = endPage;
        words = Words.zeroed((capacity + 1L) * NODE_WORDS);
        // Node 0 is the head: an empty area before the window.
        put(NIL, START, startPage);
    }

    /**
     * @param pages how many.
     * @return the lowest start that fits, or -1.
     */
    long allocate(final long pages) {
        int before = NIL;
        while (true) {
            final long gapStart = end(before);
            final int next = (int)get(before, NEXT);
            final long gapEnd = next == NIL ? endPage : get(next, START);
            if (gapEnd - gapStart >= pages) {
                insert(before, gapStart, pages);
                return gapStart;
            }
            if (next == NIL) {
                return -1;
            }
            before = next;
        }
    }

    /**
     * @param start first page.
     * @param pages how many; all unused.
     * @return true.
     */
    boolean allocateAt(final long start, final long pages) {
        insert(before(start), start, pages);
        return true;
    }

    /**
     * @param start of an area, as allocated.
     * @return the pages it had.
     */
    long free(final long start) {
        final int before = before(start);
        final int gone = (int)get(before, NEXT);
        if (gone == NIL || get(gone, START) != start) {
            throw new IllegalStateException("start=" + start);
        }
        put(before, NEXT, get(gone, NEXT));
        put(gone, NEXT, pooled);
        pooled = gone;
        return get(gone, PAGES);
    }

    private int before(final long start) {
        int before = NIL;
        int next = (int)get(NIL, NEXT);
        while (next != NIL && get(next, START) < start) {
            before = next;
            next = (int)get(next, NEXT);
        }
        return before;
    }

    private void insert(final int before, final long start, final long pages) {
        final int added;
        if (pooled == NIL) {
            added = fresh++;
        } else {
            added = pooled;
            pooled = (int)get(added, NEXT);
        }
        put(added, START, start);
        put(added, PAGES, pages);
        put(added, NEXT, get(before, NEXT));
        put(before, NEXT, added);
    }

    private long end(final int node) {
        return get(node, START) + get(node, PAGES);
    }

    private long get(final int node, final int field) {
        return words.getPlain((long)node * NODE_WORDS + field);
    }

    private void put(final int node, final int field, final long value) {
        words.putPlain((long)node * NODE_WORDS + field, value);
    }
}
