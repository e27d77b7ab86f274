package org.vellum.space;

import java.util.ArrayList;
import java.util.List;
import org.vellum.gather.MmuGather;

/**
 * One unmap: what is still to be cleared, and the tombstone that keeps others out of the range until it is. Made before anything changes, so
 * that what has begun needs no memory to be remembered. Belongs to one thread at a time, which may pass it on.
 */
final class Burial {
    final Region tombstone;
    /** What was there, in order; nothing before it has begun. */
    final List<Region> pieces = new ArrayList<>();
    /** The next of those that wait for somebody to finish them. Under the lock of {@link Unmapping}. */
    Burial next;

    private final MemoryDescriptor mm;
    private int piece;
    private long page;

    Burial(final MemoryDescriptor mm, final long startPage, final long endPage) {
        this.mm = mm;
        tombstone = Region.tombstone(startPage, endPage);
    }

    /** u1; under the exclusive lock. */
    void begin() {
        mm.index.bury(tombstone, pieces);
        page = pieces.get(0).startPage();
    }

    /** Whether the tombstone stands. */
    boolean isBuried() {
        return mm.index.find(tombstone.startPage()) == tombstone;
    }

    boolean isCleared() {
        return piece == pieces.size();
    }

    /** The next slice. */
    void step(final MmuGather gather) {
        final Region region = pieces.get(piece);
        final long after = mm.unmapper.slice(gather, page, region.endPage(), true, RegionEntries.ofBuried(region));
        if (after < region.endPage()) {
            page = after;
        } else {
            // First the page, then the piece: whoever goes on after an error does the last slice again, which finds nothing.
            page = piece + 1 < pieces.size() ? pieces.get(piece + 1).startPage() : after;
            piece++;
        }
    }
}
