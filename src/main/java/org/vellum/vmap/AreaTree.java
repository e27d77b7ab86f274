package org.vellum.vmap;

import static org.vellum.vmap.FreeNodes.LEFT;
import static org.vellum.vmap.FreeNodes.NIL;
import static org.vellum.vmap.FreeNodes.RIGHT;

/**
 * The free ranges of a window of pages: one red-black tree by address, augmented with the largest range below each
 * child.
 *
 * <p><b>Lowest fit, always.</b> The first range that is large enough is found by one descent that looks at sizes before
 * it follows a link. With an alignment beyond one page a range that is large enough may still be unable to hold an
 * aligned start. The kernel then searches for {@code pages + align - 1}, which may pass over the lowest fit and may
 * fail although a fit exists; here the search goes on from the next aligned address instead, so it fails only if a
 * linear scan would. A search therefore takes at most min(ranges that are large enough, window / alignment) descents.
 *
 * <p><b>Freeing never allocates.</b> Every area that is allocated lies between at most two free ranges, so there are
 * never more ranges than live areas + 1. {@code allocate} and {@code allocateAt} see to nodes for that many before they
 * change anything; {@link #free} only takes from what is there. This holds as long as an area is freed as it was
 * allocated; who wants to free one in two parts says so beforehand ({@link #ensureAreas} and {@link #splitArea}),
 * and who makes one of two tells it afterwards ({@link #joinAreas}).
 *
 * <p>Single-threaded: every method, reading ones included, is called under the owner's lock. None blocks. Steady state
 * makes no garbage; only growth of the node pool reserves memory.
 */
public final class AreaTree {
    /** No such page. */
    public static final long NONE = -1;

    /** The highest {@code endPage}: page numbers have 36 bits. */
    public static final long MOST_PAGES = (1L << FreeNodes.PAGE_BITS) - 1;

    private final FreePath path = new FreePath();
    private final FreeNodes nodes = path.nodes;
    private final FreeSearch search = new FreeSearch(path);
    private final long startPage;
    private final long endPage;
    private long freePages;
    private long areas;

    /** Sees one free range. */
    @FunctionalInterface
    public interface FreeVisitor {
        /**
         * @param start first page.
         * @param pages of the range.
         */
        void range(long start, long pages);
    }

    /**
     * A window whose pages are all free.
     *
     * @param startPage first page, at least 0.
     * @param endPage one past the last, above {@code startPage} and at most {@link #MOST_PAGES}.
     */
    public AreaTree(final long startPage, final long endPage) {
        if (startPage < 0 || endPage <= startPage || endPage > MOST_PAGES) {
            throw new IllegalArgumentException("startPage=" + startPage + " endPage=" + endPage);
        }
        this.startPage = startPage;
        this.endPage = endPage;
        freePages = endPage - startPage;
        path.insert(LEFT, nodes.take(startPage, freePages));
    }

    /**
     * Takes the lowest fitting pages of the whole window.
     *
     * @param pages how many, at least 1.
     * @param alignPages a power of two that divides the result.
     * @return the first page, or {@link #NONE}.
     */
    public long allocate(final long pages, final long alignPages) {
        return allocate(pages, alignPages, startPage, endPage);
    }

    /**
     * Takes the lowest fitting pages of a part of the window.
     *
     * @param pages how many, at least 1.
     * @param alignPages a power of two that divides the result.
     * @param low the result is not below; anything below the window means its start.
     * @param high the last page taken is below; anything above the window means its end.
     * @return the first page, or {@link #NONE} if nothing fits, or if there are no more nodes (2^28 areas).
     */
    public long allocate(final long pages, final long alignPages, final long low, final long high) {
        if (pages <= 0 || Long.bitCount(alignPages) != 1 || alignPages < 0) {
            throw new IllegalArgumentException("pages=" + pages + " alignPages=" + alignPages);
        }
        final long limit = Math.min(high, endPage);
        long from = Math.max(low, startPage);
        if (!ensureAreas(1)) {
            return NONE;
        }
        // Compared by subtraction: `from + pages` may overflow, a difference of two pages of the window does not.
        while (from < limit && pages <= limit - from) {
            final int node = search.findFrom(from, pages);
            if (node == NIL) {
                return NONE;
            }
            final long candidate = Math.max(nodes.start(node), from);
            final long gap = -candidate & alignPages - 1;
            if (gap >= limit - candidate) {
                return NONE;
            }
            from = candidate + gap;
            if (pages <= Math.min(nodes.end(node), limit) - from) {
                carve(node, from, pages);
                return from;
            }
        }
        return NONE;
    }

