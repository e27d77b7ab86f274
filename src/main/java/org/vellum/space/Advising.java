package org.vellum.space;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.vellum.cpu.StackReserve;
import org.vellum.gather.GatherMode;
import org.vellum.gather.MmuGather;
import org.vellum.mmu.SpaceEntry;

/**
 * What users say about pages. Takes no space lock: regions are found as a fault finds them, and each slice asks under the page-table lock whether
 * its region still is one. If it is not, its pages are looked up anew: somebody may only have mapped next to it, and so have joined the two. Who
 * finds another's region there goes on with that, as if it had come later.
 *
 * <p>Two that take the same pages away at once (RG5): the second finds nothing to clear, and its gather waits for the first's if the space
 * promises that ({@link GatherMode#WAIT}).
 */
final class Advising {
    private static final int NOT_DISCARDED = Region.LOCKED | Region.DYING;
    private static final int NOT_FREED = Region.LOCKED | Region.SHARED | Region.RESERVED | Region.DYING;

    /** What is done to the entries of one leaf; says where to go on. */
    private interface Slice {
        long apply(long startPage, long endPage, RegionEntries entries);
    }

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
                regions.forEach(region -> requireNot(region, NOT_DISCARDED, advice));
                discard(startPage, endPage);
            }
            case FREE -> {
                regions.forEach(region -> requireNot(region, NOT_FREED, advice));
                lazilyFreed.add(mm, startPage, endPage, () -> takeDirty(startPage, endPage));
            }
            case WILLNEED -> regions.stream().filter(region -> region.backing() != null).forEach(region ->
                region.backing().willNeed(region, Math.max(startPage, region.startPage()), Math.min(endPage, region.endPage())));
            case POPULATE -> populate(startPage, endPage);
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

    private void discard(final long startPage, final long endPage) {
        try (MmuGather gather = mm.gathers.begin(mm.flushes, mm.options.mode())) {
            forEachSlice(startPage, endPage, region -> (region.flags() & NOT_DISCARDED) == 0,
                (page, end, entries) -> mm.unmapper.slice(gather, page, end, false, entries));
        }
    }

    /** Who stores again sets it again, and so keeps the page. Who has pinned it stores without, and keeps it from the start. */
    private void takeDirty(final long startPage, final long endPage) {
        try (MmuGather gather = mm.gathers.begin(mm.flushes, GatherMode.RETIRE)) {
            forEachSlice(startPage, endPage, region -> (region.flags() & NOT_FREED) == 0 && region.backing() == null,
                (page, end, entries) -> mm.unmapper.takeDirty(gather, page, end, entries));
        }
    }

    private void forEachSlice(final long startPage, final long endPage, final Predicate<Region> wanted, final Slice slice) {
        for (long page = startPage; page < endPage; ) {
            final Region region = mm.index.findAtOrAbove(page);
            final long end = region == null ? endPage : Math.min(endPage, region.endPage());
            // Dying: whoever unmaps it clears it.
            page = region == null || region.isDying() || !wanted.test(region) ? end
                : slices(region, Math.max(page, region.startPage()), end, slice);
        }
    }

    /** Where to go on: at the end, unless the region has ended. */
    private static long slices(final Region region, final long startPage, final long endPage, final Slice slice) {
        final RegionEntries entries = RegionEntries.ofCurrent(region);
        long page = startPage;
        while (page < endPage) {
            final long next = slice.apply(page, endPage, entries);
            if (entries.isLeftAlone()) {
                return page;
            }
            page = next;
        }
        return page;
    }

    /**
     * Faults all pages of a range in. Ends early if the thread is interrupted, which it then still is: that only costs a fault later.
     */
    void populate(final long startPage, final long endPage) {
        mm.cpus.mightSleep("populating");
        regions(startPage, endPage);
        for (long page = startPage; page < endPage && !Thread.currentThread().isInterrupted(); page++) {
            final Region region = mm.index.find(page);
            if (region == null || region.isDying()) {
                throw mm.noRegion(page, false);
            }
            final boolean write = region.has(Region.WRITE);
            if ((write || region.has(Region.READ)) && !isThere(page, write)) {
                faults.fault(page, write);
            }
        }
    }

    private boolean isThere(final long page, final boolean write) {
        return SpaceEntry.has(mm.table.get(page), write ? SpaceEntry.WRITE_CHECK : SpaceEntry.READ_CHECK);
    }
}
