package org.vellum.space;

import org.vellum.gather.GatherMode;
import org.vellum.mem.Pages;

/**
 * The shape of one address space.
 *
 * @param bytes its addresses: from 0 to here, a multiple of 4,096, at most 256 TiB. They cost 4 bytes a MiB at once, and a table of 4 KiB for
 *              each 2 MiB that are touched.
 * @param mode what an unmap does about sections that are open: {@link GatherMode#RETIRE} leaves the frames to limbo and returns, {@link
 *             GatherMode#WAIT} returns when no section has a translation of what was unmapped any more.
 * @param policy how large ranges are taken away.
 * @param lockCount page-table locks, a power of two.
 * @param hashGroups 0, or a power of two of at least 2: then translations are also kept in a hash of so many groups of seven, as powerpc and sparc do,
 *                   and batches of addresses keep it true. For comparison, and for tests.
 */
public record SpaceOptions(long bytes, GatherMode mode, UnmapPolicy policy, int lockCount, int hashGroups) {
    /** The largest space. */
    public static final long MAX_BYTES = 1L << 48;
    private static final int LOCKS = 64;
    private static final int MAX_LOCKS = 1 << 16;
    private static final int MAX_GROUPS = 1 << 20;

    /** Checks the ranges above. */
    public SpaceOptions {
        if (bytes < 2 * Pages.SIZE || bytes > MAX_BYTES || bytes % Pages.SIZE != 0) {
            throw new IllegalArgumentException("bytes=" + bytes);
        }
        if (mode == null || mode == GatherMode.RETIRE_AT_ONCE || policy == null) {
            throw new IllegalArgumentException("mode=" + mode + " policy=" + policy);
        }
        if (lockCount < 1 || lockCount > MAX_LOCKS || Integer.bitCount(lockCount) != 1) {
            throw new IllegalArgumentException("lockCount=" + lockCount);
        }
        if (hashGroups != 0 && (hashGroups < 2 || hashGroups > MAX_GROUPS || Integer.bitCount(hashGroups) != 1)) {
            throw new IllegalArgumentException("hashGroups=" + hashGroups);
        }
    }

    /**
     * The usual ones: frames go to limbo, large ranges slice by slice.
     *
     * @param bytes of addresses.
     * @return the options.
     */
    public static SpaceOptions of(final long bytes) {
        return new SpaceOptions(bytes, GatherMode.RETIRE, UnmapPolicy.PREEMPTIBLE, LOCKS, 0);
    }

    /**
     * @param newMode instead.
     * @return the same otherwise.
     */
    public SpaceOptions withMode(final GatherMode newMode) {
        return new SpaceOptions(bytes, newMode, policy, lockCount, hashGroups);
    }

    /**
     * @param newPolicy instead.
     * @return the same otherwise.
     */
    public SpaceOptions withPolicy(final UnmapPolicy newPolicy) {
        return new SpaceOptions(bytes, mode, newPolicy, lockCount, hashGroups);
    }

    /**
     * @param newLockCount instead.
     * @return the same otherwise.
     */
    public SpaceOptions withLockCount(final int newLockCount) {
        return new SpaceOptions(bytes, mode, policy, newLockCount, hashGroups);
    }

    /**
     * @param newHashGroups instead.
     * @return the same otherwise.
     */
    public SpaceOptions withHash(final int newHashGroups) {
        return new SpaceOptions(bytes, mode, policy, lockCount, newHashGroups);
    }
}
