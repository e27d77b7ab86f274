package org.vellum.epoch;

/**
 * Something of the user's that must outlive the sections which may still see it: the kernel's {@code rcu_head}.
 *
 * <p>Unhook it first, so that no new section can find it, then hand it to {@link Retirements#retire}. It is its own node:
 * retiring allocates nothing. May be retired again once {@link #released()} has been called.
 */
public abstract class Retirement {
    Retirement next;
    long stamp;
    boolean retired;

    /** For subclasses. */
    protected Retirement() {
    }

    /**
     * Called once the grace period has ended, by whichever thread polls, outside sections and Vellum's locks. May block, but
     * delays the other retirements while it does. What it throws is reported, and the rest go on.
     */
    protected abstract void released();
}
