package org.vellum.alloc;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.vellum.report.Listener;

/**
 * Records what an allocator does into a file that {@code replay} reads; {@link TraceText#HEADER} documents the format.
 *
 * <p>Events travel through a {@link TraceRing} to a daemon thread that names, formats and writes them, so recording costs
 * the caller one atomic addition and four stores, makes no garbage, and touches no file. If the file is slower than the
 * allocator, callers wait, parked, for room in the ring, even inside a section: the writing thread needs nothing of the memory, takes none of
 * its locks and enters no section, so that wait always ends; but it holds up grace periods meanwhile. No event is left out.
 *
 * <p><b>Order.</b> {@link #allocated} is called after the memory was taken, before the caller gets it; {@link #freed} before
 * it is given back. So the two events of one allocation, and those of an earlier owner of the same address, are claimed in
 * the ring in the order in which they happened, whatever threads they are on.
 *
 * <p>An I/O error stops the recording and goes to {@link Listener#workerFailed}, once; from then on recording does nothing.
 *
 * <p>Thread safety: {@link #allocated} and {@link #freed} may be called by any thread, {@link #close} by any, again without
 * effect.
 */
public final class TraceWriter implements AutoCloseable {
    private static final int BUFFER_BYTES = 1 << 16;
    /** How long the writer sleeps when nothing happens, and so how late the file is then. */
    private static final long IDLE_NANOS = 2_000_000;
    private static final long FULL_NANOS = 20_000;
    /** After so long an event that was claimed and not filled is not waited for: a stack overflow may have come in between. */
    static final long LOST_NANOS = 10_000_000_000L;
    private static final int SPINS = 100;

    private static final int RECORDING = 0;
    /** What was claimed before is still written. */
    private static final int CLOSING = 1;
    /** Nobody empties the ring any more. */
    private static final int STOPPED = 2;

    final TraceRing ring = new TraceRing();
    private final TraceText text = new TraceText(BUFFER_BYTES);
    private final OutputStream out;
    private final Listener listener;
    private final long lostNanos;
    private final Thread thread;
    /** Volatile: STOPPED, set by the writer's thread, pairs with the reads of those who wait for room. */
    private final AtomicInteger state = new AtomicInteger(RECORDING);

    /** Starts recording into a stream, which the writer closes; gives up an event that does not come for so long. */
    TraceWriter(final OutputStream out, final Listener listener, final long lostNanos) {
        this.out = out;
        this.lostNanos = lostNanos;
        this.listener = listener;
        thread = new Thread(this::run, "vellum-trace");
        thread.setDaemon(true);
        thread.start();
    }

    /**
     * Creates a file, or empties it, and starts recording.
     *
     * @param file where to.
     * @param listener hears of an I/O error, on the writer's thread.
     * @return the writer, to be closed.
     * @throws UncheckedIOException if the file cannot be written.
     */
    public static TraceWriter open(final Path file, final Listener listener) {
        try {
            return new TraceWriter(Files.newOutputStream(file), listener, LOST_NANOS);
        } catch (final IOException e) {
            throw new UncheckedIOException("trace cannot be written: " + file, e);
        }
    }

    /**
     * Records an allocation. Call it when the memory has been taken, before anybody else can know the address.
     *
     * @param address any number that no other live allocation has.
     * @param size in bytes, at least 1.
     */
    public void allocated(final long address, final long size) {
        assert size > 0 : "size=" + size;
        record(address, size);
    }

    /**
     * Records a free. Call it before the memory is given back, while nobody else can get the address.
     *
     * @param address as given to {@link #allocated}; others are left out of the trace.
     */
    public void freed(final long address) {
        record(address, TraceText.FREE);
    }

    private void record(final long address, final long size) {
        if (state.get() == RECORDING) {
            final long position = ring.claim();
            if (ring.isFree(position) || awaitRoom(position)) {
                // A class that overrides getId() gives its own threads a wrong number; the trace is as valid as before.
                ring.fill(position, Thread.currentThread().getId(), address, size);
            }
        }
    }

    /** Returns false if nobody will make room any more. */
    private boolean awaitRoom(final long position) {
        boolean interrupted = false;
        boolean free = false;
        for (int spins = 0; !free && state.get() != STOPPED; spins++) {
            if (spins < SPINS) {
                Thread.onSpinWait();
            } else {
                LockSupport.unpark(thread);
                LockSupport.parkNanos(this, FULL_NANOS);
                // With an interrupt pending no park would park: taken off, and put back at the end.
                interrupted |= Thread.interrupted();
            }
            free = ring.isFree(position);
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return free;
    }

    private void run() {
        try (out) {
            pump();
        } catch (final IOException | RuntimeException | Error e) {
            // First, so that whoever waits for room goes on whatever the listener does.
            state.set(STOPPED);
            report(e);
        } finally {
            state.set(STOPPED);
        }
    }

    /** Writes what comes until the recording is closed, and then what was claimed before. */
    private void pump() throws IOException {
        long end = Long.MAX_VALUE;
        long progress = System.nanoTime();
        while (ring.taken() < end) {
            final boolean any = drain();
            if (any || ring.claimed() == ring.taken()) {
                progress = System.nanoTime();
            } else if (System.nanoTime() - progress > lostNanos) {
                throw new IllegalStateException("an event was begun and never ended, by a thread that is stuck or gone");
            }
            if (end == Long.MAX_VALUE && state.get() == CLOSING) {
                end = ring.claimed();
            } else if (!any) {
                LockSupport.parkNanos(this, IDLE_NANOS);
            }
        }
    }

    /** Formats what is in the ring and writes it. Returns whether there was anything. */
    private boolean drain() throws IOException {
        final long before = ring.taken();
        while (ring.take(text)) {
            if (text.isFull()) {
                write();
            }
        }
        if (text.length() > 0) {
            write();
        }
        return ring.taken() != before;
    }

    private void write() throws IOException {
        out.write(text.bytes(), 0, text.length());
        text.clear();
    }

    private void report(final Throwable error) {
        try {
            listener.workerFailed(thread.getName(), error);
        } catch (final RuntimeException | Error ignored) {
            // A listener that throws changes nothing: the recording has ended.
        }
    }

    /**
     * Ends the recording: what was recorded before is in the file when this returns, unless an I/O error was reported. What
     * other threads record meanwhile may be missing. Waits for the file.
     */
    @Override
    public void close() {
        state.compareAndSet(RECORDING, CLOSING);
        LockSupport.unpark(thread);
        boolean interrupted = false;
        while (thread.isAlive() && Thread.currentThread() != thread) {
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
}
