package org.vellum.mapram;

import java.util.concurrent.locks.ReentrantLock;
import org.vellum.cpu.Cpus;
import org.vellum.epoch.Epochs;

/**
 * Whether anything was cleared since the last flush, and which flush covers it.
 *
 * <pre>
 *   T (unmaps)                                   C (unmapAliases, called after T's unmap returned)
 *   t1: clear the entries                        c1: count(slot) moved since last seen?  (acquire)
 *   t2: count(slot) + 1, release                 c2: yes: full fence; s := clock; stamp := max(stamp, s)
 *                                                c3: wait until stamp has passed
 * </pre>
 * C is called after T returned, so c1 sees t2, and t1 with it. Any section that loaded an entry before t1 announced an epoch
 * no newer than the clock at c2, by the argument in {@code org.vellum.epoch} with C in the part of the retirer. So when s
 * has passed, that section has ended. If another caller C' saw the count move first, it stored its stamp before it
 * released the lock, and its fence came after t1 for the same reason; C then waits for that stamp. The lock is held for
 * the comparison only, never across the wait.
 */
final class Aliases {
    private final Epochs epochs;
    private final Cpus cpus;
    private final ReentrantLock lock = new ReentrantLock();
    private final long[] seen;
    private long slotlessSeen;
    private long stamp;

    Aliases(final Epochs epochs) {
        this.epochs = epochs;
        cpus = epochs.cpus();
        seen = new long[cpus.maxSlots()];
        // Nothing was cleared yet: a stamp that has passed.
        stamp = epochs.horizon() - Epochs.STEP;
    }

    void flush() {
        final long covering;
        lock.lock();
        try {
            if (anyCleared()) {
                stamp = epochs.stamp();
            }
            covering = stamp;
        } finally {
            lock.unlock();
        }
        epochs.awaitPassed(covering, Long.MAX_VALUE);
    }

    private boolean anyCleared() {
        boolean cleared = false;
        for (int i = 0, n = cpus.limit(); i < n; i++) {
            // Acquire: partner of the release in Cpus.noteClear.
            final long clears = cpus.clears(i);
            cleared |= clears != seen[i];
            seen[i] = clears;
        }
        final long withoutSlot = cpus.slotlessClears();
        cleared |= withoutSlot != slotlessSeen;
        slotlessSeen = withoutSlot;
        return cleared;
    }
}
