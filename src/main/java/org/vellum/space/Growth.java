package org.vellum.space;

import org.vellum.report.WouldWaitException;

/** Regions that grow towards lower addresses, as stacks do, when they are touched below their start. */
final class Growth {
    /** What stays free between a region that grows and the one below it: an overrun shall fault, not meet somebody else's pages. */
    static final long GUARD_PAGES = 256;

    private final MemoryDescriptor mm;

    Growth(final MemoryDescriptor mm) {
        this.mm = mm;
    }

    /**
     * Lets the next region above grow down to a page that nobody had.
     *
     * @return whether it is worth looking again: it has, or another's fault was faster; false if there is none that grows, or no room.
     */
    boolean grow(final long page, final boolean mayWait) {
        if (canGrow(page) == null) {
            return isMapped(page);
        }
        if (mayWait) {
            mm.lock.lockExclusive();
        } else if (!mm.lock.tryLockExclusiveBriefly()) {
            throw new WouldWaitException("a region grows down to page=" + page + " of " + mm + ": touch it outside sections first");
        }
        try {
            final Region above = canGrow(page);
            if (above != null) {
                mm.index.insert(new Region(page, above.startPage(), above.flags(), null, above.filePage() - (above.startPage() - page)));
            }
            return true;
        } finally {
            mm.lock.unlockExclusive();
        }
    }

    private boolean isMapped(final long page) {
        final Region region = mm.index.find(page);
        return region != null && !region.isDying();
    }

    /** The region that would grow, or null. */
    private Region canGrow(final long page) {
        if (page < MemoryDescriptor.FIRST_PAGE || page >= mm.pages()) {
            return null;
        }
        final Region above = mm.index.findAtOrAbove(page);
        if (above == null || above.contains(page) || !above.has(Region.GROWS) || above.filePage() < above.startPage() - page) {
            return null;
        }
        final long from = Math.max(MemoryDescriptor.FIRST_PAGE, page - GUARD_PAGES);
        return from == page || mm.index.isFree(from, page) ? above : null;
    }
}
