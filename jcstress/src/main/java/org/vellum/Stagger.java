package org.vellum;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * Has one of two actors start later than the other, by a little more from state to state: the harness releases both at once, but the steps that
 * are to meet lie some nanoseconds wide at the ends of ways of different lengths.
 */
public final class Stagger {
    /** Turns of some nanoseconds; interpreted, the actors' ways are as much longer as the turns are. */
    private static final int MOST = 256;
    private static final AtomicInteger NEXT = new AtomicInteger();
    /** Never changed: a volatile load is a turn that no compiler takes out. */
    private static volatile int zero;

    private final int turns;

    /** For actors whose ways are of different lengths. */
    public Stagger() {
        this(MOST);
    }

    /** @param most turns that one starts later at most; few for actors that do the same. */
    public Stagger(final int most) {
        turns = Math.floorMod(NEXT.getAndIncrement(), 2 * most) - most;
    }

    /** Waits, in half of all states; the first thing that one actor does. */
    public void one() {
        spin(turns);
    }

    /** Waits in the other half; the first thing that the other actor does. */
    public void other() {
        spin(-turns);
    }

    private static void spin(final int most) {
        for (int i = 0; i < most; i++) {
            if (zero != 0) {
                return;
            }
        }
    }
}
