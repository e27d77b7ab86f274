package org.vellum;

import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * How many steps a fuzz test makes: at least so many, and on until it has covered what it is there to cover, at most
 * twenty times as many. Counted, never timed, so that a seed makes the same run on every machine. For one thread, or for
 * several that take turns.
 */
public final class FuzzSteps {
    private static final int CAP = 20;
    /** A power of two. */
    private static final int LOOK_EVERY = 256;

    private final long least;
    private final BooleanSupplier covered;
    private long made;

    /**
     * @param least how many steps are made in any case.
     * @param covered whether everything has happened that the test is to see.
     */
    public FuzzSteps(final long least, final BooleanSupplier covered) {
        this.least = least;
        this.covered = covered;
    }

    /** Whether to make another step. */
    public boolean next() {
        final boolean look = made >= least && made % LOOK_EVERY == least % LOOK_EVERY;
        if (look && (made >= CAP * least || covered.getAsBoolean())) {
            return false;
        }
        made++;
        return true;
    }

    /**
     * Fails unless everything is covered now, at the end.
     *
     * @param text the seed and the figures, for who must find out which of them is missing.
     */
    public void assertCovered(final Supplier<String> text) {
        if (!covered.getAsBoolean()) {
            throw new AssertionError("not covered after " + made + " steps: " + text.get());
        }
    }

    /** Whether this step, the first among them, is one of every so many. */
    public boolean every(final long steps) {
        return (made - 1) % steps == 0;
    }

    /** How many steps have been made, or are being made. */
    public long made() {
        return made;
    }

    /** The number of this step, from 0. */
    public long step() {
        return made - 1;
    }
}
