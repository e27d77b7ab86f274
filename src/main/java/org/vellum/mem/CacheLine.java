package org.vellum.mem;

/**
 * Sizes that keep hot words of different owners apart.
 *
 * <p>The stride is two lines, not one: the adjacent-line prefetcher of current x86 processors pulls lines in pairs, so
 * neighbours one line apart still disturb each other.
 */
public final class CacheLine {
    /** Bytes of one cache line on the processors we know. */
    public static final int BYTES = 64;

    /** Bytes between two words that must never share a line, nor a prefetched pair of lines. */
    public static final int STRIDE_BYTES = 2 * BYTES;

    /** {@link #STRIDE_BYTES} counted in 64-bit words. */
    public static final int STRIDE_WORDS = STRIDE_BYTES / Long.BYTES;

    private CacheLine() {
    }
}
