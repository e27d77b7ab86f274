package org.vellum.report;

/**
 * Memory, addresses or slots have run out: what was asked, what is free, what waits in limbo and who holds it up are in
 * the text. Nothing was changed, and the call may succeed later.
 */
public final class ExhaustedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** What ran out. */
    public enum Resource {
        /** Page frames: physical memory as configured. */
        FRAMES,
        /** Direct memory of the JVM ({@code -XX:MaxDirectMemorySize}). */
        DIRECT_MEMORY,
        /** Addresses of the vmap window. */
        WINDOW,
        /** Addresses of an address space. */
        ADDRESSES,
        /** Slots of the shared kmap window, or cache frames for high memory. */
        KMAP_WINDOW,
        /** The reserved bytes of per-CPU memory. */
        PERCPU_RESERVED,
        /** CPU slots: too many sections are open at the same time. */
        SLOTS,
        /** Records that describe areas or blocks. */
        METADATA,
        /** What a budget allows, or the number of budgets there can be. */
        BUDGET
    }

    private final Resource resource;

    /**
     * @param resource what ran out.
     * @param message what was asked, what is free, what is in limbo, who holds it up.
     */
    public ExhaustedException(final Resource resource, final String message) {
        super(message);
        this.resource = resource;
    }

    /**
     * @param resource what ran out.
     * @param message what was asked, what is free, what is in limbo, who holds it up.
     * @param cause what the JVM said, or null.
     */
    public ExhaustedException(final Resource resource, final String message, final Throwable cause) {
        super(message, cause);
        this.resource = resource;
    }

    /** @return what ran out. */
    public Resource resource() {
        return resource;
    }
}
