package org.vellum.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.vellum.alloc.TraceWriter;
import org.vellum.report.Listener;

/** What is recorded while several threads allocate, hand over and free is parsed and replayed without a complaint. */
@Timeout(120)
final class TraceRoundTripTest {
    private static final int THREADS = 4;
    private static final int ALLOCATIONS = 30_000;

    /** An allocator under recording, in the order that TraceWriter asks for. */
    private static final class Recorded extends NativeAllocations {
        final AtomicLong sizes = new AtomicLong();
        private final TraceWriter writer;

        Recorded(final TraceWriter writer) {
            super(true);
            this.writer = writer;
        }

        @Override
        public long allocate(final long size) {
            final long address = super.allocate(size);
            writer.allocated(address, size);
            sizes.addAndGet(size);
            return address;
        }

        @Override
        public void free(final long address) {
            writer.freed(address);
            super.free(address);
        }
    }

    /** Frees about half of what others allocated, and lets others free its own. */
    private static void work(final Allocations allocations, final BlockingQueue<Long> handedOver, final long seed) {
        final SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < ALLOCATIONS; i++) {
            final long address = allocations.allocate(1 + random.nextInt(300));
            if (random.nextBoolean() || !handedOver.offer(address)) {
                allocations.free(address);
            }
            final Long other = random.nextBoolean() ? handedOver.poll() : null;
            if (other != null) {
                allocations.free(other);
            }
        }
    }

    @Test
    void recordedTraceReplays(@TempDir final Path dir) {
        final Path file = dir.resolve("trace");
        final BlockingQueue<Long> handedOver = new ArrayBlockingQueue<>(200);
        final Recorded allocations;
        try (TraceWriter writer = TraceWriter.open(file, Listener.SILENT)) {
            allocations = new Recorded(writer);
            final Crew crew = new Crew();
            for (int i = 0; i < THREADS; i++) {
                final long seed = i;
                crew.add("recorded", () -> work(allocations, handedOver, seed));
            }
            crew.join();
        }
        final Trace trace = TraceParser.parse(file);
        assertEquals(THREADS, trace.threads());
        assertEquals(THREADS * ALLOCATIONS, trace.allocations());
        assertEquals(2 * trace.allocations() - allocations.live.size(), trace.operations());
        assertEquals(allocations.liveBytes(), trace.liveBytes());
        long sizes = 0;
        for (int i = 0; i < trace.allocations(); i++) {
            sizes += trace.size(i);
        }
        assertEquals(allocations.sizes.get(), sizes);
        assertTrue(crossThreadFrees(trace) > 1000, "too few frees were on another thread");

        final Run run = Run.of("replay", "--json", "--memory", "256m", "--threads", "1,4", file.toString()).held();
        run.rows().forEach(row -> {
            assertEquals(trace.operations(), Long.parseLong(row.get("operations")));
            assertEquals(trace.liveBytes(), Long.parseLong(row.get("left_live")));
        });
        allocations.live.keySet().forEach(allocations::free);
    }

    private static int crossThreadFrees(final Trace trace) {
        final int[] makers = new int[trace.allocations()];
        final int[][] shares = trace.deal(THREADS);
        final int[] threads = new int[trace.operations()];
        for (int thread = 0; thread < THREADS; thread++) {
            for (final int index : shares[thread]) {
                threads[index] = thread;
            }
        }
        int count = 0;
        for (int index = 0; index < threads.length; index++) {
            final int operation = trace.operation(index);
            if (operation >= 0) {
                makers[operation] = threads[index];
            } else if (makers[~operation] != threads[index]) {
                count++;
            }
        }
        return count;
    }
}
