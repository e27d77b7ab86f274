package org.vellum.mmu;

/** Says what is known of an address that does not translate. */
@FunctionalInterface
public interface FaultHandler {
    /**
     * @param address the Vellum address, tag included.
     * @param write whether the access was a store.
     * @return the exception to throw; never null.
     */
    RuntimeException fault(long address, boolean write);
}
