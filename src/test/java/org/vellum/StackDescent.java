package org.vellum;

/**
 * Takes a turn at every depth of a stack until it overflows: with frames of two sizes, in an order that differs from descent to descent, so that
 * it is now this and now that call of the turn which does not fit any more.
 */
public final class StackDescent {
    /** What is done at each depth. */
    @FunctionalInterface
    public interface Turn {
        /**
         * @param what the descent.
         * @param depth how deep it is, from {@code what}.
         */
        void take(int what, int depth);
    }

    private final Turn turn;
    private long overflows;

    /** @param turn what is done at each depth. */
    public StackDescent(final Turn turn) {
        this.turn = turn;
    }

    /**
     * Descends until the stack of the calling thread is full.
     *
     * @param what tells one descent from another.
     */
    public void run(final int what) {
        try {
            descend(what, what, what & 7);
        } catch (final StackOverflowError expected) {
            overflows++;
        }
    }

    /** @return how many descents have come to their end. */
    public long overflows() {
        return overflows;
    }

    private void descend(final int what, final int depth, final int pad) {
        turn.take(what, depth);
        if (pad > 0) {
            descend(what, depth + 1, pad - 1);
        } else {
            descendWider(what, depth + 1, depth, depth, depth);
        }
    }

    private void descendWider(final int what, final int depth, final long a, final long b, final long c) {
        turn.take(what, depth);
        descend(what, depth + 1, (int)((a + b + c + what) & 7));
    }
}
