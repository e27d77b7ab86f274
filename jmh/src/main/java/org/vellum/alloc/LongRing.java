package org.vellum.alloc;

import org.vellum.mem.CacheLine;
import org.vellum.mem.Words;

/**
 * A bounded queue of numbers in native memory, to one consumer: JCTools' rings hold objects, and a boxed address would be
 * garbage.
 *
 * <p>A cell holds 0 while it is empty and else the complement of its number, so that 0 can be sent, and -1 cannot. Each index has
 * two cache lines of its own, before the cells.
 *
 * <pre>
 *   word 0                  STRIDE               2 × STRIDE           3 × STRIDE
 *   +-----------------------+--------------------+--------------------+-----------------------+
 *   | producer index        | producer's limit   | consumer index     | cells ...             |
 *   +-----------------------+--------------------+--------------------+-----------------------+
 * </pre>
 */
abstract class LongRing {
    /** What {@link #poll} returns if there is nothing. */
    static final long EMPTY = -1;

    static final int PRODUCER = 0;
    static final int LIMIT = PRODUCER + CacheLine.STRIDE_WORDS;
    static final int CONSUMER = LIMIT + CacheLine.STRIDE_WORDS;
    private static final int CELLS = CONSUMER + CacheLine.STRIDE_WORDS;

    final Words words;
    final int capacity;

    /** @param capacity in numbers, a power of two. */
    LongRing(final int capacity) {
        if (Integer.bitCount(capacity) != 1) {
            throw new IllegalArgumentException("capacity=" + capacity);
        }
        this.capacity = capacity;
        words = Words.zeroed(CELLS + capacity);
    }

    /**
     * @param number any but {@link #EMPTY}.
     * @return whether there was room.
     */
    abstract boolean offer(long number);

    /** @return the oldest number, or {@link #EMPTY}; one thread at a time. */
    final long poll() {
        final long index = words.getPlain(CONSUMER);
        final long cell = cell(index);
        // acquire: pairs with the release in a producer's offer; what the number names was written before
        final long complement = words.getAcquire(cell);
        if (complement == 0) {
            return EMPTY;
        }
        // release: pairs with the acquire of the cell in SpscLongRing.offer
        words.putRelease(cell, 0);
        // release: pairs with the acquire of this index in MpscLongRing.offer; the cell was emptied before
        words.putRelease(CONSUMER, index + 1);
        return ~complement;
    }

    final long cell(final long index) {
        return CELLS + (index & capacity - 1);
    }
}
