package org.vellum.mmu;

/** Finds what a page of a space translates to: by its table, or by what is quicker and says the same. */
@FunctionalInterface
public interface EntryWalk {
    /**
     * The entry of a page. Inside a section, for which it stays valid; or under the page's lock.
     *
     * @param page of the space.
     * @param wanted what the access compares, {@link SpaceEntry#PRESENT} at least: what lacks one of these bits is what the table says now,
     *               and not a copy made before the bit was set; so that after a fault the access goes on.
     * @return the entry; {@link SpaceEntry#NONE} if there is none. It may lack some of the bits, and others of A and D may have been set
     *     since.
     */
    long get(long page, long wanted);
}