    /**
     * Takes exactly these pages.
     *
     * @param start first page.
     * @param pages how many, at least 1.
     * @return false, with nothing changed, if one of them is not free or not in the window.
     */
    public boolean allocateAt(final long start, final long pages) {
        requirePages(start, pages);
        if (!ensureAreas(1)) {
            return false;
        }
        final int node = search.findAtOrBelow(start);
        if (node == NIL || nodes.end(node) <= start || pages > nodes.end(node) - start) {
            return false;
        }
        carve(node, start, pages);
        return true;
    }

    /**
     * Sees to nodes for more live areas, so that as many allocations and all frees need no memory.
     *
     * @param more how many areas beyond the live ones.
     * @return false if there cannot be so many; nothing has changed then.
     */
    public boolean ensureAreas(final int more) {
        return nodes.ensure(areas + more + 1);
    }

    /**
     * Says that a live area will be freed in several parts.
     *
     * @param more how many parts beyond the one it was allocated as, at least 0.
     * @return false, with nothing changed, if there cannot be so many areas.
     */
    public boolean splitArea(final int more) {
        if (!ensureAreas(more)) {
            return false;
        }
        areas += more;
        return true;
    }

    /**
     * Says that live areas which lie side by side will be freed as one: the opposite of {@link #splitArea}.
     *
     * @param fewer how many areas fewer that makes, at least 0.
     */
    public void joinAreas(final int fewer) {
        assert fewer >= 0 && fewer < areas : "fewer=" + fewer + " areas=" + areas;
        areas -= fewer;
    }

    /**
     * Gives an area back; it merges with the free ranges on both sides.
     *
     * @param start first page.
     * @param pages as allocated.
     * @throws AssertionError if a page of it is free already; nothing has changed then.
     */
    public void free(final long start, final long pages) {
        free(start, pages, 1);
    }

    /**
     * Gives back several areas that lie side by side, in one step.
     *
     * @param start first page of the lowest.
     * @param pages of all of them.
     * @param count how many areas they are, at least 1: so many nodes fewer are kept ready.
     * @throws AssertionError if a page of them is free already; nothing has changed then.
     */
    public void free(final long start, final long pages, final int count) {
        requirePages(start, pages);
        if (count < 1) {
            throw new IllegalArgumentException("count=" + count);
        }
        if (start < startPage || pages > endPage - start) {
            throw new IllegalArgumentException("start=" + start + " pages=" + pages + " outside " + this);
        }
        search.descendTo(start);
        final int below = search.lastTurn(RIGHT, start);
        final int above = search.lastTurn(LEFT, start);
        refuseOverlap(below, above, start, pages);
        final boolean joinsBelow = below >= 0 && nodes.end(path.node(below)) == start;
        final boolean joinsAbove = above >= 0 && nodes.start(path.node(above)) == start + pages;
        if (joinsBelow && joinsAbove) {
            joinBoth(below, above, pages);
        } else if (joinsBelow) {
            final int node = path.cut(below);
            resize(node, nodes.start(node), nodes.pages(node) + pages);
        } else if (joinsAbove) {
            final int node = path.cut(above);
            resize(node, start, nodes.pages(node) + pages);
        } else {
            requireNode();
            insertLeaf(start, pages);
        }
        freePages += pages;
        areas = freePages == endPage - startPage ? 0 : Math.max(areas - count, 1);
    }

    /** @return the first page of the window. */
    public long startPage() {
        return startPage;
    }

    /** @return one past the last page of the window. */
    public long endPage() {
        return endPage;
    }

    /** @return how many pages are free. */
    public long freePages() {
        return freePages;
    }

    /** @return the pages of the largest free range; 0 if none is free. */
    public long largestFree() {
        return nodes.largest(path.root());
    }

    /** @return how many free ranges there are; no two touch. */
    public long ranges() {
        return nodes.inUse();
    }

    /**
     * The free range that holds a page, else the next one below that is large enough.
     *
     * @param page any.
     * @param pages the least size; 1 for any range.
     * @return the start of the highest free range that starts at or below {@code page} and has {@code pages}, or
     *     {@link #NONE}.
     */
    public long freeStartAtOrBelow(final long page, final long pages) {
        final int node = search.atOrBelow(page, pages);
        return node == NIL ? NONE : nodes.start(node);
    }

