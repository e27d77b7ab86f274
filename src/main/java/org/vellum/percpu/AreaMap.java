package org.vellum.percpu;

import org.vellum.mem.Pages;

/**
 * Which parts of a chunk's units are allocated. One map serves all units, because one offset means the same object on every CPU.
 *
 * <p>A <em>granule</em> is 4 bytes and one bit, a <em>block</em> is one page and 1,024 bits. Two bitmaps: one says which granules
 * are allocated ({@link FreeRuns}, which searches it), the other at which of them an allocation begins, so that {@link #free} needs no
 * size, and recognises what is not the beginning of an allocation.
 *
 * <h2>What is found</h2>
 * All hints are exact at all times, so a request without an alignment gets the lowest range that a linear scan would find, and fails
 * only if there is none. One with an alignment gets a range from the lowest block whose largest run holds it, or from runs that cross
 * a border of blocks; it may miss one that only a shorter run holds. It never misses if the largest free run has room for it wherever
 * that run begins, that is {@code bytes + align - 4} bytes.
 *
 * <p>Every method runs under the allocator's lock, takes a bounded number of steps, and allocates nothing.
 */
final class AreaMap {
    /** Bytes of one bit: the smallest allocation and the smallest alignment. */
    static final int GRANULE = 4;

    /** The largest map. */
    static final int MAX_BYTES = 16 << 20;

    /** What {@link #find} returns when it finds nothing. */
    static final int NONE = -1;

    /** What {@link #free} returns for a place where nothing is allocated. */
    static final int NOT_ALLOCATED = -1;

    /** What {@link #free} returns for a place inside an allocation, but not at its beginning. */
    static final int INTERIOR = -2;

    /** What {@link #free} returns for a place in a {@link #take fixed area}. */
    static final int FIXED = -3;

    private static final int GRANULE_SHIFT = 2;

    final FreeRuns runs;

    /** Where allocations begin: a subset of the allocated granules, and none in a fixed area. */
    final long[] begins;

    private int usableFrom;
    private int usableTo;
    private int freeGranules;

    /**
     * Makes a map of which nothing is allocated.
     *
     * @param bytes of a unit: whole pages, up to {@link #MAX_BYTES}.
     */
    AreaMap(final int bytes) {
        if (bytes < Pages.SIZE || bytes > MAX_BYTES || (bytes & Pages.OFFSET_MASK) != 0) {
            throw new IllegalArgumentException("bytes=" + bytes);
        }
        runs = new FreeRuns(bytes >>> Pages.SHIFT);
        begins = new long[Bitmap.words(runs.bits)];
        usableTo = runs.bits;
        freeGranules = runs.bits;
    }

    /** Bytes of a unit. */
    int bytes() {
        return runs.bits << GRANULE_SHIFT;
    }

    /** The largest free run, in bytes. */
    int contiguous() {
        return runs.hints.contig(runs.whole) << GRANULE_SHIFT;
    }

    /** Everything that is free, in bytes. */
    int freeBytes() {
        return freeGranules << GRANULE_SHIFT;
    }

    /** Whether nothing is allocated; fixed areas do not count. */
    boolean isEmpty() {
        return freeGranules == usableTo - usableFrom;
    }

    /** Whether nothing of a page is allocated or fixed. */
    boolean isPageEmpty(final int page) {
        return runs.isEmpty(page);
    }

    /** How many pages have nothing that is allocated or fixed. */
    int emptyPages() {
        return runs.emptyBlocks();
    }

    /** How many pages of those that a range touches are empty and populated: asked before and after a change, the difference. */
    int emptyPages(final int offset, final int bytes, final long[] populated) {
        int count = 0;
        for (int page = offset >>> Pages.SHIFT; page <= offset + bytes - 1 >>> Pages.SHIFT; page++) {
            count += isPageEmpty(page) && Bitmap.get(populated, page) ? 1 : 0;
        }
        return count;
    }

