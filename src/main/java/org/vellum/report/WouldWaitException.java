package org.vellum.report;

/**
 * What was asked for needs I/O or a grace period, and the calling thread is where nobody may wait: inside a section. Nothing was changed;
 * outside, or prepared beforehand, the same call succeeds.
 */
public final class WouldWaitException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param message what was asked for, and what to call beforehand. */
    public WouldWaitException(final String message) {
        super(message);
    }
}
