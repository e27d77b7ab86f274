package org.vellum.gather;

/**
 * Whose entries a {@link SpaceUnmapper} changes. Both methods are called under the page-table lock: they are short and never wait.
 */
public interface ClearedEntries {
    /** Those of a range that is nobody's any more, and that nobody needs to hear of. */
    ClearedEntries ANY = new ClearedEntries() {
        @Override
        public boolean isStillThere() {
            return true;
        }

        @Override
        public void cleared(final long page, final long old) {
            // Nobody needs to know.
        }
    };

    /**
     * Asked once for each slice: if it is, the entries are its own for as long as the lock is held.
     *
     * @return whether the range still is what it was when the caller looked it up; if not, the slice is left alone.
     */
    boolean isStillThere();

    /**
     * Hears of an entry that was cleared.
     *
     * @param page of the space.
     * @param old the entry as it was at that moment, not none.
     */
    void cleared(long page, long old);
}
