package org.vellum.alloc;

/**
 * From many producers: each claims an index below the limit by a CAS, then fills its cell. The consumer finds nothing at a
 * cell that is claimed and not filled yet.
 */
final class MpscLongRing extends LongRing {
    MpscLongRing(final int capacity) {
        super(capacity);
        words.putRelease(LIMIT, capacity);
    }

    @Override
    boolean offer(final long number) {
        long index;
        do {
            index = words.getVolatile(PRODUCER);
            // acquire: pairs with the release of the limit below, which carries on what its writer saw of the consumer
            if (index >= words.getAcquire(LIMIT) && !raiseLimit(index)) {
                return false;
            }
        } while (!words.compareAndSet(PRODUCER, index, index + 1));
        // release: pairs with the acquire in poll
        words.putRelease(cell(index), ~number);
        return true;
    }

    private boolean raiseLimit(final long index) {
        // acquire: pairs with the release of the index in poll; every cell below it is empty
        final long limit = words.getAcquire(CONSUMER) + capacity;
        if (index >= limit) {
            return false;
        }
        // release: pairs with the acquire in offer; an older limit written late is a lower one, and only makes others look again
        words.putRelease(LIMIT, limit);
        return true;
    }
}
