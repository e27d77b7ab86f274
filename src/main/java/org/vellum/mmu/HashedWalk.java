package org.vellum.mmu;

/** Finds entries by the hash of a space, and enters there what it has to look for in the table. Thread safety: any thread, in sections. */
public final class HashedWalk implements EntryWalk {
    private final SpaceTable table;
    private final HashedTable hash;

    /**
     * @param table of the space.
     * @param hash of its entries.
     */
    public HashedWalk(final SpaceTable table, final HashedTable hash) {
        this.table = table;
        this.hash = hash;
    }

    @Override
    public long get(final long page, final long wanted) {
        final long copy = hash.lookup(page);
        return SpaceEntry.has(copy, wanted) ? copy : hash.enter(table, page);
    }
}
