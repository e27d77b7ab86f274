package org.vellum.percpu;

/**
 * The granules that are allocated, a bit each, and the hints that follow them: {@link AreaHints} for each block, and one record more for
 * the whole, whose runs cross the borders of blocks.
 *
 * <p>Invariant: between two calls every hint of every record is true of the bits. Numbers are bits; every method runs under the
 * allocator's lock.
 */
final class FreeRuns {
    static final int NONE = -1;
    static final int BLOCK_SHIFT = 10;
    static final int BLOCK_BITS = 1 << BLOCK_SHIFT;

    private static final int BLOCK_MASK = BLOCK_BITS - 1;

    final long[] allocated;
    final AreaHints hints;
    final int bits;
    final int blocks;

    /** The record of the whole, after those of the blocks. */
    final int whole;

    private int emptyBlocks;

    /** Makes {@code blocks} blocks, all of them free. */
    FreeRuns(final int blocks) {
        this.blocks = blocks;
        bits = blocks << BLOCK_SHIFT;
        whole = blocks;
        allocated = new long[Bitmap.words(bits)];
        hints = new AreaHints(blocks + 1);
        for (int block = 0; block < blocks; block++) {
            hints.open(block, BLOCK_BITS);
        }
        hints.open(whole, bits);
        emptyBlocks = blocks;
    }

    boolean isAllFree(final int from, final int to) {
        return Bitmap.nextSet(allocated, from, to) == to;
    }

    boolean isEmpty(final int block) {
        return hints.left(block) == BLOCK_BITS;
    }

    int emptyBlocks() {
        return emptyBlocks;
    }

    /**
     * Looks for room; what it learns on the way makes the next search shorter.
     *
     * @param wanted length of the range.
     * @param align of its first bit, a power of two up to a block.
     * @param usable if not null, a bit for each block, and a range in a block without one is not found.
     * @return the first bit, or {@link #NONE}.
     */
    int find(final int wanted, final int align, final long[] usable) {
        if (!hints.fits(whole, wanted, align)) {
            return NONE;
        }
        int run = 0;
        for (int block = hints.searchStart(whole, wanted) >>> BLOCK_SHIFT; block < blocks; block++) {
            if (usable != null && !Bitmap.get(usable, block)) {
                run = 0;
                continue;
            }
            final int start = (block << BLOCK_SHIFT) - run;
            final int joined = run + hints.left(block);
            if (run > 0 && AreaHints.fits(start, joined, wanted, align)) {
                return AreaHints.alignUp(start, align);
            }
            if (hints.fits(block, wanted, align)) {
                return findIn(block, wanted, align);
            }
            run = isEmpty(block) ? joined : hints.right(block);
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

    /** Takes a range away that is free. */
    void mark(final int from, final int to) {
        Bitmap.set(allocated, from, to);
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
        emptyBlocks -= isEmpty(block) ? 1 : 0;
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
            if (run > 0 && isEmpty(block)) {
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

    /** Gives a range back that was taken. */
    void unmark(final int from, final int to) {
        Bitmap.clear(allocated, from, to);
        final int first = from >>> BLOCK_SHIFT;
        final int last = to - 1 >>> BLOCK_SHIFT;
        for (int block = first; block <= last; block++) {
            final int base = block << BLOCK_SHIFT;
            final int start = block == first ? Bitmap.startOfClear(allocated, base, from) - base : 0;
            final int end = block == last ? Bitmap.nextSet(allocated, to, base + BLOCK_BITS) - base : BLOCK_BITS;
            hints.give(block, start, end);
            emptyBlocks += isEmpty(block) ? 1 : 0;
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
}