    /**
     * The first free range that is not below a page.
     *
     * @param page any.
     * @return the start of the lowest free range that starts at or above {@code page}; or {@link #NONE}.
     */
    public long freeStartAtOrAbove(final long page) {
        final int node = search.atOrAbove(page);
        return node == NIL ? NONE : nodes.start(node);
    }

    /**
     * Where a free range ends.
     *
     * @param start of a free range, exactly.
     * @return one past its last page; {@link #NONE} if no free range starts there.
     */
    public long freeEndOf(final long start) {
        final int node = search.atOrAbove(start);
        return node == NIL || nodes.start(node) != start ? NONE : nodes.end(node);
    }

    /**
     * Shows every free range, lowest first.
     *
     * @param visitor must not change the tree.
     */
    public void forEachFree(final FreeVisitor visitor) {
        for (long start = freeStartAtOrAbove(0); start != NONE; start = freeStartAtOrAbove(start + 1)) {
            visitor.range(start, freeEndOf(start) - start);
        }
    }

    /**
     * Walks the whole tree.
     *
     * @throws AssertionError if order, colours, sizes, the largest sizes or the totals are wrong, or two ranges touch.
     */
    public void verify() {
        new FreeVerifier(path, startPage, endPage).verify(freePages);
        if (nodes.inUse() > areas + 1) {
            throw new AssertionError("ranges=" + nodes.inUse() + " areas=" + areas);
        }
    }

    @Override
    public String toString() {
        return "AreaTree[" + startPage + ", " + endPage + ") free=" + freePages + " ranges=" + ranges() + " largest="
            + largestFree();
    }

    /** Takes pages out of the range at the end of the path (V5: full, left edge, right edge, no edge). */
    private void carve(final int node, final long start, final long pages) {
        final long rangeStart = nodes.start(node);
        final long before = start - rangeStart;
        final long after = nodes.end(node) - start - pages;
        assert before >= 0 && after >= 0 : "before=" + before + " after=" + after;
        if (before == 0 && after == 0) {
            removeAny(node);
        } else if (before == 0) {
            resize(node, start + pages, after);
        } else {
            resize(node, rangeStart, before);
            if (after != 0) {
                search.pushNextOf(node);
                insertLeaf(start + pages, after);
            }
        }
        freePages -= pages;
        areas++;
    }

    /** Removes the node at the end of the path, or, if it has two children, moves the next range into it. */
    private void removeAny(final int node) {
        final int index = path.depth() - 1;
        if (nodes.child(node, LEFT) != NIL && nodes.child(node, RIGHT) != NIL) {
            search.pushNextOf(node);
            final int moved = path.node(path.depth() - 1);
            nodes.setRange(node, nodes.start(moved), nodes.pages(moved));
        }
        path.remove(index);
    }

    /**
     * Both neighbours are on the path, and the lower of the two in the tree ends it: the new leaf would have hung
     * there, so it has at most one child. That one goes, and the other takes all pages. (V6: the size changes first, so
     * that the removal carries the right largest sizes up.)
     */
    private void joinBoth(final int below, final int above, final long pages) {
        final int left = path.node(below);
        final int right = path.node(above);
        final long all = nodes.pages(left) + pages + nodes.pages(right);
        final int kept = Math.min(below, above);
        nodes.setRange(path.node(kept), nodes.start(left), all);
        assert Math.max(below, above) == path.depth() - 1;
        path.remove(kept);
    }

    private void resize(final int node, final long start, final long pages) {
        nodes.setRange(node, start, pages);
        path.carryUp(path.depth() - 1, path.depth() - 1);
    }

    /** The new leaf's place is below the end of the path. */
    private void insertLeaf(final long start, final long pages) {
        final int last = path.depth() - 1;
        final int side = last >= 0 && start < nodes.start(path.node(last)) ? LEFT : RIGHT;
        path.insert(side, nodes.take(start, pages));
    }

    private void refuseOverlap(final int below, final int above, final long start, final long pages) {
        if (below >= 0 && nodes.end(path.node(below)) > start
            || above >= 0 && nodes.start(path.node(above)) < start + pages) {
            throw new AssertionError("freed twice: start=" + start + " pages=" + pages + " in " + this);
        }
    }

    private void requireNode() {
        if (!nodes.available()) {
            // Only an area freed in parts that were not announced gets here.
            throw new IllegalStateException("areas=" + areas + " ranges=" + ranges() + ": an area was freed in parts");
        }
    }

    private static void requirePages(final long start, final long pages) {
        if (pages <= 0 || start < 0) {
            throw new IllegalArgumentException("start=" + start + " pages=" + pages);
        }
    }
}
