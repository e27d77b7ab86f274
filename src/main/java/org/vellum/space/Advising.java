package org.vellum.space;

import java.util.ArrayList;
import java.util.List;
import org.vellum.cpu.StackReserve;
import org.vellum.gather.ClearedEntries;
import org.vellum.gather.GatherMode;
import org.vellum.gather.MmuGather;
import org.vellum.mmu.SpaceEntry;

/**
 * What users say about pages. Takes no space lock: regions are found as a fault finds them, and each slice asks under the page-table lock whether
 * its region still is one.
 *
 * <p>Two that take the same pages away at once (RG5): the second finds nothing to clear, and its gather waits for the first's if the space
 * promises that ({@link GatherMode#WAIT}).
 */
final class Advising {
    private final MemoryDescriptor mm;
    private final Faults faults;
    private final LazilyFreed lazilyFreed;

    Advising(final MemoryDescriptor mm, final Faults faults, final LazilyFreed lazilyFreed) {
        this.mm = mm;
        this.faults = faults;
        this.lazilyFreed = lazilyFreed;
    }

    /** See {@link AddressSpace#advise}. */
    void advise(final long startPage, final long endPage, final Advice advice) {
        StackReserve.ensureOperations();
        final List<Region> regions = regions(startPage, endPage);
        switch (advice) {
            case DONTNEED -> {
                regions.forEach(region -> requireNot(region, Region.LOCKED, advice));
                discard(regions, startPage, endPage);
            }
            case FREE -> {
                regions.forEach(region -> requireNot(region, Region.LOCKED | Region.SHARED | Region.RESERVED, advice));
                free(regions, startPage, endPage);
            }
            case WILLNEED -> regions.stream().filter(region -> region.backing() != null).forEach(region ->
                region.backing().willNeed(region, Math.max(startPage, region.startPage()), Math.min(endPage, region.endPage())));
            case POPULATE -> populate(regions, startPage, endPage);
            default -> throw new IllegalArgumentException("advice=" + advice);
        }
    }

    /** Those of a range, if they cover it. */
    private List<Region> regions(final long startPage, final long endPage) {
        final List<Region> found = new ArrayList<>();
        for (long page = startPage; page < endPage; page = found.get(found.size() - 1).endPage()) {
            final Region region = mm.index.find(page);
            if (region == null || region.isDying()) {
                mm.requireOpen();
                throw new IllegalArgumentException("nothing is mapped at page=" + page + " of " + mm + ": startPage=" + startPage
                    + " endPage=" + endPage + ", nothing has changed");
            }
            found.add(region);
        }
        return found;
    }

    private static void requireNot(final Region region, final int flags, final Advice advice) {
        if ((region.flags() & flags) != 0 || advice == Advice.FREE && region.backing() != null) {
            throw new IllegalArgumentException(advice + " is not for " + region);
        }
    }

    private void discard(final List<Region> regions, final long startPage, final long endPage) {
        try (MmuGather gather = mm.gathers.begin(mm.flushes, mm.options.mode())) {
            for (final Region region : regions) {
                final ClearedEntries entries = RegionEntries.ofCurrent(region);
                final long end = Math.min(endPage, region.endPage());
                for (long page = Math.max(startPage, region.startPage()); page < end; ) {
                    page = mm.unmapper.slice(gather, page, end, false, entries);
                }
            }
        }
    }

    private void free(final List<Region> regions, final long startPage, final long endPage) {
        lazilyFreed.add(mm, startPage, endPage, () -> takeDirty(regions, startPage, endPage));
    }

    /** Who stores again sets it again, and so keeps the page. */
    private void takeDirty(final List<Region> regions, final long startPage, final long endPage) {
        try (MmuGather gather = mm.gathers.begin(mm.flushes, GatherMode.RETIRE)) {
            for (final Region region : regions) {
                final ClearedEntries entries = RegionEntries.ofCurrent(region);
                final long end = Math.min(endPage, region.endPage());
                for (long page = Math.max(startPage, region.startPage()); page < end; ) {
                    page = mm.unmapper.lower(gather, page, end, SpaceEntry.DIRTY, entries);
                }
            }
        }
    }

    /**
     * Faults all pages of a range in. Ends early if the thread is interrupted, which it then still is: that only costs a fault later.
     */
    void populate(final long startPage, final long endPage) {
        populate(regions(startPage, endPage), startPage, endPage);
    }

    private void populate(final List<Region> regions, final long startPage, final long endPage) {
        mm.cpus.mightSleep("populating");
        for (final Region region : regions) {
            final boolean write = region.has(Region.WRITE);
            final long end = Math.min(endPage, region.endPage());
            for (long page = Math.max(startPage, region.startPage()); page < end && (write || region.has(Region.READ)); page++) {
                if (Thread.currentThread().isInterrupted()) {
                    return;
                }
                if (!isThere(page, write)) {
                    faults.fault(page, write);
                }
            }
        }
    }

    private boolean isThere(final long page, final boolean write) {
        return SpaceEntry.has(mm.table.get(page), write ? SpaceEntry.WRITE_CHECK : SpaceEntry.READ_CHECK);
    }
}
