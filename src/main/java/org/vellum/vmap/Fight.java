package org.vellum.vmap;

/**
 * How far an allocation is in its fight against exhaustion: what {@link Reclaimer#reclaim} has returned last, and is to be told next.
 *
 * <pre>
 *   [ releases that had ended (54) | held up (1) | steps (8) ]     -1 = lost
 *
 *   releases that had ended   when the last step was over, before the allocation was tried again
 *   held up                   whether the last wait ended without what it waited for
 *   steps                     taken so far
 * </pre>
 */
public final class Fight {
    /** Nothing has been done yet. */
    public static final long BEGIN = 0;
    /** It is not worth trying again. */
    public static final long LOST = -1;

    private static final int STEPS_BITS = 8;
    private static final long STEPS_MASK = (1L << STEPS_BITS) - 1;
    private static final long HELD_UP = 1L << STEPS_BITS;
    private static final int ENDED_SHIFT = STEPS_BITS + 1;
    private static final long ENDED_MASK = -1L >>> ENDED_SHIFT + 1;

    private Fight() {
    }

    static long next(final long fight, final long ended, final boolean heldUp) {
        assert steps(fight) < STEPS_MASK : "endless";
        return (ended & ENDED_MASK) << ENDED_SHIFT | (heldUp ? HELD_UP : 0) | steps(fight) + 1;
    }

    static int steps(final long fight) {
        return (int)(fight & STEPS_MASK);
    }

    static boolean isHeldUp(final long fight) {
        return (fight & HELD_UP) != 0;
    }

    static boolean isAsItWas(final long fight, final long ended) {
        return fight >>> ENDED_SHIFT == (ended & ENDED_MASK);
    }
}
