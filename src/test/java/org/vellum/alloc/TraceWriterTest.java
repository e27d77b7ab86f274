package org.vellum.alloc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.vellum.report.Listener;

@Timeout(120)
final class TraceWriterTest {
    private final List<Throwable> reports = new ArrayList<>();
    private final Listener listener = new Listener() {
        @Override
        public void workerFailed(final String where, final Throwable error) {
            assertEquals("vellum-trace", where);
            synchronized (reports) {
                reports.add(error);
            }
            throw new IllegalStateException("a listener may throw");
        }
    };

    /** Takes nothing until it is told to. */
    private static final class Gate extends OutputStream {
        final CountDownLatch open = new CountDownLatch(1);
        final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        @Override
        public void write(final int b) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void write(final byte[] from, final int offset, final int length) throws IOException {
            try {
                open.await();
            } catch (final InterruptedException e) {
                throw new IOException(e);
            }
            bytes.write(from, offset, length);
        }
    }

    /** Full after so many bytes. */
    private static final class Full extends OutputStream {
        private final IOException thrown = new IOException("no space left on device");
        private int room;

        Full(final int room) {
            this.room = room;
        }

        @Override
        public void write(final int b) throws IOException {
            if (room-- == 0) {
                room = 0;
                throw thrown;
            }
        }
    }

