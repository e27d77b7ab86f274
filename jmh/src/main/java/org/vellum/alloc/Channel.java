package org.vellum.alloc;

import org.jctools.queues.MessagePassingQueue;
import org.jctools.queues.MpscArrayQueue;
import org.jctools.queues.SpscArrayQueue;

/**
 * The way of allocations from the threads that make them to the one that frees them: numbers go by one ring, objects by the
 * other, and a run uses one of the two.
 */
final class Channel {
    /** What may be under way: short of what allocators cache, long enough that nobody waits for each single one. */
    static final int CAPACITY = 256;

    final LongRing numbers;
    final MessagePassingQueue<Object> objects;
    /** The sum of what was read, so that reads count as used; the receiver's alone. */
    long received;

    /** @param senders how many threads send. */
    Channel(final int senders) {
        final boolean alone = senders == 1;
        numbers = alone ? new SpscLongRing(CAPACITY) : new MpscLongRing(CAPACITY);
        objects = alone ? new SpscArrayQueue<>(CAPACITY) : new MpscArrayQueue<>(CAPACITY);
    }
}
