package org.vellum.space;

/** Who maps a file, as the file sees it: an address space. */
interface FileMapper {
    /**
     * Takes D out of the entries of some pages that show this file shared, under their page-table locks, a leaf at a time; and tells the file of each
     * that had it, by {@link SpaceFile#dirtied}, before it lets go of the lock. {@link FileCleaner} does that. The caller flushes.
     *
     * <p>Called with the file-mapping lock shared: takes no other lock that sleeps, and no section waits for it.
     *
     * @param file whose pages are to be clean.
     * @param startPage of the space; it and those that follow were told to the file, and not yet taken back.
     * @param pages how many, at most {@link PageCache#LEAF_PAGES}.
     * @param filePage which the first of them shows.
     */
    void cleanNoFlush(SpaceFile file, long startPage, long pages, long filePage);

    /**
     * Waits, parked, until nothing of a range is being unmapped any more; does what threads that were interrupted have left. Called without
     * locks, outside sections.
     *
     * @param startPage of the space.
     * @param endPage exclusive.
     */
    default void awaitUnmapped(final long startPage, final long endPage) {
        // Who unmaps at once leaves nothing.
    }
}
