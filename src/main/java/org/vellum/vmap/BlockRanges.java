package org.vellum.vmap;

import org.vellum.mem.Pages;

/** The ranges of the window that {@code vmMapRam} carves: aligned to their size, without guards. */
public final class BlockRanges {
    private final VmapSpace space;

    /**
     * @param space the window.
     */
    public BlockRanges(final VmapSpace space) {
        this.space = space;
    }

    /**
     * Takes a range for a block. Never waits; inside a section it only tries.
     *
     * @return the number of its area, or a negative number if there is none to be had now.
     */
    public long reserve() {
        final long id = space.reserve(AreaKind.BLOCK, VmallocFlags.NO_GUARD, VmapOptions.BLOCK_PAGES,
            VmapOptions.BLOCK_PAGES, 0, space.table.pages(), (long)VmapOptions.BLOCK_PAGES << Pages.SHIFT);
        if (id >= 0) {
            space.publish(id);
        }
        return id;
    }

    /**
     * @param area from {@link #reserve()}.
     * @return its first page in the window.
     */
    public long firstPage(final long area) {
        return space.records().start(area);
    }

    /**
     * Gives a range back at once: all its mappings are gone and their grace period has ended. Inside a section it only tries.
     *
     * @param area from {@link #reserve()}.
     * @return whether it was taken back.
     */
    public boolean giveBack(final long area) {
        return space.giveBack(area);
    }
}
