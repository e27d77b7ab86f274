package org.vellum.lock;

import org.vellum.cpu.Cpus;
import org.vellum.cpu.SpinLock;

/**
 * The page-table locks of one space: short, one for each leaf, or for every so many.
 *
 * <p>A lock outlives the leaf that it protects, because it does not lie in it: who waits for one never touches memory that has become
 * something else. A thread holds one of a space at a time, since two leaves may share one. Under it: a few steps for each of at most 512
 * entries, allocation and freeing of frames, which never wait, and nothing that could ({@link SpinLock} says what a section may do to get
 * it).
 */
public final class PageTableLocks {
    private final SpinLock[] locks;
    private final int mask;

    /**
     * @param cpus whose sections must not block here.
     * @param count how many there are: a power of two.
     */
    public PageTableLocks(final Cpus cpus, final int count) {
        if (count < 1 || Integer.bitCount(count) != 1) {
            throw new IllegalArgumentException("count=" + count);
        }
        locks = SpinLock.several(cpus, count);
        mask = count - 1;
    }

    /**
     * @param leaf number of a leaf.
     * @return its lock.
     */
    public SpinLock of(final long leaf) {
        return locks[(int)leaf & mask];
    }

    /** Takes each lock once, and gives it back: whoever holds one when this begins has given it back when it ends. */
    public void passAll() {
        for (final SpinLock lock : locks) {
            lock.acquireSurely();
            lock.unlock();
        }
    }
}
