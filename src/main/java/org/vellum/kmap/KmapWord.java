package org.vellum.kmap;

/**
 * The state of a slot of the shared window, packed into a word.
 *
 * <pre>
 *    63                        24  23  22              0
 *   +----------------------------+---+------------------+
 *   | frame + 1                  | W | count            |
 *   +----------------------------+---+------------------+
 *   W writable
 *
 *   0           free, and flushed
 *   count 1     nobody uses it, but it is mapped: may be used again for this frame, for no other before a flush
 *   count n     n - 1 users
 *   FLUSHING    cleared; free once the grace period has ended
 * </pre>
 *
 * <p>Frame and count change together, by one compare-and-set: a user that pins a slot just when a flush clears it (RK4) either makes
 * 2 of 1, and the flush passes it over, or finds another word.
 */
final class KmapWord {
    static final long FREE = 0;
    static final long FLUSHING = -1;
    static final long UNUSED = 1;
    static final long WRITABLE = 1L << 23;
    /** Users there can be of one slot. */
    static final long MAX_COUNT = WRITABLE - 2;

    private static final int FRAME_SHIFT = 24;

    private KmapWord() {
    }

    static boolean names(final long word, final long frame) {
        return word >>> FRAME_SHIFT == frame + 1 && isMapped(word);
    }

    static long of(final long frame, final boolean writable, final long count) {
        return frame + 1 << FRAME_SHIFT | (writable ? WRITABLE : 0) | count;
    }

    static long frame(final long word) {
        return (word >>> FRAME_SHIFT) - 1;
    }

    static boolean isWritable(final long word) {
        return (word & WRITABLE) != 0;
    }

    /** Of a word that is neither free nor flushing. */
    static long count(final long word) {
        return word & WRITABLE - 1;
    }

    static boolean isMapped(final long word) {
        return word != FREE && word != FLUSHING;
    }

    static boolean isUnused(final long word) {
        return isMapped(word) && count(word) == UNUSED;
    }

    static boolean isUsed(final long word) {
        return isMapped(word) && count(word) != UNUSED;
    }
}
