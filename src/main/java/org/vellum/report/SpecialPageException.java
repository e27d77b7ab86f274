package org.vellum.report;

/**
 * A page was to be pinned whose frame is not counted: a reserved one, which is its owner's, or the frame of zeroes in a region that may not
 * be written. Nothing was changed.
 */
public final class SpecialPageException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final long address;

    /**
     * @param address of the page, in its space.
     * @param message what the page is.
     * @param cause what kept it from becoming an ordinary one; null if nothing could make it one.
     */
    public SpecialPageException(final long address, final String message, final Throwable cause) {
        super(message, cause);
        this.address = address;
    }

    /** @return the address of the page, in its space. */
    public long address() {
        return address;
    }
}
