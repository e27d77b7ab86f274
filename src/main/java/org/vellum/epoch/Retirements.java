package org.vellum.epoch;

import java.util.concurrent.atomic.AtomicReference;
import org.agrona.UnsafeApi;
import org.vellum.report.Listener;

/**
 * Limbo for the user's own objects, free after a grace period.
 *
 * <p>One lock-free stack: pushed by CAS, taken whole. Their callbacks are the user's code, so they run outside sections;
 * a poll inside one leaves them alone.
 */
public final class Retirements {
    private final Epochs epochs;
    private final Listener listener;
    private final AtomicReference<Retirement> stack = new AtomicReference<>();

    /**
     * @param epochs decides when a grace period has ended.
     * @param listener hears of callbacks that throw.
     */
    public Retirements(final Epochs epochs, final Listener listener) {
        this.epochs = epochs;
        this.listener = listener;
    }

    /**
     * Calls {@link Retirement#released()} some time after every section that began before this call has ended. Never
     * waits, allocates or fails, inside a section or out.
     *
     * @param retirement unhooked: no section that begins later can find it. Not retired already.
     * @throws IllegalStateException if it is retired already.
     */
    public void retire(final Retirement retirement) {
        if (retirement.retired) {
            throw new IllegalStateException("retired already: retirement=" + retirement);
        }
        retirement.retired = true;
        retirement.stamp = epochs.stamp();
        push(retirement);
    }

    private void push(final Retirement retirement) {
        Retirement top;
        do {
            top = stack.getPlain();
            retirement.next = top;
            // CAS: releases the fields; partner: the exchange in poll.
        } while (!stack.compareAndSet(top, retirement));
    }

    /** @return whether anything waits. */
    public boolean isEmpty() {
        return stack.getOpaque() == null;
    }

    /**
     * Releases what has passed. Never waits for a grace period. Inside a section it does nothing.
     *
     * @return how many were released.
     */
    public int poll() {
        if (isEmpty() || epochs.cpus().inSection()) {
            return 0;
        }
        // Exchange: acquires the fields; partner: the CAS in push.
        Retirement next = stack.getAndSet(null);
        int released = 0;
        while (next != null) {
            final Retirement retirement = next;
            next = retirement.next;
            if (retirement.stamp == epochs.now()) {
                epochs.advanceFrom(retirement.stamp);
            }
            if (epochs.hasPassed(retirement.stamp)) {
                release(retirement);
                released++;
            } else {
                push(retirement);
            }
        }
        return released;
    }

    private void release(final Retirement retirement) {
        retirement.next = null;
        retirement.retired = false;
        // The object may be retired again by its own callback: nothing of it is read after this.
        UnsafeApi.storeFence();
        try {
            retirement.released();
        } catch (final RuntimeException | Error e) {
            try {
                listener.releaseFailed("retirement", 0, e);
            } catch (final RuntimeException | Error ignored) {
                // A listener that throws must not stop the other releases.
            }
        }
    }
}
