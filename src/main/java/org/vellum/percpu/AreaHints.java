package org.vellum.percpu;

/**
 * What is known of the free runs of each block, and of the whole map as one more record, without looking at the bits.
 *
 * <pre>
 *   word of a record
 *   0  lowest free bit; the record's size if there is none        exact
 *   1  length of the free run that begins at bit 0                exact
 *   2  length of the free run that ends at the last bit           exact
 *   3  length of the largest free run: the contig hint            exact
 *   4  where one of that length begins
 *   5  length of the scan hint; 0 = nothing is known
 *   6  where it begins
 *   7  the record's size
 * </pre>
 *
 * <p>The <b>scan hint</b> is a free run with the property that <em>no run which begins before it is longer</em>. So a request that
 * is longer starts behind it, and when the contig hint is used up, the scan hint takes its place and only what lies behind has to be
 * searched: the new contig hint is exact, not merely safe. A change after which the property cannot be known from the record drops
 * the scan hint; a record without one is right, only slower.
 *
 * <p>Of two runs that are equally long the contig hint prefers the one whose start is aligned best, because that is the one a request
 * with an alignment is most likely to fit. The scan hint begins behind the contig hint if and only if both are equally long: a longer run
 * before it would contradict it, and a shorter one behind the contig hint is of no use.
 *
 * <p>Plain words; every method runs under the allocator's lock.
 */
final class AreaHints {
    private static final int STRIDE_SHIFT = 3;
    private static final int FIRST_FREE = 0;
    private static final int LEFT = 1;
    private static final int RIGHT = 2;
    private static final int CONTIG = 3;
    private static final int CONTIG_START = 4;
    private static final int SCAN = 5;
    private static final int SCAN_START = 6;
    private static final int BITS = 7;

    private final int[] words;

    AreaHints(final int records) {
        words = new int[records << STRIDE_SHIFT];
    }

    /** Makes a record of {@code bits} bits, all of them free. */
    void open(final int record, final int bits) {
        put(record, LEFT, bits);
        put(record, RIGHT, bits);
        put(record, CONTIG, bits);
        put(record, BITS, bits);
    }

    int firstFree(final int record) {
        return get(record, FIRST_FREE);
    }

    void setFirstFree(final int record, final int bit) {
        put(record, FIRST_FREE, bit);
    }

    int left(final int record) {
        return get(record, LEFT);
    }

    int right(final int record) {
        return get(record, RIGHT);
    }

    int contig(final int record) {
        return get(record, CONTIG);
    }

    int contigStart(final int record) {
        return get(record, CONTIG_START);
    }

    int contigEnd(final int record) {
        return contigStart(record) + contig(record);
    }

    int scan(final int record) {
        return get(record, SCAN);
    }

    int scanStart(final int record) {
        return get(record, SCAN_START);
    }

    /** Whether the contig hint holds {@code bits} bits at a multiple of {@code align}, a power of two. */
    boolean fits(final int record, final int bits, final int align) {
        return fits(contigStart(record), contig(record), bits, align);
    }

    static boolean fits(final int start, final int length, final int bits, final int align) {
        return alignUp(start, align) - start + bits <= length;
    }

    static int alignUp(final int bit, final int align) {
        return bit + align - 1 & -align;
    }

    /** A bit before which no run of {@code bits} bits begins. */
    int searchStart(final int record, final int bits) {
        final int scan = scan(record);
        return scan > 0 && bits > scan ? scanStart(record) + scan : firstFree(record);
    }

    /**
     * Takes a part of one free run away. The caller then moves {@link #setFirstFree the lowest free bit} if that was {@code from}.
     *
     * @return whether the contig hint was hit: {@link #promote}, and tell what lies behind, before anything else.
     */
    boolean take(final int record, final int from, final int to) {
        put(record, LEFT, Math.min(left(record), from));
        put(record, RIGHT, Math.min(right(record), get(record, BITS) - to));
        final int scanStart = scanStart(record);
        if (scanStart < to && from < scanStart + scan(record)) {
            setScan(record, 0, 0);
        }
        return contigStart(record) < to && from < contigEnd(record);
    }

    /**
     * Replaces a contig hint that is no longer true by the scan hint, or by none.
     *
     * @return from where on the caller has to tell all runs by {@link #give}, in ascending order: those before are known.
     */
    int promote(final int record) {
        final int scan = scan(record);
        setContig(record, scanStart(record), scan);
        setScan(record, 0, 0);
        return scan == 0 ? firstFree(record) : contigEnd(record);
    }

    /** Learns from a search, which began at {@link #searchStart} and saw this run as the longest, and of those the last, that failed. */
    void skipped(final int record, final int start, final int length) {
        if (length >= scan(record) && length < contig(record) && start < contigStart(record)) {
            setScan(record, start, length);
        }
    }

    /** Records a free run in its full extent, with the runs that it may have swallowed. */
    void give(final int record, final int start, final int end) {
        final int length = end - start;
        put(record, FIRST_FREE, Math.min(firstFree(record), start));
        if (start == 0) {
            put(record, LEFT, length);
        }
        if (end == get(record, BITS)) {
            put(record, RIGHT, length);
        }
        if (length > contig(record)) {
            giveLongest(record, start, end);
        } else if (length == contig(record)) {
            giveEqual(record, start, length);
        } else if (start < contigStart(record)) {
            giveShorter(record, start, end);
        }
    }

    private void giveLongest(final int record, final int start, final int end) {
        final int contig = contig(record);
        final int contigStart = contigStart(record);
        if (contig > 0 && contigStart < start) {
            // Nothing was longer than the old contig hint.
            setScan(record, contigStart, contig);
        } else if (scanStart(record) >= start) {
            // Swallowed, or behind: a longer run before it contradicts it.
            setScan(record, 0, 0);
        }
        setContig(record, start, end - start);
    }

    private void giveEqual(final int record, final int start, final int length) {
        final int contigStart = contigStart(record);
        final int lower = Math.min(start, contigStart);
        final int higher = Math.max(start, contigStart);
        if (alignment(lower) >= alignment(higher)) {
            setContig(record, lower, length);
            setScan(record, higher, length);
            return;
        }
        setContig(record, higher, length);
        // A shorter scan hint stays true below both runs, an equally long one above both.
        final int scanStart = scanStart(record);
        if (scan(record) == length ? scanStart < higher : scanStart >= lower) {
            setScan(record, 0, 0);
        }
    }

    private void giveShorter(final int record, final int start, final int end) {
        final int length = end - start;
        final int scan = scan(record);
        final int scanStart = scanStart(record);
        final boolean isFirst = scan == 0 && start == firstFree(record);
        // Longer, and not behind: it follows nothing that is longer than the scan hint was, which it has swallowed or overtaken.
        final boolean isBefore = scan > 0 && length > scan && start <= scanStart;
        if (isFirst || isBefore) {
            setScan(record, start, length);
        }
    }

    /** A bit at 0 is aligned to everything. */
    private static int alignment(final int start) {
        return Integer.numberOfTrailingZeros(start);
    }

    private void setContig(final int record, final int start, final int length) {
        put(record, CONTIG_START, start);
        put(record, CONTIG, length);
    }

    private void setScan(final int record, final int start, final int length) {
        put(record, SCAN_START, start);
        put(record, SCAN, length);
    }

    private int get(final int record, final int word) {
        return words[(record << STRIDE_SHIFT) + word];
    }

    private void put(final int record, final int word, final int value) {
        words[(record << STRIDE_SHIFT) + word] = value;
    }
}
