package org.vellum.percpu;

/** Hands out percpu pointers: what counters, histograms and references need of an allocator. */
interface Pointers {
    /**
     * @param bytes of each CPU's copy.
     * @param align of each copy, a power of two.
     * @return a pointer to copies that are zero.
     */
    long allocate(long bytes, long align);

    /**
     * @param pointer as {@link #allocate} returned it.
     */
    void free(long pointer);

    /** @return the way to the copies. */
    OwnCopy access();
}
