package org.vellum.alloc;

import org.vellum.mem.CacheLine;
import org.vellum.mem.Words;

/**
 * A bounded queue of trace events off-heap: many producers, one consumer, in the order in which positions were claimed.
 *
 * <pre>
 *   slot of position p, four words:   turn | thread | address | size
 *   turn = p                 free for the producer that claimed p
 *   turn = p + 1             filled, for the consumer
 *   turn = p + SLOTS         free for whoever claims p + SLOTS
 * </pre>
 *
 * <p>A claim is one {@code getAndAdd}, so positions are a total order that agrees with happens-before: of two events where one
 * happens before the other, the first has the lower position. That is what makes the file replayable.
 */
final class TraceRing {
    static final int SLOTS = 1 << 14;

    private static final int SLOT_WORDS = 4;
    private static final int THREAD = 1;
    private static final int ADDRESS = 2;
    private static final int SIZE = 3;
    private static final int TAIL = CacheLine.STRIDE_WORDS;
    private static final int FIRST_SLOT = 2 * CacheLine.STRIDE_WORDS;

    private final Words words = Words.zeroed(FIRST_SLOT + (long)SLOTS * SLOT_WORDS);
    /** The consumer's own. */
    private long head;

    TraceRing() {
        for (int i = 0; i < SLOTS; i++) {
            words.putRelease(slot(i), i);
        }
    }

    private static long slot(final long position) {
        return FIRST_SLOT + (position & SLOTS - 1) * SLOT_WORDS;
    }

    /** Any thread: takes the next position, to be filled as soon as it {@link #isFree}. */
    long claim() {
        return words.getAndAdd(TAIL, 1);
    }

    /** Any thread: whether the slot of a claimed position has been emptied. */
    boolean isFree(final long position) {
        // acquire: pairs with the release in take(), so that the consumer has read what is overwritten.
        return words.getAcquire(slot(position)) == position;
    }

    /** The claimer, once the slot is free. */
    void fill(final long position, final long thread, final long address, final long size) {
        final long slot = slot(position);
        words.putPlain(slot + THREAD, thread);
        words.putPlain(slot + ADDRESS, address);
        words.putPlain(slot + SIZE, size);
        // release: pairs with the acquire in take().
        words.putRelease(slot, position + 1);
    }

    /** Positions claimed so far. */
    long claimed() {
        return words.getVolatile(TAIL);
    }

    /** The consumer: positions taken so far. */
    long taken() {
        return head;
    }

    /** The consumer: hands on the next event, if it is there. */
    boolean take(final TraceText text) {
        final long slot = slot(head);
        // acquire: pairs with the release in fill().
        if (words.getAcquire(slot) != head + 1) {
            return false;
        }
        text.event(words.getPlain(slot + THREAD), words.getPlain(slot + ADDRESS), words.getPlain(slot + SIZE));
        // release: pairs with the acquire in isFree().
        words.putRelease(slot, head + SLOTS);
        head++;
        return true;
    }
}
