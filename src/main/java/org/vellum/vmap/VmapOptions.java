package org.vellum.vmap;

import org.vellum.mem.Pages;

/**
 * The shape of the window.
 *
 * @param windowPages pages of the window, a multiple of 1,024, at most 2<sup>35</sup>.
 * @param lazyMaxPages lazy pages above which a drain is asked for.
 * @param policy when an unmapped address may be reused.
 * @param graceNanos the longest wait for a grace period on exhaustion, in nanoseconds.
 * @param rangeCaches whether slots keep ranges that came back from limbo.
 */
public record VmapOptions(
    long windowPages, long lazyMaxPages, FlushPolicy policy, long graceNanos, boolean rangeCaches) {

    /** Pages of the blocks that {@code vmMapRam} carves, to which the window is aligned. */
    public static final int BLOCK_PAGES = 1024;

    /** An address has 48 bits beside its tag, and the frames need some of them. */
    public static final long MAX_WINDOW_PAGES = 1L << 35;
    private static final long LAZY_PAGES_PER_BIT = 8192;
    private static final long LEAST_WINDOW_BYTES = 64L << 30;

    /** Checks the ranges above. */
    public VmapOptions {
        if (windowPages < BLOCK_PAGES || windowPages % BLOCK_PAGES != 0 || windowPages > MAX_WINDOW_PAGES) {
            throw new IllegalArgumentException("windowPages=" + windowPages);
        }
        if (lazyMaxPages < 0) {
            throw new IllegalArgumentException("lazyMaxPages=" + lazyMaxPages);
        }
        if (graceNanos < 0) {
            throw new IllegalArgumentException("graceNanos=" + graceNanos);
        }
    }

    /**
     * The default: a window of four times the memory, but at least 64 GiB of addresses, and the kernel's bound of lazy pages
     * (32 MiB for each bit of the number of processors: a flush costs more with more of them, but only logarithmically should
     * addresses be wasted for it), or an eighth of a small window.
     *
     * <p>The floor is for sections that the operating system preempts. While one sleeps for its 10 ms, nothing cleared since is
     * reused, and two processors that do nothing but map and unmap go through some 10 GiB of addresses meanwhile. Addresses
     * cost nothing until they are used, then 8 bytes of table a page; running out costs a wait, or inside a section a failure.
     *
     * @param memoryBytes bytes of physical memory.
     * @return options for this machine.
     */
    public static VmapOptions of(final long memoryBytes) {
        final long bytes = Math.max(4 * memoryBytes, LEAST_WINDOW_BYTES);
        final long blockBytes = (long)BLOCK_PAGES << Pages.SHIFT;
        final long pages = (bytes + blockBytes - 1) / blockBytes * BLOCK_PAGES;
        return new VmapOptions(pages, lazyMax(pages), FlushPolicy.LAZY, 1_000_000_000L, true);
    }

    /**
     * @param windowPages pages of a window.
     * @return the bound of lazy pages for it on this machine.
     */
    public static long lazyMax(final long windowPages) {
        final int bits = Integer.SIZE - Integer.numberOfLeadingZeros(Runtime.getRuntime().availableProcessors());
        return Math.min(bits * LAZY_PAGES_PER_BIT, windowPages / 8);
    }

    /**
     * @param other the policy.
     * @return the same with that policy.
     */
    public VmapOptions withPolicy(final FlushPolicy other) {
        return new VmapOptions(windowPages, lazyMaxPages, other, graceNanos, rangeCaches);
    }

    /**
     * @param pages of the window, a multiple of {@link #BLOCK_PAGES}; the bound of lazy pages follows.
     * @return the same with that window.
     */
    public VmapOptions withWindowPages(final long pages) {
        return new VmapOptions(pages, lazyMax(pages), policy, graceNanos, rangeCaches);
    }

    /**
     * @param pages lazy pages above which a drain is asked for.
     * @return the same with that bound.
     */
    public VmapOptions withLazyMaxPages(final long pages) {
        return new VmapOptions(windowPages, pages, policy, graceNanos, rangeCaches);
    }

    /**
     * @param nanos the longest wait for a grace period on exhaustion, in nanoseconds.
     * @return the same with that wait.
     */
    public VmapOptions withGraceNanos(final long nanos) {
        return new VmapOptions(windowPages, lazyMaxPages, policy, nanos, rangeCaches);
    }

    /**
     * @param wanted whether slots keep ranges that came back from limbo; without, every request gets the lowest address.
     * @return the same with or without.
     */
    public VmapOptions withRangeCaches(final boolean wanted) {
        return new VmapOptions(windowPages, lazyMaxPages, policy, graceNanos, wanted);
    }
}
