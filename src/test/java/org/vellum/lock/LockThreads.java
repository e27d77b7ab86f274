package org.vellum.lock;

import java.lang.reflect.Method;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import org.vellum.SmallMemory;

/** Threads that take locks, and are seen to wait for them. */
public final class LockThreads {
    private LockThreads() {
    }

    /** One that runs beside the test. */
    public static final class Other<T> {
        public final FutureTask<T> task;
        public final Thread thread;

        public Other(final Callable<T> body) {
            task = new FutureTask<>(body);
            thread = new Thread(task, "other");
            thread.setDaemon(true);
            thread.start();
        }

        /** Returns once it is parked. */
        public Other<T> awaitParked() {
            while (thread.getState() != Thread.State.WAITING && thread.getState() != Thread.State.TIMED_WAITING) {
                if (!thread.isAlive()) {
                    throw new AssertionError("ended instead of waiting");
                }
                Thread.onSpinWait();
            }
            return this;
        }

        public T join() throws Exception {
            return SmallMemory.join(task);
        }
    }

    /** Null where the JDK has no virtual threads. */
    public static Method startVirtual() {
        try {
            return Runtime.version().feature() < 21 ? null : Thread.class.getMethod("startVirtualThread", Runnable.class);
        } catch (final NoSuchMethodException e) {
            throw new AssertionError(e);
        }
    }
}
