package org.vellum.mmu;

import org.vellum.mem.Pages;

/** Who is asked when a page of a space does not translate. */
@FunctionalInterface
public interface SpaceFaults {
    /**
     * Makes the page accessible, or says that it is not. The access is tried again afterwards.
     *
     * @param page of the space.
     * @param write whether for a store.
     * @throws org.vellum.report.PageFaultException if it is not accessible.
     */
    void fault(long page, boolean write);

    /**
     * {@link #fault} that knows where in the page, for messages.
     *
     * @param address in bytes of the space.
     * @param write whether for a store.
     */
    default void faultAt(final long address, final boolean write) {
        fault(address >>> Pages.SHIFT, write);
    }
}