    private static void inThread(final Runnable work) {
        final Thread thread = new Thread(work);
        thread.start();
        try {
            thread.join();
        } catch (final InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static void awaitParkedAt(final TraceWriter writer, final Thread thread) {
        while (LockSupport.getBlocker(thread) != writer) {
            assertTrue(thread.isAlive(), "the thread is to wait for room");
            Thread.onSpinWait();
        }
    }

    @Test
    void linesAreWhatHappened(@TempDir final Path dir) throws IOException {
        final Path file = Files.writeString(dir.resolve("trace"), "what was there before");
        try (TraceWriter writer = TraceWriter.open(file, listener)) {
            writer.allocated(-7, 1);
            writer.allocated(4096, Long.MAX_VALUE);
            inThread(() -> {
                writer.freed(4096);
                writer.allocated(4096, 120);
            });
            writer.freed(-7);
        }
        assertEquals(TraceText.HEADER + """
            t 0
            a 1 1
            a 2 9223372036854775807
            t 1
            f 2
            a 3 120
            t 0
            f 1
            """, Files.readString(file));
        assertEquals(List.of(), reports);
    }

    @Test
    void whatWouldNotReplayIsLeftOutOrMended() {
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (TraceWriter writer = new TraceWriter(out, listener, TraceWriter.LOST_NANOS)) {
            writer.freed(16);
            writer.allocated(16, 8);
            writer.freed(16);
            writer.freed(16);
            writer.allocated(32, 8);
            writer.allocated(32, 9);
        }
        assertEquals(TraceText.HEADER + "t 0\na 1 8\nf 1\na 2 8\nf 2\na 3 9\n", out.toString(StandardCharsets.US_ASCII));
    }

    @Test
    void idleWriterLeavesNothingInItsBuffer(@TempDir final Path dir) throws IOException {
        final Path file = dir.resolve("trace");
        try (TraceWriter writer = TraceWriter.open(file, listener)) {
            writer.allocated(1, 1);
            while (!Files.readString(file).endsWith("t 0\na 1 1\n")) {
                Thread.onSpinWait();
            }
        }
    }

    @Test
    void fullRingMakesCallersWaitAndLosesNothing() throws InterruptedException {
        final Gate gate = new Gate();
        final int events = 3 * TraceRing.SLOTS;
        final AtomicBoolean interrupted = new AtomicBoolean();
        try (TraceWriter writer = new TraceWriter(gate, listener, TraceWriter.LOST_NANOS)) {
            final Thread thread = new Thread(() -> {
                for (int i = 1; i <= events; i++) {
                    writer.allocated(i, i);
                }
                interrupted.set(Thread.currentThread().isInterrupted());
            });
            thread.start();
            awaitParkedAt(writer, thread);
            thread.interrupt();
            awaitParkedAt(writer, thread);
            assertTrue(writer.ring.claimed() < events);
            gate.open.countDown();
            thread.join();
        }
        assertTrue(interrupted.get(), "the interrupt is kept for whom it is for");
        final List<String> lines = gate.bytes.toString(StandardCharsets.US_ASCII).substring(TraceText.HEADER.length()).lines().toList();
        assertEquals(events + 1, lines.size());
        assertEquals("t 0", lines.get(0));
        for (int i = 1; i <= events; i++) {
            assertEquals("a " + i + " " + i, lines.get(i));
        }
    }

    @Test
    void errorEndsTheRecordingAndIsReportedOnce() throws InterruptedException {
        final Full full = new Full(TraceText.HEADER.length() + 1000);
        try (TraceWriter writer = new TraceWriter(full, listener, TraceWriter.LOST_NANOS)) {
            final List<Thread> threads = new ArrayList<>();
            for (int t = 0; t < 3; t++) {
                final long first = t * 1_000_000L;
                threads.add(new Thread(() -> {
                    for (int i = 1; i <= 5 * TraceRing.SLOTS; i++) {
                        writer.allocated(first + i, 1);
                        writer.freed(first + i);
                    }
                }));
            }
            threads.forEach(Thread::start);
            for (final Thread thread : threads) {
                thread.join();
            }
        }
        assertEquals(1, reports.size());
        assertSame(full.thrown, reports.get(0));
    }

    @Test
    void eventThatNeverComesDoesNotStopTheAllocator() throws InterruptedException {
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (TraceWriter writer = new TraceWriter(out, listener, TimeUnit.MILLISECONDS.toNanos(500))) {
            writer.allocated(1, 1);
            writer.ring.claim();
            for (int i = 2; i < 3 * TraceRing.SLOTS; i++) {
                writer.allocated(i, 1);
            }
        }
        assertTrue(out.toString(StandardCharsets.US_ASCII).endsWith("t 0\na 1 1\n"));
        assertEquals(1, reports.size());
        assertTrue(reports.get(0).getMessage().contains("never ended"), reports.get(0).toString());
    }

    @Test
    void nothingIsRecordedAfterTheEnd() {
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        final TraceWriter writer = new TraceWriter(out, listener, TraceWriter.LOST_NANOS);
        writer.close();
        writer.close();
        for (int i = 1; i < 2 * TraceRing.SLOTS; i++) {
            writer.allocated(i, 1);
        }
        assertEquals(TraceText.HEADER, out.toString(StandardCharsets.US_ASCII));
    }

    @Test
    void fileThatCannotBeWrittenIsNamed(@TempDir final Path dir) {
        final UncheckedIOException error = assertThrows(UncheckedIOException.class, () -> TraceWriter.open(dir, listener));
        assertTrue(error.getMessage().contains(dir.toString()), error.getMessage());
    }

    @Test
    void recordingMakesNoGarbage() {
        final com.sun.management.ThreadMXBean bean =
            (com.sun.management.ThreadMXBean)java.lang.management.ManagementFactory.getThreadMXBean();
        try (TraceWriter writer = new TraceWriter(OutputStream.nullOutputStream(), listener, TraceWriter.LOST_NANOS)) {
            final long id = Thread.currentThread().getId();
            long bytes = 0;
            for (int round = 0; round < 2; round++) {
                bytes = bean.getThreadAllocatedBytes(id);
                for (int i = 1; i <= 4 * TraceRing.SLOTS; i++) {
                    writer.allocated(i, 1);
                    writer.freed(i);
                }
                bytes = bean.getThreadAllocatedBytes(id) - bytes;
            }
            assertTrue(bytes < 1024, "bytes=" + bytes);
        }
    }
}
