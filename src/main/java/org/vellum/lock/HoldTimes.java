package org.vellum.lock;

import java.util.concurrent.atomic.AtomicLong;

/**
 * How long the locks of one space are held by whoever takes things away: measured by the holder, in nanoseconds. Two looks at the clock a slice
 * of hundreds of pages.
 *
 * <p>Thread safety: any thread.
 */
public final class HoldTimes {
    private final AtomicLong longest = new AtomicLong();

    /** Nothing held yet. */
    public HoldTimes() {
        // Nothing to be done.
    }

    /**
     * Just after a lock was given back, or before: the difference is the caller's honesty.
     *
     * @param since {@link System#nanoTime} when it was taken.
     */
    public void ended(final long since) {
        final long nanos = System.nanoTime() - since;
        if (nanos > longest.get()) {
            longest.accumulateAndGet(nanos, Math::max);
        }
    }

    /** @return the longest since this was asked last, in nanoseconds; and begins anew. */
    public long takeLongest() {
        return longest.getAndSet(0);
    }
}
