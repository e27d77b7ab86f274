package org.vellum.epoch;

import java.util.BitSet;
import java.util.concurrent.locks.ReentrantLock;
import org.vellum.cpu.Cpus;
import org.vellum.report.Events;
import org.vellum.report.Listener;

/**
 * Reports a section that has been open too long while somebody waits for its end: once, with thread and stack.
 *
 * <p>A slot word that bears an epoch older than the clock and does not change between two looks belongs to one and the same
 * section, because a new section would announce the new epoch. The time between two looks counts for at most an eighth of
 * the limit, so one long pause of the whole JVM is not a stall: it takes at least eight looks.
 */
public final class StallDetector {
    private static final int LOOKS = 8;

    private final Cpus cpus;
    private final Listener listener;
    private final Events events;
    private final long limitNanos;
    private final ReentrantLock lock = new ReentrantLock();
    private final long[] seen;
    private final long[] openNanos;
    private final boolean[] reported;
    private long lastLook;

    /**
     * @param cpus the slots to watch.
     * @param listener hears of stalls.
     * @param limitNanos how long a section may be open while it holds somebody up, in nanoseconds; positive.
     */
    public StallDetector(final Cpus cpus, final Listener listener, final long limitNanos) {
        this(cpus, listener, limitNanos, Events.NONE);
    }

    /**
     * {@link #StallDetector(Cpus, Listener, long)} that tells a recorder as well.
     *
     * @param cpus the slots to watch.
     * @param listener hears of stalls.
     * @param limitNanos how long a section may be open while it holds somebody up, in nanoseconds; positive.
     * @param events hears of stalls, too.
     */
    public StallDetector(final Cpus cpus, final Listener listener, final long limitNanos, final Events events) {
        if (limitNanos <= 0) {
            throw new IllegalArgumentException("limitNanos=" + limitNanos);
        }
        this.cpus = cpus;
        this.listener = listener;
        this.events = events;
        this.limitNanos = limitNanos;
        final int most = cpus.maxSlots();
        seen = new long[most];
        openNanos = new long[most];
        reported = new boolean[most];
        lastLook = System.nanoTime();
    }

    /**
     * Looks once. Never waits: if another thread is looking, that is enough.
     *
     * @param now the clock.
     */
    void observe(final long now) {
        if (!lock.tryLock()) {
            return;
        }
        final BitSet stalled = new BitSet();
        try {
            final long time = System.nanoTime();
            final long passed = Math.min(time - lastLook, limitNanos / LOOKS + 1);
            lastLook = time;
            for (int i = 0, n = cpus.limit(); i < n; i++) {
                if (look(i, now, passed)) {
                    stalled.set(i);
                }
            }
        } finally {
            lock.unlock();
        }
        for (int slot = stalled.nextSetBit(0); slot >= 0; slot = stalled.nextSetBit(slot + 1)) {
            report(slot);
        }
    }

    private boolean look(final int slot, final long now, final long passed) {
        final long occupancy = cpus.occupancy(slot);
        final boolean same = occupancy != 0 && occupancy == seen[slot] && Cpus.epochOf(occupancy) != (int)now;
        if (!same) {
            seen[slot] = occupancy;
            openNanos[slot] = 0;
            reported[slot] = false;
            return false;
        }
        openNanos[slot] += passed;
        if (openNanos[slot] < limitNanos || reported[slot]) {
            return false;
        }
        reported[slot] = true;
        return true;
    }

    private void report(final int slot) {
        final Thread thread = cpus.occupant(slot);
        final String name = thread == null ? "unknown" : thread.getName();
        events.stalled(slot, name, limitNanos);
        final StringBuilder stack = new StringBuilder();
        if (thread != null) {
            for (final StackTraceElement frame : thread.getStackTrace()) {
                stack.append(frame).append('\n');
            }
        }
        try {
            listener.sectionStalled(slot, name, limitNanos, stack.toString());
        } catch (final RuntimeException | Error ignored) {
            // A listener that throws must not stop whoever waits.
        }
    }
}
