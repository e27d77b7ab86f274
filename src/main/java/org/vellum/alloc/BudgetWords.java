package org.vellum.alloc;

import org.vellum.mem.CacheLine;
import org.vellum.mem.Words;

/**
 * The shared words of one budget, on cache lines of their own.
 *
 * <pre>
 *   [ reserved | unsettled | high water | ... ]
 *
 *   reserved    bytes: what is charged to the budget, its slack on all slots, and what its children have reserved
 *   unsettled   low half:  how many threads are changing 'reserved', or the slack that goes with it
 *               high half: how many such changes moved free bytes between words, modulo 2³²
 *   high water  the largest 'reserved' that a settled reservation left behind
 * </pre>
 *
 * Whether the bytes in {@code reserved} are really gone is what {@code unsettled} tells: the argument is in {@link Reservation}.
 *
 * <p>Thread safety: any thread, nothing waits.
 */
final class BudgetWords {
    private static final int RESERVED = 0;
    private static final int UNSETTLED = 1;
    private static final int HIGH_WATER = 2;
    private static final long MOVED_ONE = 1L << 32;

    private final Words words = Words.zeroed(2L * CacheLine.STRIDE_WORDS);

    long reserved() {
        // Volatile: partner of the CAS in tryReserve() and of the subtraction in giveBack().
        return words.getVolatile(RESERVED);
    }

    /** Adds to what is reserved, unless that would exceed the limit. */
    boolean tryReserve(final long bytes, final long limit) {
        while (true) {
            final long reserved = reserved();
            if (bytes > limit - reserved) {
                return false;
            }
            // CAS: the check and the addition are one step; partner: the loads in reserved(), and giveBack().
            if (words.compareAndSet(RESERVED, reserved, reserved + bytes)) {
                return true;
            }
        }
    }

    /** Subtracts from what is reserved; returns what is left. */
    long giveBack(final long bytes) {
        // Volatile: partner of the loads in reserved(), and of the CAS in tryReserve().
        final long left = words.getAndAdd(RESERVED, -bytes) - bytes;
        assert left >= 0 : "more was given back than reserved: bytes=" + bytes + " left=" + left;
        return left;
    }

    /** Announces a change of {@code reserved} that may be taken back, or a move of bytes between slack and it. */
    void begin() {
        // Volatile, before the change: partner of the loads in unsettled().
        words.getAndAdd(UNSETTLED, 1);
    }

    /** Ends what was begun: bytes were charged, or nothing was changed. */
    void settle() {
        // Volatile, after the change: partner of the loads in unsettled().
        words.getAndAdd(UNSETTLED, -1);
    }

    /** Ends what was begun: free bytes are elsewhere than before. */
    void settleMoved() {
        // Volatile, after the change, and in one step with the end of it: partner of the loads in unsettled().
        words.getAndAdd(UNSETTLED, MOVED_ONE - 1);
    }

    long unsettled() {
        // Volatile: partner of begin() and settleMoved().
        return words.getVolatile(UNSETTLED);
    }

    /** Whether no free byte moved between the look at {@code before} and now. */
    boolean isSettledSince(final long before) {
        return (int)before == 0 && unsettled() == before;
    }

    long highWater() {
        // Opaque: a statistic.
        return words.getOpaque(HIGH_WATER);
    }

    void raiseHighWater() {
        final long reserved = reserved();
        long highWater = highWater();
        // CAS: of two that raise it the higher one stays.
        while (reserved > highWater && !words.compareAndSet(HIGH_WATER, highWater, reserved)) {
            highWater = highWater();
        }
    }
}
