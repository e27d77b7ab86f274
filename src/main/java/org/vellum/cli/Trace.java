package org.vellum.cli;

import java.util.Arrays;

/**
 * An allocation trace, checked and in primitive arrays: 4 bytes an operation, 16 an allocation.
 *
 * <p>Allocations are numbered from 0 in the order of the file; ids are kept for messages only. An operation is the number of
 * the allocation it makes, or the complement of the number of the one it frees. Threads are numbered from 0 in the order in
 * which they first do something. Every allocation is freed at most once, after it was made: {@link TraceParser} sees to it.
 */
final class Trace {
    /** Operations there may be at most: what one array holds. */
    static final int MAX_OPERATIONS = Integer.MAX_VALUE - 64;

    private int[] operations = new int[1024];
    private int operationCount;
    private long[] ids = new long[1024];
    private long[] sizes = new long[1024];
    private int allocationCount;
    /** Pieces of the file by one thread: the first operation of each, and whose it is. */
    private int[] pieceStarts = new int[16];
    private int[] pieceThreads = new int[16];
    private int pieceCount;
    private int threadCount;
    private long liveBytes;
    private long peakLiveBytes;
    private int peakOperation;

    private static int[] room(final int[] array, final int count) {
        return count < array.length ? array : Arrays.copyOf(array, grown(count));
    }

    private static long[] room(final long[] array, final int count) {
        return count < array.length ? array : Arrays.copyOf(array, grown(count));
    }

    private static int grown(final int count) {
        return (int)Math.min(MAX_OPERATIONS, 2L * count);
    }

    /** What follows is done by this thread. */
    void thread(final int thread) {
        threadCount = Math.max(threadCount, thread + 1);
        if (pieceCount > 0 && pieceThreads[pieceCount - 1] == thread) {
            return;
        }
        pieceStarts = room(pieceStarts, pieceCount);
        pieceThreads = room(pieceThreads, pieceCount);
        pieceStarts[pieceCount] = operationCount;
        pieceThreads[pieceCount++] = thread;
    }

    /** Appends an allocation and returns its number. */
    int allocate(final long id, final long size) {
        ids = room(ids, allocationCount);
        sizes = room(sizes, allocationCount);
        ids[allocationCount] = id;
        sizes[allocationCount] = size;
        liveBytes += size;
        if (liveBytes > peakLiveBytes) {
            peakLiveBytes = liveBytes;
            peakOperation = operationCount;
        }
        append(allocationCount);
        return allocationCount++;
    }

    /** Appends the free of an allocation, by its number. */
    void free(final int allocation) {
        liveBytes -= sizes[allocation];
        append(~allocation);
    }

    private void append(final int operation) {
        operations = room(operations, operationCount);
        operations[operationCount++] = operation;
    }

    int operations() {
        return operationCount;
    }

    /** The number of the allocation that an operation makes, or the complement of that of the one it frees. */
    int operation(final int index) {
        return operations[index];
    }

    int allocations() {
        return allocationCount;
    }

    long id(final int allocation) {
        return ids[allocation];
    }

    /** In bytes. */
    long size(final int allocation) {
        return sizes[allocation];
    }

    /** Threads that do something. */
    int threads() {
        return threadCount;
    }

    /** Bytes that are live at the end of the file. */
    long liveBytes() {
        return liveBytes;
    }

    /** The most bytes that are live at a time, in the order of the file. */
    long peakLiveBytes() {
        return peakLiveBytes;
    }

    /** The index of the operation that reaches the peak. */
    int peakOperation() {
        return peakOperation;
    }

    /**
     * Deals the operations out: thread {@code t} of the trace to worker {@code t % workers}.
     *
     * @return for each worker the indexes of its operations, ascending.
     */
    int[][] deal(final int workers) {
        final int[] counts = new int[workers];
        for (int piece = 0; piece < pieceCount; piece++) {
            counts[pieceThreads[piece] % workers] += pieceEnd(piece) - pieceStarts[piece];
        }
        final int[][] dealt = new int[workers][];
        for (int worker = 0; worker < workers; worker++) {
            dealt[worker] = new int[counts[worker]];
        }
        Arrays.fill(counts, 0);
        for (int piece = 0; piece < pieceCount; piece++) {
            final int worker = pieceThreads[piece] % workers;
            for (int index = pieceStarts[piece]; index < pieceEnd(piece); index++) {
                dealt[worker][counts[worker]++] = index;
            }
        }
        return dealt;
    }

    private int pieceEnd(final int piece) {
        return piece + 1 < pieceCount ? pieceStarts[piece + 1] : operationCount;
    }
}
