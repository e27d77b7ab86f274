package org.vellum.kmap;

import java.util.function.BooleanSupplier;

/**
 * Who waits in the cache for what: for a frame of which there is none to be had, or for a read or write that another thread does.
 *
 * <p>One frame that becomes free is enough for one waiter, so {@link #frameFreed} wakes one; whoever has waited for a frame passes
 * that on when it is through ({@link #passOn}), because it may have got its page otherwise, or given up, just when it was woken. The end
 * of a read or write may be what several wait for, and what is behind it may also be of use to who waits for a frame.
 *
 * <p>All of them look at the state again after they have announced that they wait, and what changes the state is volatile and precedes
 * the look for waiters here, see {@link Waiters}.
 */
final class CacheWaits {
    private static final long FOR_EVER = Long.MAX_VALUE / 2;

    private final Waiters frames = new Waiters();
    private final Waiters transfers = new Waiters();

    /** A frame lost its last pin. Never waits. */
    void frameFreed() {
        frames.wakeOne();
    }

    /** A read or write has ended, well or badly. */
    void transferEnded() {
        transfers.wakeAll();
        frames.wakeAll();
    }

    void passOn() {
        frames.wakeOne();
    }

    boolean awaitFrame(final BooleanSupplier condition, final long deadlineNanos) throws InterruptedException {
        return frames.await(condition, deadlineNanos);
    }

    boolean awaitTransfer(final BooleanSupplier condition, final long deadlineNanos) throws InterruptedException {
        return transfers.await(condition, deadlineNanos);
    }

    /** Waits for as long as the device takes. An interrupt is kept for later. */
    void awaitTransfer(final BooleanSupplier condition) {
        boolean interrupted = Thread.interrupted();
        try {
            while (!condition.getAsBoolean()) {
                try {
                    transfers.await(condition, System.nanoTime() + FOR_EVER);
                } catch (final InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
