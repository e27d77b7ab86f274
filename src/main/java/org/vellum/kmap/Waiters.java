package org.vellum.kmap;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * Threads that are parked until something holds, in the order in which they came.
 *
 * <pre>
 *   T (awaits)                          U (makes it hold)
 *   t1: enqueues itself                 u1: changes the state, by a volatile store or a CAS
 *   t2: condition holds? then done      u2: somebody queued? dequeues and unparks
 *   t3: parks
 * </pre>
 * t1 and u1 are volatile writes, t2 and u2 volatile reads of what the other wrote: in the total order of synchronisation actions either
 * t1 precedes u2, and U unparks T, or u1 precedes t2, and T does not park. An unpark that comes before t3 makes that return at once.
 *
 * <p>A wake-up may be of no use to the one that gets it; who cares that it is not lost passes it on.
 */
final class Waiters {
    private final ConcurrentLinkedQueue<Thread> queue = new ConcurrentLinkedQueue<>();

    /** Waits; returns false when the deadline, by {@link System#nanoTime}, has passed. Outside sections. */
    boolean await(final BooleanSupplier condition, final long deadlineNanos) throws InterruptedException {
        final Thread me = Thread.currentThread();
        while (true) {
            queue.add(me);
            try {
                if (condition.getAsBoolean()) {
                    return true;
                }
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
                final long left = deadlineNanos - System.nanoTime();
                if (left <= 0) {
                    return false;
                }
                LockSupport.parkNanos(this, left);
            } finally {
                queue.remove(me);
            }
        }
    }

    /** Wakes the one that has waited longest, if any; never waits. */
    void wakeOne() {
        // Peeks first: nobody is the rule, and a look is cheaper.
        if (queue.peek() != null) {
            LockSupport.unpark(queue.poll());
        }
    }

    /** Wakes all that wait now; never waits. */
    void wakeAll() {
        for (Thread thread = queue.poll(); thread != null; thread = queue.poll()) {
            LockSupport.unpark(thread);
        }
    }
}
