package org.vellum.mmu;

/** Finds what a page of a space translates to: by its table, or by what is quicker and says the same. */
@FunctionalInterface
public interface SpaceWalk {
    /**
     * The entry of a page. Inside a section, for which it stays valid; or under the page's lock.
     *
     * @param page of the space.
     * @return the entry; {@link SpaceEntry#NONE} if there is none. A and D may have been set since.
     */
    long get(long page);
}
