package org.vellum.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Replays a trace on an allocator, with several threads, and looks at every byte at its free. */
final class TraceReplayer {
    /**
     * What came of a replay.
     *
     * @param threads that replayed.
     * @param operations of the trace.
     * @param nanos that a call of the allocator took on the average, reading the clock left out.
     * @param peakLive the most bytes that were live at a time.
     * @param peakReserved the most bytes that were seen reserved.
     * @param fragmentation reserved bytes ÷ live bytes, when the trace reached its peak.
     * @param contentErrors allocations that were not at their free what they were filled with.
     * @param firstError about one of these, or null.
     * @param leftAllocations what the trace did not free; the replayer did, after verifying them.
     * @param leftBytes their sizes.
     */
    record Result(
        int threads, long operations, double nanos, long peakLive, long peakReserved, double fragmentation, long contentErrors,
        String firstError, long leftAllocations, long leftBytes) {
    }

    private final Trace trace;
    private final Allocations allocations;
    private final int threads;
    private final Crew crew = new Crew();
    private final ReplayBoard board;
    private final List<ReplayWorker> workers = new ArrayList<>();
    private long leftAllocations;
    private long leftBytes;

    /** Prepares a replay on as many threads as the trace has, or {@code mostThreads} if that is less: then each does several threads' work. */
    TraceReplayer(final Trace trace, final int mostThreads, final Allocations allocations) {
        this.trace = trace;
        this.allocations = allocations;
        threads = Math.min(trace.threads(), mostThreads);
        board = new ReplayBoard(trace.allocations(), threads, crew.stop());
        final int[][] shares = trace.deal(threads);
        for (int i = 0; i < threads; i++) {
            workers.add(new ReplayWorker(i, trace, shares[i], allocations, board));
        }
    }

    /** Replays, once. Whatever happens, nothing that was allocated stays so. Throws what ended a worker. */
    Result run(final Console console) {
        final CountDownLatch working = new CountDownLatch(threads);
        try {
            for (final ReplayWorker worker : workers) {
                crew.add("vellum-replay", () -> {
                    try {
                        worker.run(crew.stop());
                    } finally {
                        working.countDown();
                    }
                });
            }
            crew.begin();
            while (!working.await(1, TimeUnit.SECONDS)) {
                console.progress("  %d of %d operations", Math.min(board.slowest(), trace.operations()), trace.operations());
            }
        } catch (final InterruptedException e) {
            crew.stop().request();
            Thread.currentThread().interrupt();
        } finally {
            try {
                crew.join();
            } finally {
                freeTheRest();
            }
        }
        return result();
    }

    /** What is left is verified, too, but its time and its calls are no operations of the trace. */
    private void freeTheRest() {
        final ReplayWorker rest = new ReplayWorker(threads, trace, new int[0], allocations, board);
        for (int allocation = 0; allocation < trace.allocations(); allocation++) {
            final long address = board.leftLive(allocation);
            if (address != 0) {
                leftAllocations++;
                leftBytes += trace.size(allocation);
                rest.free(allocation, address);
            }
        }
        rest.calls = 0;
        rest.allocatorNanos = 0;
        workers.add(rest);
    }

    private Result result() {
        final long calls = workers.stream().mapToLong(worker -> worker.calls).sum();
        final double nanos = (double)workers.stream().mapToLong(worker -> worker.allocatorNanos).sum() / Math.max(1, calls);
        final long live = workers.stream().mapToLong(worker -> worker.liveAtPeak).sum();
        final long reserved = workers.stream().mapToLong(worker -> worker.reservedAtPeak).sum();
        return new Result(threads, calls, Math.max(0, nanos - ClockCost.nanos()),
            workers.stream().mapToLong(worker -> worker.peakLive).max().orElse(0),
            workers.stream().mapToLong(worker -> worker.peakReserved).max().orElse(0), (double)reserved / Math.max(1, live),
            workers.stream().mapToLong(worker -> worker.contentErrors).sum(),
            workers.stream().map(worker -> worker.firstError).filter(Objects::nonNull).findFirst().orElse(null),
            leftAllocations, leftBytes);
    }
}
