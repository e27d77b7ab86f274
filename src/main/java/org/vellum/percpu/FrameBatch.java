package org.vellum.percpu;

/**
 * Frames that were unmapped together: made with room for all before the first is unmapped, so that nothing has to be allocated
 * afterwards. Filled by one thread, then handed to {@link PendingFrames}.
 */
final class FrameBatch {
    final long[] frames;
    /** How many there are. */
    int count;
    /** How many of them have been freed; by whoever has taken the batch out of the queue. */
    int freed;
    /** When they may be freed: set by {@link PendingFrames}. */
    long stamp;
    FrameBatch next;

    FrameBatch(final int capacity) {
        frames = new long[capacity];
    }

    void add(final long frame) {
        frames[count++] = frame;
    }
}
