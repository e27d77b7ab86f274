package org.vellum.space;

import java.util.ArrayList;
import java.util.List;
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
 * not happen.
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
        final List<Region> changed = new ArrayList<>();
        unmapping.lockWithoutTombstones(startPage, endPage);
        final long since = System.nanoTime();
        try {
            mm.requireOpen();
            requireAllowed(startPage, endPage, access);
            final long hole = mm.index.changeFlags(startPage, endPage, ACCESS, access, changed::add);
            if (hole != RegionIndex.NONE) {
                throw new IllegalArgumentException("nothing is mapped at page=" + hole + " of " + mm + ": startPage=" + startPage
                    + " endPage=" + endPage + ", nothing has changed");
            }
        } finally {
            mm.lock.unlockExclusive();
            mm.holdTimes.ended(since);
        }
        lower(changed, access);
    }

    private void requireAllowed(final long startPage, final long endPage, final int access) {
        for (Region region = mm.index.findAtOrAbove(startPage); region != null && region.startPage() < endPage;
             region = mm.index.findAtOrAbove(region.endPage())) {
            if (region.backing() != null) {
                region.backing().requireAccess(region, access);
            }
        }
    }

    private void lower(final List<Region> changed, final int access) {
        try (MmuGather gather = mm.gathers.begin(mm.flushes, GatherMode.WAIT)) {
            for (final Region before : changed) {
                final int taken = before.flags() & ACCESS & ~access;
                final long bits = ((taken & Region.READ) != 0 ? SpaceEntry.READABLE : 0)
                    | ((taken & Region.WRITE) != 0 ? SpaceEntry.WRITABLE : 0);
                for (long page = before.startPage(); bits != 0 && page < before.endPage(); ) {
                    page = mm.unmapper.lower(gather, page, before.endPage(), bits, ClearedEntries.ANY);
                }
            }
        }
    }
}
