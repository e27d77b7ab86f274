package org.vellum.kmap;

import org.vellum.mem.Pages;

/**
 * How frames are mapped.
 *
 * @param windowBytes of the shared window, and so the most high memory that is in reach at a time: a multiple of 4,096, 16 KiB to 1 GiB.
 * @param force whether low frames are mapped through the windows, too, as high ones are: for tests, and to compare the two. The entry of
 *              a frame that is freed while it is mapped stays, see {@link Kmap}.
 * @param direct whether a local map of a low frame is a bare addition: no slot, no stack, no checks.
 * @param waitNanos how long a map waits, parked, for a slot of the window or a cache frame, in nanoseconds.
 */
public record KmapOptions(long windowBytes, boolean force, boolean direct, long waitNanos) {
    /** The least window. */
    public static final long MIN_WINDOW_BYTES = 4L * Pages.SIZE;
    /** The largest window. */
    public static final long MAX_WINDOW_BYTES = 1L << 30;
    /** 16 MiB, low frames by their linear address and checked, 5 seconds. */
    public static final KmapOptions DEFAULT = new KmapOptions(16L << 20, false, false, 5_000_000_000L);

    /** Checks the ranges above. */
    public KmapOptions {
        if (windowBytes < MIN_WINDOW_BYTES || windowBytes > MAX_WINDOW_BYTES || (windowBytes & Pages.OFFSET_MASK) != 0) {
            throw new IllegalArgumentException("not a multiple of " + Pages.SIZE + " from " + MIN_WINDOW_BYTES + " to " + MAX_WINDOW_BYTES
                + ": kmapWindow=" + windowBytes);
        }
        if (force && direct) {
            throw new IllegalArgumentException("either through the window or past it: force=true direct=true");
        }
        if (waitNanos < 0) {
            throw new IllegalArgumentException("waitNanos=" + waitNanos);
        }
    }

    /**
     * @param bytes as above.
     * @return these, but for that.
     */
    public KmapOptions withWindowBytes(final long bytes) {
        return new KmapOptions(bytes, force, direct, waitNanos);
    }

    /**
     * @param wanted as above.
     * @return these, but for that.
     */
    public KmapOptions withForce(final boolean wanted) {
        return new KmapOptions(windowBytes, wanted, direct, waitNanos);
    }

    /**
     * @param wanted as above.
     * @return these, but for that.
     */
    public KmapOptions withDirect(final boolean wanted) {
        return new KmapOptions(windowBytes, force, wanted, waitNanos);
    }

    /**
     * @param nanos as above.
     * @return these, but for that.
     */
    public KmapOptions withWaitNanos(final long nanos) {
        return new KmapOptions(windowBytes, force, direct, nanos);
    }

    int windowPages() {
        return (int)(windowBytes >>> Pages.SHIFT);
    }
}
