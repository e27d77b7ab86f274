package org.vellum.cpu;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jctools.queues.varhandle.MpscVarHandleArrayQueue;
import org.vellum.report.Listener;

/**
 * One daemon thread for what nobody should have to wait for: the kernel's workqueue. Requests travel through a bounded
 * multi-producer queue; asking never waits.
 *
 * <p>The thread starts with the first request and ends at {@link #close()}.
 */
public final class Worker implements AutoCloseable {
    private static final int CAPACITY = 1024;
    private static final long PARK_NANOS = 50_000;

    private final MpscVarHandleArrayQueue<Runnable> requests = new MpscVarHandleArrayQueue<>(CAPACITY);
    private final Listener listener;
    private final Thread thread;
    private final AtomicInteger state = new AtomicInteger();

    private static final int NEW = 0;
    private static final int RUNNING = 1;
    private static final int CLOSED = 2;

    /**
     * @param name of the thread.
     * @param listener hears of requests that throw.
     */
    public Worker(final String name, final Listener listener) {
        this.listener = listener;
        thread = new Thread(this::run, name);
        thread.setDaemon(true);
    }

    /**
     * Asks for something to be done soon. Never waits; allocates nothing if the request is an object that lives already.
     *
     * @param request to run on the worker's thread; what it throws is reported.
     * @return whether it was accepted: false if the queue is full or the worker is closed.
     */
    public boolean request(final Runnable request) {
        if (state.get() == CLOSED || !requests.relaxedOffer(request)) {
            return false;
        }
        if (state.get() == NEW && state.compareAndSet(NEW, RUNNING)) {
            return start();
        } else {
            LockSupport.unpark(thread);
        }
        return true;
    }

    /** What was asked stays queued if no thread can be had: the next request tries again. */
    private boolean start() {
        try {
            thread.start();
            return true;
        } catch (final OutOfMemoryError e) {
            state.compareAndSet(RUNNING, NEW);
            return false;
        }
    }

    /**
     * Waits, parked, until all that was requested before has been done. Not from the worker's own thread.
     */
    public void quiesce() {
        final CountDownLatch done = new CountDownLatch(1);
        while (state.get() == RUNNING && !request(done::countDown)) {
            LockSupport.parkNanos(this, PARK_NANOS);
        }
        boolean interrupted = false;
        while (state.get() == RUNNING && done.getCount() > 0) {
            LockSupport.parkNanos(this, PARK_NANOS);
            interrupted |= Thread.interrupted();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        while (state.get() == RUNNING) {
            final Runnable request = requests.relaxedPoll();
            if (request == null) {
                // A request offered after this poll unparks us: the permit is kept until we park.
                LockSupport.park(this);
                // An interrupt means nothing here, and while it is pending no park would park.
                Thread.interrupted();
            } else {
                perform(request);
            }
        }
        for (Runnable request = requests.poll(); request != null; request = requests.poll()) {
            perform(request);
        }
    }

    private void perform(final Runnable request) {
        try {
            request.run();
        } catch (final RuntimeException | Error e) {
            try {
                listener.workerFailed(thread.getName(), e);
            } catch (final RuntimeException | Error ignored) {
                // A listener that throws must not end the worker.
            }
        }
    }

    /** Accepts nothing more and lets the thread end once it has done what was asked. Waits for it a moment, parked. */
    @Override
    public void close() {
        if (state.getAndSet(CLOSED) == RUNNING) {
            LockSupport.unpark(thread);
            try {
                if (Thread.currentThread() != thread) {
                    thread.join(1000);
                }
            } catch (final InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
