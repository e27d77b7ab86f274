package org.vellum.cpu;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;

/** Threads for tests: what a thread throws reaches the test, and virtual ones are had by reflection. */
final class TestThreads {
    /** A body that may throw. */
    interface Body {
        void run() throws Exception;
    }

    private static final Method START_VIRTUAL = findStartVirtual();

    private TestThreads() {
    }

    private static Method findStartVirtual() {
        try {
            return Runtime.version().feature() < 21 ? null : Thread.class.getMethod("startVirtualThread", Runnable.class);
        } catch (final NoSuchMethodException e) {
            throw new AssertionError(e);
        }
    }

    static boolean haveVirtual() {
        return START_VIRTUAL != null;
    }

    static Thread startVirtual(final Runnable body) {
        try {
            return (Thread)START_VIRTUAL.invoke(null, body);
        } catch (final IllegalAccessException | InvocationTargetException e) {
            throw new AssertionError(e);
        }
    }

    static Thread start(final boolean virtual, final Runnable body) {
        if (virtual) {
            return startVirtual(body);
        }
        final Thread thread = new Thread(body);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    /** Runs the body in a new thread and waits for it; what it throws is thrown here. */
    static <T> T inThread(final Callable<T> body) throws Exception {
        final FutureTask<T> task = new FutureTask<>(body);
        start(false, task);
        return unwrap(task);
    }

    /** Runs the body in {@code count} threads at once and waits for all. */
    static void inThreads(final boolean virtual, final int count, final Body body) throws Exception {
        final List<FutureTask<Void>> tasks = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            final FutureTask<Void> task = new FutureTask<>(() -> {
                body.run();
                return null;
            });
            tasks.add(task);
            start(virtual, task);
        }
        for (final FutureTask<Void> task : tasks) {
            unwrap(task);
        }
    }

    private static <T> T unwrap(final FutureTask<T> task) throws Exception {
        try {
            return task.get(300, TimeUnit.SECONDS);
        } catch (final java.util.concurrent.ExecutionException e) {
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw (Exception)e.getCause();
        }
    }

    /** A thread that has occupied a slot and stays in its section until it is told to leave. */
    static final class Holder implements AutoCloseable {
        private final CountDownLatch leave = new CountDownLatch(1);
        private final FutureTask<Void> task;
        private final CountDownLatch inside = new CountDownLatch(1);
        final Thread thread;
        volatile Cpu cpu;

        Holder(final Cpus cpus) throws Exception {
            task = new FutureTask<>(() -> {
                try {
                    cpu = cpus.enter();
                } finally {
                    inside.countDown();
                }
                leave.await();
                cpu.exit();
                return null;
            });
            thread = new Thread(task, "holder");
            thread.setDaemon(true);
            thread.start();
            inside.await();
        }

        @Override
        public void close() {
            leave.countDown();
            try {
                unwrap(task);
                thread.join();
            } catch (final Exception e) {
                throw new AssertionError(e);
            }
        }
    }

    /** A thread that has died and left a section open, {@code depth} deep. */
    static Thread dieInside(final boolean virtual, final Cpus cpus, final int depth) throws Exception {
        final FutureTask<Void> task = new FutureTask<>(() -> {
            for (int i = 0; i < depth; i++) {
                cpus.enter();
            }
            return null;
        });
        final Thread thread = start(virtual, task);
        unwrap(task);
        thread.join();
        return thread;
    }
}
