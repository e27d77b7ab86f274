package org.vellum.kmap;

/**
 * The numbers of frames: low ones are those of physical memory, high ones name a page of a file.
 *
 * <pre>
 *    63      40 39           32 31                     0
 *   +----------+---------------+------------------------+
 *   | 0        | file + 1      | page                   |   0 in bits 32 to 39: a low frame
 *   +----------+---------------+------------------------+
 * </pre>
 *
 * <p>So 40 bits hold any frame plus one, but of the last file that there could be, and words that are changed by compare-and-set have 24 left.
 */
final class HighFrames {
    private static final int FILE_SHIFT = Integer.SIZE;
    private static final long PAGE_MASK = (1L << FILE_SHIFT) - 1;

    private HighFrames() {
    }

    static boolean isHigh(final long frame) {
        return fileBits(frame) != 0;
    }

    /** What a low frame has none of; never negative. */
    static long fileBits(final long frame) {
        return frame >>> FILE_SHIFT;
    }

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
