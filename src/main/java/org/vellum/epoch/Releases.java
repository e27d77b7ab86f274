package org.vellum.epoch;

import java.util.concurrent.locks.LockSupport;
import org.agrona.UnsafeApi;
import org.vellum.mem.CacheLine;
import org.vellum.mem.Words;

/**
 * Releases under way. Invariant: <b>what has been taken out of limbo and is not released yet is in the hands of a thread that has begun here
 * and not ended</b>.
 *
 * <p>Things are released outside sections, one after another. A thread that loses its processor in the middle keeps what it has taken, perhaps
 * all that there was, from everybody; limbo still counts it, no slot is occupied, and grace periods pass at once. Whoever needs something
 * badly must therefore wait for both: for sections, and here.
 * <pre>
 *   T1 (releases)                        T2 (needs something)
 *   a1: begun := begun + 1               b1: look into limbo: what T1 has is not there
 *   a2: take it out of limbo             b2: e := ended
 *   a3: release it                       b3: begun = e ? else park, and again from b2
 *   a4: ended := ended + 1               b4: look for what is free
 * </pre>
 * If b1 comes after a2, then b3 sees a1, and both counts are equal only if b2 saw a4: b4 comes after a3. Since {@code ended} is read first and
 * never larger, both being equal means that nobody was between a1 and a4 at b2.
 *
 * <p>Counted in stripes by thread, so that releases do not meet on a cache line. T2 waits until it has seen each stripe at rest once.
 *
 * <p>Thread safety: all methods may be called by any thread, inside sections or out; only {@link #await} waits.
 */
public final class Releases {
    private static final int STRIPES = 16;
    private static final int BEGUN = 0;
    private static final int ENDED = 1;

    private static final long FIRST_PARK_NANOS = 20_000;
    private static final long LAST_PARK_NANOS = 1_000_000;

    private final Words counts = Words.zeroed((STRIPES + 1L) * CacheLine.STRIDE_WORDS);

    private static long at(final int stripe, final int count) {
        return (long)stripe * CacheLine.STRIDE_WORDS + count;
    }

    /**
     * To be called before anything is taken out of limbo.
     *
     * @return what {@link #end} is to be told.
     */
    public int begin() {
        final int stripe = System.identityHashCode(Thread.currentThread()) & STRIPES - 1;
        // A full fence: a1 comes before a2; partner: the load of begun in isAtRest().
        counts.getAndAdd(at(stripe, BEGUN), 1);
        return stripe;
    }

    /**
     * To be called when all that was taken is released, or back in limbo.
     *
     * @param begun what {@link #begin} has returned.
     */
    public void end(final int begun) {
        // Releases what was done: a3 comes before a4; partners: the loads of ended in isAtRest() and ended().
        counts.getAndAdd(at(begun, ENDED), 1);
    }

    /** b1 comes before b2 and b3, though it may have been no more than a peek; partner: the full fence of begin(). */
    private static void fence() {
        UnsafeApi.fullFence();
    }

    private boolean isAtRest(final int stripe) {
        final long ended = counts.getVolatile(at(stripe, ENDED));
        return ended == counts.getVolatile(at(stripe, BEGUN));
    }

    /** @return how many have ended, ever: if it has not changed, nothing has come back. */
    public long ended() {
        long ended = 0;
        for (int stripe = 0; stripe < STRIPES; stripe++) {
            ended += counts.getVolatile(at(stripe, ENDED));
        }
        return ended;
    }

    /** @return whether any is under way. */
    public boolean areUnderWay() {
        fence();
        for (int stripe = 0; stripe < STRIPES; stripe++) {
            if (!isAtRest(stripe)) {
                return true;
            }
        }
        return false;
    }

    /**
     * Waits, parked, until those have ended that are under way now. Not in the middle of one, which would be waited for.
     *
     * @param nanos the most to wait, in nanoseconds.
     * @return whether they have.
     */
    public boolean await(final long nanos) {
        fence();
        final long start = System.nanoTime();
        long park = FIRST_PARK_NANOS;
        boolean interrupted = false;
        int stripe = 0;
        while (true) {
            while (stripe < STRIPES && isAtRest(stripe)) {
                stripe++;
            }
            if (stripe == STRIPES || System.nanoTime() - start >= nanos) {
                break;
            }
            LockSupport.parkNanos(this, park);
            // With an interrupt pending no park would park: taken off, and put back at the end.
            interrupted |= Thread.interrupted();
            park = Math.min(2 * park, LAST_PARK_NANOS);
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return stripe == STRIPES;
    }
}
