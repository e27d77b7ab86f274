package org.vellum;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * How long a stress test runs: at least a given time, and on until it has covered what it is there to cover, at most half a
 * minute more. A fast machine covers it at once, a slow or busy one takes its time, and neither decides whether the test
 * holds: what is still not covered after the cap has stopped happening.
 *
 * <p>Starts with its construction. Any number of threads ask {@link #running}; what {@code covered} reads they count where
 * others see it while they run, not when they end.
 */
public final class StressClock {
    /** A crew of sixty-four on one busy core needs seconds for what takes two cores of its own a few milliseconds. */
    private static final long CAP_NANOS = TimeUnit.SECONDS.toNanos(30);
    /** Coverage may be a walk of tables: one thread looks, and not more often than this. */
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    private final BooleanSupplier covered;
    private final long start = System.nanoTime();
    private final long leastNanos;
    private final long mostNanos;
    /** When to look next, since the start; whoever moves it on looks. */
    private final AtomicLong nextLook;
    private volatile boolean over;

    /**
     * @param leastMillis how long it runs in any case.
     * @param covered whether everything has happened that the test is to see: called by any of its threads, one at a time.
     */
    public StressClock(final long leastMillis, final BooleanSupplier covered) {
        this(leastMillis, CAP_NANOS, covered);
    }

    /** With another cap, for the test of this class. */
    StressClock(final long leastMillis, final long capNanos, final BooleanSupplier covered) {
        this.covered = covered;
        leastNanos = TimeUnit.MILLISECONDS.toNanos(leastMillis);
        mostNanos = leastNanos + capNanos;
        nextLook = new AtomicLong(leastNanos);
    }

    /** Whether to go on. Once it is false it stays so. */
    public boolean running() {
        if (over) {
            return false;
        }
        final long elapsed = System.nanoTime() - start;
        if (elapsed < leastNanos) {
            return true;
        }
        final long look = nextLook.get();
        if (elapsed >= mostNanos) {
            over = true;
        } else if (elapsed >= look && nextLook.compareAndSet(look, Long.MAX_VALUE)) {
            // Nobody else's look is due before this one is done, however long the looker is off its processor.
            try {
                if (covered.getAsBoolean()) {
                    over = true;
                }
            } finally {
                nextLook.set(System.nanoTime() - start + LOOK_NANOS);
            }
        }
        return !over;
    }

    /** Ends the run, because a thread has failed, or a bound of the test's own is reached. */
    public void stop() {
        over = true;
    }

    /**
     * Fails unless everything is covered now, at the end.
     *
     * @param text the figures, for who must find out which of them is missing.
     */
    public void assertCovered(final Supplier<String> text) {
        if (!covered.getAsBoolean()) {
            throw new AssertionError("not covered after " + TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start) + " ms: "
                + text.get());
        }
    }
}