    /**
     * Makes an area at either end of the map a fixed one: it is not found, not freed, and does not count as an allocation.
     *
     * @param offset rounded down to a granule.
     * @param length in bytes, more than 0; the end is rounded up to a granule.
     */
    void take(final int offset, final int length) {
        final int from = offset >> GRANULE_SHIFT;
        final int to = offset + length + GRANULE - 1 >> GRANULE_SHIFT;
        final boolean isInside = length > 0 && from >= usableFrom && length <= bytes() - offset && to <= usableTo;
        if (!isInside || from != usableFrom && to != usableTo || !runs.isAllFree(from, to)) {
            throw new IllegalArgumentException("offset=" + offset + " length=" + length + " bytes=" + bytes());
        }
        if (from == usableFrom) {
            usableFrom = to;
        } else {
            usableTo = from;
        }
        freeGranules -= to - from;
        runs.mark(from, to);
    }

    /**
     * Looks for room; what it learns on the way makes the next search shorter.
     *
     * @param length in bytes, more than 0; rounded up to a granule.
     * @param align in bytes, a power of two up to a page; below a granule it is one.
     * @param populated if not null, a bit for each page, and only ranges whose pages all have theirs are found.
     * @return an offset in bytes, or {@link #NONE}.
     */
    int find(final int length, final int align, final long[] populated) {
        final int found = runs.find(granules(length), Math.max(align >>> GRANULE_SHIFT, 1), populated);
        return found == FreeRuns.NONE ? NONE : found << GRANULE_SHIFT;
    }

    /**
     * Marks a range that was found.
     *
     * @param offset as {@link #find} returned it.
     * @param length as it was given to {@link #find}.
     */
    void allocate(final int offset, final int length) {
        final int from = offset >>> GRANULE_SHIFT;
        final int to = from + granules(length);
        assert to <= usableTo && runs.isAllFree(from, to) : "offset=" + offset + " length=" + length;
        Bitmap.set(begins, from);
        freeGranules -= to - from;
        runs.mark(from, to);
    }

    /**
     * Frees an allocation.
     *
     * @param offset in bytes, within the unit.
     * @return how many bytes that were; or {@link #NOT_ALLOCATED}, {@link #INTERIOR}, {@link #FIXED}, and nothing has changed.
     */
    int free(final int offset) {
        final int length = bytesAt(offset);
        if (length < 0) {
            return length;
        }
        final int from = offset >>> GRANULE_SHIFT;
        final int to = from + granules(length);
        Bitmap.clear(begins, from);
        freeGranules += to - from;
        runs.unmark(from, to);
        return length;
    }

    /**
     * The size of an allocation.
     *
     * @param offset in bytes, within the unit.
     * @return bytes, a multiple of the granule; negative as {@link #free} returns it.
     */
    int bytesAt(final int offset) {
        final int from = offset >>> GRANULE_SHIFT;
        if (from < usableFrom || from >= usableTo) {
            return FIXED;
        }
        if (!Bitmap.get(runs.allocated, from)) {
            return NOT_ALLOCATED;
        }
        if (!Bitmap.get(begins, from) || (offset & GRANULE - 1) != 0) {
            return INTERIOR;
        }
        return Bitmap.nextClearOrSet(runs.allocated, begins, from + 1, usableTo) - from << GRANULE_SHIFT;
    }

    /** Recomputes everything bit by bit; what is wrong is an {@link AssertionError}. */
    void verify() {
        new AreaVerifier(runs).verify();
        final int allocated = Bitmap.count(runs.allocated);
        check(freeGranules == runs.bits - allocated, "free=" + freeGranules + " allocated=" + allocated + " of " + runs.bits);
        boolean inside = false;
        for (int bit = 0; bit < runs.bits; bit++) {
            final boolean isAllocated = Bitmap.get(runs.allocated, bit);
            final boolean isFixed = bit < usableFrom || bit >= usableTo;
            final boolean begin = Bitmap.get(begins, bit);
            check(!begin || isAllocated && !isFixed, "bit=" + bit + " begins what is free or fixed");
            inside = isAllocated && (inside && bit != usableFrom || begin);
            check(isFixed ? isAllocated : inside == isAllocated, "bit=" + bit + " belongs to no allocation");
        }
    }

    private static void check(final boolean right, final String message) {
        if (!right) {
            throw new AssertionError(message);
        }
    }

    private static int granules(final int length) {
        return length + GRANULE - 1 >>> GRANULE_SHIFT;
    }
}
