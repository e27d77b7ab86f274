package org.vellum.epoch;

import java.util.concurrent.atomic.AtomicReference;
import org.vellum.cpu.StackReserve;
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
    private final Runnable whenNotEmpty;
    private final AtomicReference<Retirement> stack = new AtomicReference<>();

    /**
     * @param epochs decides when a grace period has ended.
     * @param listener hears of callbacks that throw.
     */
    public Retirements(final Epochs epochs, final Listener listener) {
        this(epochs, listener, () -> { });
    }

    /**
     * @param epochs decides when a grace period has ended.
     * @param listener hears of callbacks that throw.
     * @param whenNotEmpty called by a retire that finds nothing retired, for somebody to poll later; must not wait.
     */
    public Retirements(final Epochs epochs, final Listener listener, final Runnable whenNotEmpty) {
        this.epochs = epochs;
        this.whenNotEmpty = whenNotEmpty;
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
        StackReserve.ensureOperation();
        if (!retirement.claim()) {
            throw new IllegalStateException("retired already: retirement=" + retirement);
        }
        retirement.stamp = epochs.stamp();
        announceFirst(push(retirement));
    }

    /** Returns whether the stack was empty. */
    private boolean push(final Retirement retirement) {
        Retirement top;
        do {
            top = stack.getPlain();
            retirement.next = top;
            // CAS: releases the fields; partner: the exchange in poll.
        } while (!stack.compareAndSet(top, retirement));
        return top == null;
    }

    /** Said to whoever has promised to poll: there is something, and there was nothing before. */
    private void announceFirst(final boolean first) {
        if (first) {
            whenNotEmpty.run();
        }
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
        StackReserve.ensureOperation();
        // Exchange: acquires the fields; partner: the CAS in push.
        Retirement next = stack.getAndSet(null);
        int released = 0;
        try {
            while (next != null) {
                final Retirement retirement = next;
                next = retirement.next;
                released += releaseOrKeep(retirement);
            }
        } finally {
            // Whatever happens, what was not reached goes back.
            while (next != null) {
                final Retirement retirement = next;
                next = retirement.next;
                push(retirement);
            }
        }
        return released;
    }

    private int releaseOrKeep(final Retirement retirement) {
        if (retirement.stamp == epochs.now()) {
            epochs.advanceFrom(retirement.stamp);
        }
        if (epochs.hasPassed(retirement.stamp)) {
            release(retirement);
            return 1;
        }
        push(retirement);
        return 0;
    }

    private void release(final Retirement retirement) {
        retirement.next = null;
        // The object may be retired again by its own callback: nothing of it is read after this.
        retirement.unclaim();
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
