package org.vellum.report;

/**
 * A fault handler of the user's did not give what a page needs. The page is as it was, and so is the frame that was refused, if there was
 * one: it stays whose it is. The access may be tried again, which asks the handler again.
 */
public final class FaultHandlerException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** What was wrong. */
    public enum Reason {
        /** The handler threw; that is the cause. */
        THREW,
        /** The handler, on this thread, touched a page that it is itself asked for. */
        REENTERED,
        /** It gave no frame: -1, or 0, which no frame has for a number. */
        NO_FRAME,
        /** It gave a number that no frame has. */
        NO_SUCH_FRAME,
        /** Nobody owns the frame. */
        FREE,
        /** The frame is part of a block of several: a page needs one of its own. */
        INSIDE_BLOCK,
        /** Another room holds the frame: a table, a slab, an allocation. */
        MARKED,
        /** The frame has other owners, too. */
        REFERENCED,
        /** An address space shows the frame already, perhaps this one at another page, or a file has it. */
        MAPPED
    }

    private final long address;
    private final Reason reason;

    /**
     * @param address first of the page, in bytes of its space.
     * @param reason what was wrong.
     * @param detail for a person.
     * @param cause what the handler threw, or null.
     */
    public FaultHandlerException(final long address, final Reason reason, final String detail, final Throwable cause) {
        super("the fault handler of address=0x" + Long.toHexString(address) + " failed: " + reason + ": " + detail, cause);
        this.address = address;
        this.reason = reason;
    }

    /** @return the first address of the page, in bytes of its space. */
    public long address() {
        return address;
    }

    /** @return what was wrong. */
    public Reason reason() {
        return reason;
    }
}
