package org.vellum.mapram;

import org.vellum.mem.Words;
import org.vellum.vmap.VmapOptions;

/**
 * The shared records of blocks. A block is numbered by its place in the window, so an address names its block by a shift.
 *
 * <pre>
 *   word 0  generation (32) | unused (15) | LEFT (1) | dirty pages (16)        getAndAdd by whoever unmaps or leaves
 *        1  link: of limbo, or of the pool
 *        2  stamp: of limbo
 *        3  number of its area + 1; 0 never a block, or given back
 * </pre>
 */
final class VmapBlock {
    static final int PAGES = VmapOptions.BLOCK_PAGES;
    static final int PAGES_SHIFT = Integer.numberOfTrailingZeros(PAGES);

    static final int STRIDE_WORDS = 8;
    static final int WORD = 0;
    static final int LINK = 1;
    static final int STAMP = 2;
    static final int AREA = 3;

    static final long LEFT = 1L << 16;
    private static final long DIRTY_MASK = 0xFFFF;
    private static final int GENERATION_SHIFT = 32;

    private VmapBlock() {
    }

    static long fresh(final long generation) {
        return generation << GENERATION_SHIFT;
    }

    static long generation(final long word) {
        return word >>> GENERATION_SHIFT;
    }

    static int dirty(final long word) {
        return (int)(word & DIRTY_MASK);
    }

    static boolean isLeft(final long word) {
        return (word & LEFT) != 0;
    }

    /** Left, and every page dirty: to be retired by whoever made it so. */
    static boolean isComplete(final long word) {
        return (word & (LEFT | DIRTY_MASK)) == (LEFT | PAGES);
    }

    static Words records(final long blocks) {
        return Words.zeroed(blocks * STRIDE_WORDS);
    }
}
