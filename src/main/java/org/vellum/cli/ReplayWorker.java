package org.vellum.cli;

/** One thread of a replay: does its share of the trace in order, and notes what it saw. */
final class ReplayWorker {
    private static final int SAMPLE_INTERVAL = 256;

    /** Inside calls of the allocator. */
    long allocatorNanos;
    /** Calls of the allocator. */
    long calls;
    long contentErrors;
    /** About the first of them, or null. */
    String firstError;
    long peakLive;
    long peakReserved;
    /** What was live and what was reserved when the trace reached its peak; 0 if that was another worker's operation. */
    long liveAtPeak;
    long reservedAtPeak;

    private final int number;
    private final Trace trace;
    private final int[] share;
    private final Allocations allocations;
    private final ReplayContent content;
    private final ReplayBoard board;

    ReplayWorker(
        final int number, final Trace trace, final int[] share, final Allocations allocations, final ReplayBoard board) {
        this.number = number;
        this.trace = trace;
        this.share = share;
        this.allocations = allocations;
        this.board = board;
        content = new ReplayContent(allocations);
    }

    /** Does all of its share, or what can be done before the replay is stopped. */
    void run(final Stop stop) {
        long slowest = 0;
        for (final int index : share) {
            board.at(number, index);
            if (index - slowest > ReplayBoard.WINDOW) {
                slowest = board.awaitWindow(index);
            }
            if (stop.requested()) {
                return;
            }
            final int operation = trace.operation(index);
            if (operation >= 0) {
                allocate(index, operation);
            } else {
                free(~operation);
            }
        }
        board.done(number);
    }

    private void allocate(final int index, final int allocation) {
        final long size = trace.size(allocation);
        final long start = System.nanoTime();
        final long address = allocations.allocate(size);
        allocatorNanos += System.nanoTime() - start;
        if (address == 0) {
            throw new AssertionError("allocated at address 0: size=" + size);
        }
        final long live = board.live(size);
        peakLive = Math.max(peakLive, live);
        if (index == trace.peakOperation()) {
            liveAtPeak = live;
            reservedAtPeak = sample();
        } else if (calls % SAMPLE_INTERVAL == 0) {
            sample();
        }
        calls++;
        content.fill(allocation, address, size);
        board.publish(allocation, address);
    }

    private long sample() {
        final long reserved = allocations.reservedBytes();
        peakReserved = Math.max(peakReserved, reserved);
        return reserved;
    }

    private void free(final int allocation) {
        final long address = board.awaitAddress(allocation);
        if (address != 0) {
            free(allocation, address);
        }
    }

    /** Verifies an allocation and frees it. */
    void free(final int allocation, final long address) {
        final long size = trace.size(allocation);
        final long error = content.firstError(allocation, address, size);
        if (error >= 0) {
            if (contentErrors++ == 0) {
                firstError = "id=" + trace.id(allocation) + " size=" + size + " offset=" + error;
            }
        }
        board.unpublish(allocation);
        board.live(-size);
        final long start = System.nanoTime();
        allocations.free(address);
        allocatorNanos += System.nanoTime() - start;
        calls++;
    }
}
