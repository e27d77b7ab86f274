package org.vellum.mem;

/** The page: the unit in which Vellum backs, maps and returns memory. */
public final class Pages {
    /** log2 of {@link #SIZE}. */
    public static final int SHIFT = 12;

    /** Bytes of one page. */
    public static final int SIZE = 1 << SHIFT;

    /** Mask of the offset within a page. */
    public static final int OFFSET_MASK = SIZE - 1;

    private Pages() {
    }

    /**
     * The pages that hold {@code bytes}.
     *
     * @param bytes at least 0; near {@link Long#MAX_VALUE} the result is right, not wrapped.
     * @return the count, rounded up.
     */
    public static long of(final long bytes) {
        // Not by adding first: the largest sizes, which nobody can have, must not become small ones.
        return (bytes >>> SHIFT) + (-(bytes & OFFSET_MASK) >>> Long.SIZE - 1);
    }
}
