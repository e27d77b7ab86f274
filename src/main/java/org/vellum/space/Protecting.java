package org.vellum.space;

import org.vellum.cpu.StackReserve;
import org.vellum.gather.ClearedEntries;
import org.vellum.gather.GatherMode;
import org.vellum.gather.MmuGather;
import org.vellum.mmu.SpaceEntry;

/**
 * Changes what may be done to pages.
 *
 * <p>First the regions, under the space lock, then the entries, without it. What is allowed from now on is raised by faults, when somebody
 * wants it; only what is not allowed any more is taken from the entries here. A fault that has found the old region stores its entry either before
 * this takes the page-table lock, and is lowered, or after it, and sees that the region has ended. To lower an entry that somebody
 * has made stronger again meanwhile, or that is another region's by now, costs a fault and is no mistake: so nothing is held between the two,
 * nor between slices.
 *
 * <p>Waits, in the end, until no section is open any more that may have found the page writable: when it returns, what it forbade does
 * not happen. That holds for a second one, too, that finds the regions as it wants them because a first has changed them, and not yet their
 * entries: so each lowers the entries of its whole range, whatever the regions were before; and if the first has lowered them, but has
 * not waited yet, its gather is still under way, since it was begun before the regions changed, and the second waits as well (RG5).
 */
final class Protecting {
    private static final int ACCESS = Region.READ | Region.WRITE;

    private final MemoryDescriptor mm;
    private final Unmapping unmapping;

    Protecting(final MemoryDescriptor mm, final Unmapping unmapping) {
        this.mm = mm;
        this.unmapping = unmapping;
    }

    /** See {@link AddressSpace#protect}. */
    void protect(final long startPage, final long endPage, final int access) {
        StackReserve.ensureOperations();
        try (MmuGather gather = mm.gathers.begin(mm.flushes, GatherMode.WAIT)) {
            changeRegions(startPage, endPage, access);
            lower(gather, startPage, endPage, ACCESS & ~access);
        }
    }

    private void changeRegions(final long startPage, final long endPage, final int access) {
        unmapping.lockWithoutTombstones(startPage, endPage);
        final long since = System.nanoTime();
        try {
            mm.requireOpen();
            requireAllowed(startPage, endPage, access);
            final long hole = mm.index.changeFlags(startPage, endPage, ACCESS, access, changed -> { });
            if (hole != RegionIndex.NONE) {
                throw new IllegalArgumentException("nothing is mapped at page=" + hole + " of " + mm + ": startPage=" + startPage
                    + " endPage=" + endPage + ", nothing has changed");
            }
        } finally {
            mm.lock.unlockExclusive();
            mm.holdTimes.ended(since);
        }
    }

    private void requireAllowed(final long startPage, final long endPage, final int access) {
        for (Region region = mm.index.findAtOrAbove(startPage); region != null && region.startPage() < endPage;
             region = mm.index.findAtOrAbove(region.endPage())) {
            if (region.backing() != null) {
                region.backing().requireAccess(region, access);
            }
        }
    }

    private void lower(final MmuGather gather, final long startPage, final long endPage, final int forbidden) {
        final long bits = ((forbidden & Region.READ) != 0 ? SpaceEntry.READABLE : 0)
            | ((forbidden & Region.WRITE) != 0 ? SpaceEntry.WRITABLE : 0);
        for (long page = startPage; bits != 0 && page < endPage; ) {
            page = mm.unmapper.lower(gather, page, endPage, bits, ClearedEntries.ANY);
        }
    }
}
