package org.vellum.percpu;

import org.vellum.mem.Pages;

/**
 * Which parts of a chunk's units are allocated. One map serves all units, because one offset means the same object on every CPU.
 *
 * <p>A <em>granule</em> is 4 bytes and one bit, a <em>block</em> is one page and 1,024 bits. Two bitmaps: one says which granules
 * are allocated, the other at which of them an allocation begins, so that {@link #free} needs no size, and recognises what is not the
 * beginning of an allocation. {@link AreaHints} hold what is known of each block and of the whole.
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

    static final int BLOCK_BITS = Pages.SIZE / GRANULE;

    private static final int GRANULE_SHIFT = 2;
    private static final int BLOCK_SHIFT = Pages.SHIFT - GRANULE_SHIFT;
    private static final int BLOCK_MASK = BLOCK_BITS - 1;

    final AreaHints hints;
    final long[] allocated;

    /** A subset of {@link #allocated}. */
    final long[] begins;

    private final int bits;
    private final int blocks;

    /** The record of the whole map, after those of the blocks. */
    private final int whole;

    private int usableFrom;
    private int usableTo;
    private int freeBits;
    private int emptyPages;

    /**
     * Makes a map of which nothing is allocated.
     *
     * @param bytes of a unit: whole pages, up to {@link #MAX_BYTES}.
     */
    AreaMap(final int bytes) {
        if (bytes < Pages.SIZE || bytes > MAX_BYTES || (bytes & Pages.OFFSET_MASK) != 0) {
            throw new IllegalArgumentException("bytes=" + bytes);
        }
        bits = bytes >>> GRANULE_SHIFT;
        blocks = bits >>> BLOCK_SHIFT;
        whole = blocks;
        allocated = new long[Bitmap.words(bits)];
        begins = new long[Bitmap.words(bits)];
        hints = new AreaHints(blocks + 1);
        for (int block = 0; block < blocks; block++) {
            hints.open(block, BLOCK_BITS);
        }
        hints.open(whole, bits);
        usableTo = bits;
        freeBits = bits;
        emptyPages = blocks;
    }

    /** Bytes of a unit. */
    int bytes() {
        return bits << GRANULE_SHIFT;
    }

    /** The record of the whole map in {@link #hints}. */
    int whole() {
        return whole;
    }

    /** The largest free run, in bytes. */
    int contiguous() {
        return hints.contig(whole) << GRANULE_SHIFT;
    }

    /** Everything that is free, in bytes. */
    int freeBytes() {
        return freeBits << GRANULE_SHIFT;
    }

    /** Whether nothing is allocated; fixed areas do not count. */
    boolean isEmpty() {
        return freeBits == usableTo - usableFrom;
    }

    /** Whether nothing of a page is allocated or fixed. */
    boolean isPageEmpty(final int page) {
        return hints.left(page) == BLOCK_BITS;
    }

    /** How many pages have nothing that is allocated or fixed. */
    int emptyPages() {
        return emptyPages;
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
        final boolean isAtAnEnd = from == usableFrom || to == usableTo;
        if (length <= 0 || from < usableFrom || to > usableTo || !isAtAnEnd || Bitmap.nextSet(allocated, from, to) < to) {
            throw new IllegalArgumentException("offset=" + offset + " length=" + length + " bytes=" + bytes());
        }
        if (from == usableFrom) {
            usableFrom = to;
        } else {
            usableTo = from;
        }
        mark(from, to);
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
        final int wanted = granules(length);
        final int alignBits = Math.max(align >>> GRANULE_SHIFT, 1);
        if (!hints.fits(whole, wanted, alignBits)) {
            return NONE;
        }
        int run = 0;
        for (int block = hints.searchStart(whole, wanted) >>> BLOCK_SHIFT; block < blocks; block++) {
            if (populated != null && !Bitmap.get(populated, block)) {
                run = 0;
                continue;
            }
            final int start = (block << BLOCK_SHIFT) - run;
            final int joined = run + hints.left(block);
            if (run > 0 && AreaHints.fits(start, joined, wanted, alignBits)) {
                return AreaHints.alignUp(start, alignBits) << GRANULE_SHIFT;
            }
            if (hints.fits(block, wanted, alignBits)) {
                return findIn(block, wanted, alignBits) << GRANULE_SHIFT;
            }
            run = isPageEmpty(block) ? joined : hints.right(block);
        }
        return NONE;
    }

    /** The lowest range within a block whose contig hint holds it. */
    private int findIn(final int block, final int wanted, final int align) {
        final int base = block << BLOCK_SHIFT;
        final int limit = base + BLOCK_BITS;
        int start = base + hints.searchStart(block, wanted);
        int skipped = 0;
        int skippedStart = 0;
        while (true) {
            start = Bitmap.nextClear(allocated, start, limit);
            assert start < limit : "block=" + block + " bits=" + wanted + " align=" + align;
            final int end = Bitmap.nextSet(allocated, start, limit);
            if (AreaHints.fits(start, end - start, wanted, align)) {
                hints.skipped(block, skippedStart, skipped);
                return AreaHints.alignUp(start, align);
            }
            if (end - start >= skipped) {
                skipped = end - start;
                skippedStart = start - base;
            }
            start = end;
        }
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
        assert from >= usableFrom && to <= usableTo && Bitmap.nextSet(allocated, from, to) == to : "offset=" + offset + " length=" + length;
        Bitmap.set(begins, from);
        mark(from, to);
    }

    private void mark(final int from, final int to) {
        Bitmap.set(allocated, from, to);
        freeBits -= to - from;
        for (int block = from >>> BLOCK_SHIFT; block <= to - 1 >>> BLOCK_SHIFT; block++) {
            final int base = block << BLOCK_SHIFT;
            markIn(block, Math.max(from - base, 0), Math.min(to - base, BLOCK_BITS));
        }
        if (hints.firstFree(whole) == from) {
            hints.setFirstFree(whole, firstFreeFrom(to));
        }
        if (hints.take(whole, from, to)) {
            rescan();
        }
    }

    private void markIn(final int block, final int from, final int to) {
        final int base = block << BLOCK_SHIFT;
        final int limit = base + BLOCK_BITS;
        emptyPages -= isPageEmpty(block) ? 1 : 0;
        if (hints.firstFree(block) == from) {
            hints.setFirstFree(block, Bitmap.nextClear(allocated, base + to, limit) - base);
        }
        if (hints.take(block, from, to)) {
            int start = Bitmap.nextClear(allocated, base + hints.promote(block), limit);
            while (start < limit) {
                final int end = Bitmap.nextSet(allocated, start, limit);
                hints.give(block, start - base, end - base);
                start = Bitmap.nextClear(allocated, end, limit);
            }
        }
    }

    private int firstFreeFrom(final int bit) {
        for (int block = bit >>> BLOCK_SHIFT; block < blocks; block++) {
            if (hints.contig(block) > 0) {
                return (block << BLOCK_SHIFT) + hints.firstFree(block);
            }
        }
        return bits;
    }

    /**
     * Tells the record of the whole the largest run within each block and every run that crosses a border, in ascending order. A run
     * that is left out is no longer than one of its block that is told.
     */
    private void rescan() {
        int known = hints.promote(whole);
        int run = 0;
        for (int block = known >>> BLOCK_SHIFT; block < blocks; block++) {
            final int base = block << BLOCK_SHIFT;
            if (run > 0 && isPageEmpty(block)) {
                run += BLOCK_BITS;
                continue;
            }
            if (run > 0) {
                known = base + hints.left(block);
                hints.give(whole, base - run, known);
            }
            final int start = base + hints.contigStart(block);
            final int end = base + hints.contigEnd(block);
            if (start >= known && end > start && end < base + BLOCK_BITS) {
                hints.give(whole, start, end);
            }
            run = hints.right(block);
        }
        if (run > 0) {
            hints.give(whole, bits - run, bits);
        }
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
        Bitmap.clear(allocated, from, to);
        Bitmap.clear(begins, from);
        freeBits += to - from;
        unmark(from, to);
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
        if (!Bitmap.get(allocated, from)) {
            return NOT_ALLOCATED;
        }
        if (!Bitmap.get(begins, from) || (offset & GRANULE - 1) != 0) {
            return INTERIOR;
        }
        return Bitmap.nextClearOrSet(allocated, begins, from + 1, usableTo) - from << GRANULE_SHIFT;
    }

    private void unmark(final int from, final int to) {
        final int first = from >>> BLOCK_SHIFT;
        final int last = to - 1 >>> BLOCK_SHIFT;
        for (int block = first; block <= last; block++) {
            final int base = block << BLOCK_SHIFT;
            final int start = block == first ? Bitmap.startOfClear(allocated, base, from) - base : 0;
            final int end = block == last ? Bitmap.nextSet(allocated, to, base + BLOCK_BITS) - base : BLOCK_BITS;
            hints.give(block, start, end);
            emptyPages += isPageEmpty(block) ? 1 : 0;
        }
        hints.give(whole, startOfRun(from), endOfRun(to));
    }

    /** Where the free run begins that ends before {@code from}. */
    private int startOfRun(final int from) {
        // The usual neighbour is the large run behind all allocations: its extent is known without a walk over its blocks.
        if (hints.contigEnd(whole) == from) {
            return hints.contigStart(whole);
        }
        int start = Bitmap.startOfClear(allocated, from & ~BLOCK_MASK, from);
        while (start > 0 && (start & BLOCK_MASK) == 0) {
            final int right = hints.right((start >>> BLOCK_SHIFT) - 1);
            start -= right;
            if (right < BLOCK_BITS) {
                break;
            }
        }
        return start;
    }

    /** Where the free run ends that begins at {@code to}. */
    private int endOfRun(final int to) {
        if (hints.contigStart(whole) == to) {
            return hints.contigEnd(whole);
        }
        int end = Bitmap.nextSet(allocated, to, to + BLOCK_MASK & ~BLOCK_MASK);
        while (end < bits && (end & BLOCK_MASK) == 0) {
            final int left = hints.left(end >>> BLOCK_SHIFT);
            end += left;
            if (left < BLOCK_BITS) {
                break;
            }
        }
        return end;
    }

    private static int granules(final int length) {
        return length + GRANULE - 1 >>> GRANULE_SHIFT;
    }
}
