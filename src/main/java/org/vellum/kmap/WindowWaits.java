package org.vellum.kmap;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.agrona.UnsafeApi;

/**
 * Who waits for a slot of the shared window. What there is to wait for is changed far more often than anybody waits, so all that a change
 * costs is a look at a count.
 *
 * <h2>Why no wake-up is lost (RK2)</h2>
 * <pre>
 *   W (waits)                                     C (changes something)
 *   e: counts itself                              c1: the change
 *   l: looks under the window's lock: no          n: looks at the count: not 0 → c2
 *   w1, w2: as in {@link Waiters}                        c2: as in Waiters
 * </pre>
 * A change without the lock, {@link #slotUnused}: c1, n, e and w2 are volatile. If n finds 0, it precedes e, so c1 precedes w2, and W sees
 * the change. A change under the lock, {@link #changed}: if C has the lock before l, then l sees the change. Otherwise e happens before n,
 * which finds W counted, and goes on to c2. That need not find W in the queue yet; but then the full fences behind c1 and before w2 have W
 * see the change there.
 */
final class WindowWaits {
    private final Waiters waiters = new Waiters();
    private final AtomicInteger count = new AtomicInteger();
    private final AtomicLong waited = new AtomicLong();

    /** e: before the first look under the lock. */
    void enter() {
        count.getAndIncrement();
    }

    /** Well or badly: the caller may have been woken for what it did not take, because it joined, or failed. */
    void leave() {
        count.getAndDecrement();
        waiters.wakeOne();
    }

    /** The caller has to wait: once for each slot that it wants. */
    void count() {
        waited.getAndIncrement();
    }

    /** How often so far. */
    long counted() {
        return waited.get();
    }

    /**
     * Waits, parked, between {@link #enter} and {@link #leave}; outside sections and locks.
     *
     * @param condition as for {@link Waiters#await}; may look at what is changed under the lock by releases.
     * @return false if the time was up before it held.
     */
    boolean await(final BooleanSupplier condition, final long deadlineNanos) throws InterruptedException {
        return waiters.await(() -> {
            // Full fence: w1 comes before w2; partner: the fence in changed().
            UnsafeApi.fullFence();
            return condition.getAsBoolean();
        }, deadlineNanos);
    }

    /** Nobody uses some slot any more: enough for one. After a volatile change, with the lock or without; never waits. */
    void slotUnused() {
        if (count.get() != 0) {
            waiters.wakeOne();
        }
    }

    /** What all may wait for. Under the lock, after the change; never waits. */
    void changed() {
        // Opaque: ordered after e by the lock, if it matters.
        if (count.getOpaque() != 0) {
            // Full fence: c1 comes before c2; partner: the fence in await().
            UnsafeApi.fullFence();
            waiters.wakeAll();
        }
    }
}
