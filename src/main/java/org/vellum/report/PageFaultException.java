package org.vellum.report;

/**
 * A checked access met an address that is not mapped, not writable, or whose tag is of an earlier life of the range.
 *
 * <p>The access changed nothing. Unchecked, because it is a programming error of the caller (use after unmap, overrun
 * into a guard page) or of the thread it raced with.
 */
public final class PageFaultException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final long address;

    /**
     * @param address the Vellum address that faulted, tag included.
     * @param message what is known of it: the area that held it while that is in limbo, else the nearest area below.
     */
    public PageFaultException(final long address, final String message) {
        super(message);
        this.address = address;
    }

    /** @return the Vellum address that faulted, tag included. */
    public long address() {
        return address;
    }
}
