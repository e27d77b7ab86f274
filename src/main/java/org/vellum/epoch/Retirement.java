package org.vellum.epoch;

import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;

/**
 * Something of the user's that must outlive the sections which may still see it: the kernel's {@code rcu_head}.
 *
 * <p>Unhook it first, so that no new section can find it, then hand it to {@link Retirements#retire}. It is its own node:
 * retiring allocates nothing. May be retired again once {@link #released()} has been called.
 */
public abstract class Retirement {
    private static final AtomicIntegerFieldUpdater<Retirement> RETIRED =
        AtomicIntegerFieldUpdater.newUpdater(Retirement.class, "retired");

    Retirement next;
    long stamp;
    private volatile int retired;

    /** Whether this call was the one that retired it: of two, one is. */
    final boolean claim() {
        return RETIRED.compareAndSet(this, 0, 1);
    }

    final void unclaim() {
        retired = 0;
    }

    /** For subclasses. */
    protected Retirement() {
    }

    /**
     * Called once the grace period has ended, by whichever thread polls, outside sections and Vellum's locks. May block, but
     * delays the other retirements while it does. What it throws is reported, and the rest go on.
     */
    protected abstract void released();
}
