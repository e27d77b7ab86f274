package org.vellum.epoch;

import org.vellum.Vellum;

/** Retirements of one thread, used again and again as an application would embed them in its objects: no garbage. */
public final class HeadRing {
    private static final int HEADS = 1024;

    private final Vellum vellum;
    private final Head[] heads = new Head[HEADS];
    private int next;

    /** @param vellum where to retire. */
    public HeadRing(final Vellum vellum) {
        this.vellum = vellum;
        for (int i = 0; i < HEADS; i++) {
            heads[i] = new Head();
        }
    }

    /**
     * Retires the next head of the ring; waits for its grace period if all are in use.
     *
     * @param address of an area that is to be freed afterwards, or 0 for nothing to do.
     */
    public void retire(final long address) {
        final Head head = heads[next++ & HEADS - 1];
        while (head.waiting) {
            vellum.synchronize();
            vellum.poll();
        }
        head.address = address;
        head.waiting = true;
        vellum.retire(head);
    }

    private final class Head extends Retirement {
        private long address;
        /** Volatile: the thread that polls says so to the thread that retires. */
        private volatile boolean waiting;

        @Override
        protected void released() {
            vellum.vfree(address);
            waiting = false;
        }
    }
}
