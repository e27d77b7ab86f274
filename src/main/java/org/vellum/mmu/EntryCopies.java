package org.vellum.mmu;

/**
 * Where translations of a space are kept besides its table, and must go before others take their place. Told by {@link SpaceTable} under
 * the page's lock, so at most one thread for each lock at a time; all of it is short and never waits.
 *
 * <p>The rule, for whoever implements this: <b>no two translations of one address exist</b>. A new entry is stored only when no copy of an
 * old one of that page is left, however far a flush could be put off otherwise.
 */
public interface EntryCopies {
    /** @return how many page-table locks it can be told under. */
    int lockCount();

    /**
     * From now on until {@link #lazyExit} under the same lock, copies of what is cleared may be left until then.
     *
     * @param page any of those that the lock is for.
     */
    void lazyEnter(long page);

    /**
     * No copy is left of anything that was cleared under this lock.
     *
     * @param page any of those that the lock is for.
     */
    void lazyExit(long page);

    /**
     * An entry is about to be stored where there is none.
     *
     * @param page whose entry.
     */
    void entering(long page);

    /**
     * An entry that translated was exchanged for one that does not.
     *
     * @param page whose entry.
     * @param old the entry as it was.
     */
    void cleared(long page, long old);

    /**
     * An entry that translates is about to be exchanged for another that does: nobody makes a copy of either until {@link #endChange}, which
     * must follow under the same lock, whatever happens.
     *
     * @param page whose entry.
     */
    void beginChange(long page);

    /**
     * The entry has been exchanged, or was left as it is; no copy of the old one is left.
     *
     * @param page whose entry.
     * @param old the entry as it was.
     */
    void endChange(long page, long old);
}
