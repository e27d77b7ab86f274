package org.vellum.percpu;

/** Things that are all to be done, each of which may throw: none keeps the others from being done. By one thread. */
final class Attempts {
    private Throwable first;

    void run(final Runnable action) {
        try {
            action.run();
        } catch (final RuntimeException | Error e) {
            if (first == null) {
                first = e;
            } else if (first != e) {
                first.addSuppressed(e);
            }
        }
    }

    /** What was thrown first, the rest suppressed in it; null if nothing was. */
    Throwable first() {
        return first;
    }

    /** Throws {@link #first()}, if there is any. */
    void rethrow() {
        if (first instanceof Error error) {
            throw error;
        }
        if (first != null) {
            throw (RuntimeException)first;
        }
    }
}
