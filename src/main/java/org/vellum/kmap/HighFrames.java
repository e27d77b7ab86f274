package org.vellum.kmap;

/**
 * Numbers of high frames: {@code (file + 1) << 32 | page}. Numbers below 2<sup>32</sup> are frames of physical memory.
 *
 * <p>Files are numbered from 0 to 253: a frame's number + 1 must fit 40 bits, which the last page of file 254 would not.
 */
final class HighFrames {
    private static final int FILE_SHIFT = 32;
    private static final long PAGE_MASK = (1L << FILE_SHIFT) - 1;

    private HighFrames() {
    }

    static boolean isHigh(final long frame) {
        return frame >>> FILE_SHIFT != 0;
    }

    /** The file; of a number that is no high frame's, one that cannot be. */
    static int file(final long frame) {
        return (int)(frame >>> FILE_SHIFT) - 1;
    }

    static long page(final long frame) {
        return frame & PAGE_MASK;
    }

    static long of(final int file, final long page) {
        return (long)(file + 1) << FILE_SHIFT | page;
    }
}
