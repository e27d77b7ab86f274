package org.vellum.cli;

/** Tells the threads of a cell that its time is over. */
final class Stop {
    /** Volatile: pairs with nothing; it only has to be seen soon, and is read once in 64 operations. */
    private volatile boolean requested;

    void request() {
        requested = true;
    }

    boolean requested() {
        return requested;
    }
}
