package org.vellum.space;

import java.util.List;
import org.vellum.gather.MmuGather;

/**
 * One unmap, from the moment at which its regions have ended: what is still to be cleared, and the tombstone that keeps others out of the range
 * until it is. Belongs to one thread at a time, which may pass it on.
 */
final class Burial {
    final Region tombstone;
    private final MemoryDescriptor mm;
    final List<Region> pieces;
    private int piece;
    private long page;

    Burial(final MemoryDescriptor mm, final Region tombstone, final List<Region> pieces) {
        this.mm = mm;
        this.tombstone = tombstone;
        this.pieces = pieces;
        page = pieces.get(0).startPage();
    }

    boolean isCleared() {
        return piece == pieces.size();
    }

    /** The next slice. */
    void step(final MmuGather gather) {
        final Region region = pieces.get(piece);
        final long next = mm.unmapper.slice(gather, page, region.endPage(), true, RegionEntries.ofBuried(region));
        if (next < region.endPage()) {
            page = next;
        } else {
            // First the page, then the piece: whoever goes on after an error does the last slice again, which finds nothing.
            page = piece + 1 < pieces.size() ? pieces.get(piece + 1).startPage() : next;
            piece++;
        }
    }
}
