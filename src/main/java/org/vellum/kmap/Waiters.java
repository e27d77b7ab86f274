package org.vellum.kmap;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * Threads that wait, parked, for a condition that others bring about.
 *
 * <h2>Why no wake-up is lost</h2>
 * <pre>
 *   W (waits)                                   C (changes what the condition looks at)
 *   w1: add itself to the queue                 c1: the change
 *   w2: look at the condition: no → park        c2: look at the queue: unpark the first
 * </pre>
 * All four are volatile. If w2 does not see c1, then w1 precedes c2, and C finds W; the permit of {@code unpark} keeps until W parks. What
 * looks at the queue first and changes afterwards, as the kernel once did (RK2), wakes nobody.
 *
 * <p>C takes W off the queue when it wakes it. So whoever leaves and finds itself taken off hands the wake-up on: it may have got what it
 * wanted otherwise, or given up, just then. Who is taken off just when its park ends by itself looks once more, and that it was taken off
 * must not be forgotten over that: what does not hold for it may hold for the next.
 */
final class Waiters {
    private final ConcurrentLinkedQueue<Thread> queue = new ConcurrentLinkedQueue<>();

    /**
     * Waits until the condition holds. Outside sections and locks.
     *
     * @param condition looks at volatile state; called again and again, must not wait.
     * @param deadlineNanos by {@link System#nanoTime}.
     * @return false if it did not hold by then.
     * @throws InterruptedException if the thread is interrupted and the condition does not hold.
     */
    boolean await(final BooleanSupplier condition, final long deadlineNanos) throws InterruptedException {
        final Thread me = Thread.currentThread();
        boolean held = false;
        boolean owed = false;
        try {
            while (true) {
                queue.add(me);
                try {
                    held = condition.getAsBoolean();
                    if (held || !park(deadlineNanos)) {
                        return held;
                    }
                } finally {
                    // What it was woken for before it looked this time is not owed any more if it got something.
                    owed = !queue.remove(me) || owed && !held;
                }
            }
        } finally {
            if (owed) {
                wakeOne();
            }
        }
    }

    /** False if the time is up. */
    private boolean park(final long deadlineNanos) throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        final long left = deadlineNanos - System.nanoTime();
        if (left > 0) {
            LockSupport.parkNanos(this, left);
        }
        return left > 0;
    }

    /** Wakes who has waited longest, if anybody waits. Never waits. */
    void wakeOne() {
        // The usual case is that nobody waits: a peek writes nothing.
        if (queue.peek() != null) {
            LockSupport.unpark(queue.poll());
        }
    }

    /** Wakes all. Never waits. */
    void wakeAll() {
        for (Thread thread = queue.poll(); thread != null; thread = queue.poll()) {
            LockSupport.unpark(thread);
        }
    }
}
