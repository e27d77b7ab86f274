package org.vellum.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/** Threads that start together and are joined, whatever happens to one of them. */
final class Crew {
    private final Stop stop = new Stop();
    private final CountDownLatch begin = new CountDownLatch(1);
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private final List<Thread> threads = new ArrayList<>();

    Stop stop() {
        return stop;
    }

    /** Adds a thread; a throwable that ends it stops all others too. */
    void add(final String name, final Runnable work) {
        final Thread thread = new Thread(() -> {
            try {
                begin.await();
                work.run();
            } catch (final Throwable e) {
                failure.compareAndSet(null, e);
                stop.request();
            }
        }, name);
        thread.setDaemon(true);
        thread.start();
        threads.add(thread);
    }

    void begin() {
        begin.countDown();
    }

    boolean failed() {
        return failure.get() != null;
    }

    /** Waits for all; throws what one of them threw. */
    void join() {
        begin();
        for (final Thread thread : threads) {
            joinQuietly(thread);
        }
        final Throwable thrown = failure.get();
        if (thrown instanceof RuntimeException e) {
            throw e;
        }
        if (thrown instanceof Error e) {
            throw e;
        }
        if (thrown != null) {
            throw new IllegalStateException(thrown);
        }
    }

    private static void joinQuietly(final Thread thread) {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (final InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Lets each hammer work on a thread of its own for so long. */
    static void hammer(final List<? extends Hammer> hammers, final long millis) {
        final Crew crew = new Crew();
        try {
            for (final Hammer hammer : hammers) {
                hammer.reset();
                crew.add("vellum-cell", () -> hammer.run(crew.stop));
            }
            crew.begin();
            final long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
            for (long left = end - System.nanoTime(); left > 0 && !crew.failed(); left = end - System.nanoTime()) {
                TimeUnit.NANOSECONDS.sleep(Math.min(left, 100_000_000L));
            }
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            crew.stop.request();
            crew.join();
        }
    }
}
