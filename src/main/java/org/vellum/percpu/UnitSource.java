package org.vellum.percpu;

/**
 * Where the memory of an embedded first chunk comes from: memory that is there anyway, near the CPUs that will use it.
 *
 * <p>Called by one thread at a time, outside sections, so it may block. What it throws is thrown on, after all that it gave
 * before has been freed.
 */
public interface UnitSource {
    /**
     * Hands out memory for one group of CPUs: a linear address, or one of the vmap window where it lies on contiguous frames. All groups'
     * addresses bear the same tag.
     *
     * @param cpu id of the group's first CPU, near which it is wanted.
     * @param bytes of all of the group's units, a multiple of {@code align}.
     * @param align in bytes, a power of two, at least a page.
     * @return the Vellum address, a multiple of {@code align}; 0 if there is no such memory.
     */
    long allocate(int cpu, long bytes, long align);

    /**
     * Takes memory back: all of what one call handed out, or, if {@link #freesParts()}, whole pages of it. Nobody can reach it any more.
     *
     * @param address of the first byte.
     * @param bytes how many.
     */
    void free(long address, long bytes);

    /** @return whether units that have no CPU, and the ends of units that are not needed, may be freed one by one. */
    default boolean freesParts() {
        return false;
    }
}
