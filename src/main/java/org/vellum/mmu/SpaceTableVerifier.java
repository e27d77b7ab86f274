package org.vellum.mmu;

import org.vellum.frame.FrameTable;
import org.vellum.frame.PhysicalMemory;

/** Walks a quiet {@link SpaceTable}. */
final class SpaceTableVerifier {
    private final SpaceTable table;
    private final PhysicalMemory memory;
    private final FrameTable frames;

    SpaceTableVerifier(final SpaceTable table, final PhysicalMemory memory, final FrameTable frames) {
        this.table = table;
        this.memory = memory;
        this.frames = frames;
    }

    /** How many entries hold a reference. Throws an {@link AssertionError} that names the first thing that is wrong. */
    long verify() {
        long counted = 0;
        for (long leaf = 0; leaf < table.leaves(); leaf++) {
            final long firstPage = leaf << SpaceTable.LEAF_SHIFT;
            final long word = table.directoryWord(firstPage);
            if (SpaceTable.hasLeaf(word)) {
                requireAllocated(word & Address.MASK, firstPage);
                counted += verifyLeaf(firstPage);
            } else {
                require(table.used(firstPage) == 0, "uses entries without a leaf", firstPage);
            }
        }
        return counted;
    }

    private long verifyLeaf(final long firstPage) {
        long counted = 0;
        long inUse = 0;
        for (long page = firstPage; page < firstPage + SpaceTable.LEAF_PAGES; page++) {
            final long entry = table.get(page);
            inUse += SpaceEntry.isNone(entry) ? 0 : 1;
            require(SpaceEntry.isNone(entry) || page < table.pages(), "is beyond the space", page);
            if (SpaceEntry.isCounted(entry)) {
                counted++;
                requireAllocated(SpaceEntry.nativePage(entry), page);
            }
        }
        require(inUse == table.used(firstPage), "uses another number of entries than is noted: " + table.used(firstPage), firstPage);
        return counted;
    }

    private void requireAllocated(final long nativePage, final long page) {
        final long frame = memory.frameOf(nativePage);
        require(frame != PhysicalMemory.NO_FRAME && frames.state(frame) == FrameTable.ALLOCATED, "has a frame that is free: " + frame, page);
    }

    private static void require(final boolean holds, final String what, final long page) {
        if (!holds) {
            throw new AssertionError("page=" + page + " " + what);
        }
    }
}
