package org.vellum.rmap;

import org.vellum.cpu.Cpus;
import org.vellum.lock.LockRank;
import org.vellum.lock.SleepingLock;

/**
 * What the anonymous regions of one family have in common: those that were one region once, or may be. Reverse mapping will start here.
 *
 * <p>Thread safety: any thread. Compared by identity.
 */
public final class AnonVma {
    private final SleepingLock lock;

    /**
     * @param cpus whose sections must not block on the lock.
     */
    public AnonVma(final Cpus cpus) {
        lock = new SleepingLock(cpus, LockRank.ANON, "anon");
    }

    /** @return the lock of the family's regions, as far as reverse mapping goes; of rank {@link LockRank#ANON}. */
    public SleepingLock lock() {
        return lock;
    }

    @Override
    public String toString() {
        return "AnonVma " + lock.key();
    }
}
