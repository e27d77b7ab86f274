package org.vellum.kmap;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

final class Waiters {
    private final ConcurrentLinkedQueue<Thread> queue = new ConcurrentLinkedQueue<>();

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

    void wakeOne() {
        final Thread thread = queue.peek();
        if (thread != null) {
            final Thread first = queue.poll();
            LockSupport.unpark(first);
        }
    }

    void wakeAll() {
        for (Thread thread = queue.poll(); thread != null; thread = queue.poll()) {
            LockSupport.unpark(thread);
        }
    }
}
