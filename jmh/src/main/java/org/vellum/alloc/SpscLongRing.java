package org.vellum.alloc;

/** From one producer: a cell that is not empty says that the ring is full. */
final class SpscLongRing extends LongRing {
    SpscLongRing(final int capacity) {
        super(capacity);
    }

    @Override
    boolean offer(final long number) {
        final long index = words.getPlain(PRODUCER);
        final long cell = cell(index);
        // acquire: pairs with the release of the cell in poll
        if (words.getAcquire(cell) != 0) {
            return false;
        }
        // release: pairs with the acquire in poll
        words.putRelease(cell, ~number);
        words.putPlain(PRODUCER, index + 1);
        return true;
    }
}
