package org.vellum.report;

/**
 * A checked access met an address that is not mapped, not accessible in that way, or whose tag is of an earlier life of the range.
 *
 * <p>The access changed nothing (of a bulk operation on an address space, nothing from this address on). Unchecked, because it is a programming
 * error of the caller (use after unmap, overrun into a guard page) or of the thread it raced with.
 */
public final class PageFaultException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final long address;
    private final boolean write;
    private final String region;

    /**
     * Of a load, or of an access whose kind is not known, without a region.
     *
     * @param address the Vellum address that faulted, tag included.
     * @param message what is known of it: the area that held it while that is in limbo, else the nearest area below.
     */
    public PageFaultException(final long address, final String message) {
        this(address, message, false, null);
    }

    /**
     * @param address that faulted: a Vellum address, tag included, or one of an address space.
     * @param message what is known of it.
     * @param write whether for a store.
     * @param region of the address space that the address lies in, in words; null if in none.
     */
    public PageFaultException(final long address, final String message, final boolean write, final String region) {
        super(message);
        this.address = address;
        this.write = write;
        this.region = region;
    }

    /** @return the address that faulted: a Vellum address, tag included, or one of an address space. */
    public long address() {
        return address;
    }

    /** @return whether a store faulted; false if a load did, or if it is not known. */
    public boolean isWrite() {
        return write;
    }

    /** @return the region that the address lies in, in words; null if in none, or where there are no regions. */
    public String region() {
        return region;
    }
}
