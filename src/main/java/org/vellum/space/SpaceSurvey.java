package org.vellum.space;

import java.util.Locale;
import org.vellum.cpu.Cpu;
import org.vellum.frame.FrameTable;
import org.vellum.mem.Pages;
import org.vellum.mmu.SpaceEntry;
import org.vellum.mmu.SpaceTable;

/** Looks at all of a space: for reports, listings and checks. Holds nothing that others wait for; a section for each leaf at most. */
final class SpaceSurvey {
    private final MemoryDescriptor mm;
    private int regions;
    private long mapped;
    private long locked;
    private long resident;
    private long dirty;
    private long zero;
    private long reserved;
    private long going;

    SpaceSurvey(final MemoryDescriptor mm) {
        this.mm = mm;
    }

    SpaceInfo info() {
        mm.index.forEach(this::count);
        return new SpaceInfo(mm.options.bytes(), regions, bytes(mapped), bytes(locked), bytes(resident), bytes(dirty), bytes(zero),
            bytes(reserved), bytes(mm.table.attachedLeaves()), bytes(going));
    }

    private static long bytes(final long pages) {
        return pages << Pages.SHIFT;
    }

    private void count(final Region region) {
        if (region.isDying()) {
            going += region.pages();
            return;
        }
        regions++;
        mapped += region.pages();
        locked += region.has(Region.LOCKED) ? region.pages() : 0;
        for (long page = region.startPage(); page < region.endPage(); ) {
            page = countLeaf(page, Math.min(region.endPage(), (SpaceTable.leafOf(page) + 1) << SpaceTable.LEAF_SHIFT));
        }
    }

    private long countLeaf(final long startPage, final long endPage) {
        final Cpu cpu = mm.cpus.enter();
        try {
            for (long page = startPage; page < endPage && mm.table.hasLeafFor(page); page++) {
                count(mm.table.get(page));
            }
        } finally {
            cpu.exit();
        }
        return endPage;
    }

    private void count(final long entry) {
        if (SpaceEntry.isCounted(entry)) {
            resident++;
            dirty += SpaceEntry.has(entry, SpaceEntry.DIRTY) ? 1 : 0;
        } else if (SpaceEntry.isPresent(entry)) {
            zero += SpaceEntry.has(entry, SpaceEntry.ZERO) ? 1 : 0;
            reserved += SpaceEntry.has(entry, SpaceEntry.ZERO) ? 0 : 1;
        }
    }

    /** A line for each region, as in the kernel's {@code /proc/PID/maps}. */
    String maps() {
        final StringBuilder lines = new StringBuilder();
        mm.index.forEach(region -> {
            if (!region.isDying()) {
                lines.append(line(region));
            }
        });
        return lines.toString();
    }

    private static String line(final Region region) {
        return String.format(Locale.ROOT, "%012x-%012x %s%s%s%s%s %08x%s%n", bytes(region.startPage()), bytes(region.endPage()),
            region.has(Region.READ) ? "r" : "-", region.has(Region.WRITE) ? "w" : "-", region.has(Region.SHARED) ? "s" : "p",
            region.has(Region.GROWS) ? "g" : "-", region.has(Region.LOCKED) ? "l" : "-", region.backing() == null ? 0 : bytes(region.filePage()),
            region.backing() == null ? "" : " " + region.backing());
    }

    /**
     * Checks a space that nobody changes: every present entry lies in a region and allows no more than that does, and names a frame that
     * is there; the table's counts are right.
     *
     * @throws AssertionError naming the first thing that is wrong.
     */
    void verify() {
        mm.index.verify();
        mm.table.verify(mm.spaces.frames.table());
        if (mm.hash != null) {
            mm.hash.verify(mm.table);
        }
        for (long page = 0; page < mm.pages(); ) {
            if (mm.table.hasLeafFor(page)) {
                verify(page, mm.table.get(page));
                page++;
            } else {
                page = (SpaceTable.leafOf(page) + 1) << SpaceTable.LEAF_SHIFT;
            }
        }
        if (mm.flushes.pending() != 0) {
            throw new AssertionError(mm + ": gathers under way: " + mm.flushes.pending());
        }
    }

    private void verify(final long page, final long entry) {
        final Region region = mm.index.find(page);
        if (SpaceEntry.isNone(entry)) {
            return;
        }
        require(region != null && !region.isDying(), "has an entry without a region", page, entry, region);
        require(region.has(Region.READ) || !SpaceEntry.has(entry, SpaceEntry.READABLE), "may be read", page, entry, region);
        require(region.has(Region.WRITE) || !SpaceEntry.has(entry, SpaceEntry.WRITABLE), "may be written", page, entry, region);
        require(!SpaceEntry.has(entry, SpaceEntry.ZERO) || region.backing() == null, "shows zeroes", page, entry, region);
        if (SpaceEntry.isCounted(entry)) {
            final long frame = mm.spaces.frames.memory().frameOf(SpaceEntry.nativePage(entry));
            final FrameTable frames = mm.spaces.frames.table();
            require(frames.count(frame) > 0 && frames.order(frame) == 0, "has no reference to its frame", page, entry, region);
        }
    }

    private void require(final boolean holds, final String what, final long page, final long entry, final Region region) {
        if (!holds) {
            throw new AssertionError("page=" + page + " of " + mm + " " + what + ": entry=0x" + Long.toHexString(entry) + " region=" + region);
        }
    }
}
