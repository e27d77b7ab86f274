package org.vellum.space;

import org.vellum.cpu.SpinLock;
import org.vellum.mmu.SpaceEntry;
import org.vellum.mmu.SpaceTable;

/**
 * Takes D out of entries that show pages of a file: c1 and c2 of {@link FileWrites}.
 *
 * <p>Thread safety: any thread; waits only for short locks.
 */
final class FileCleaner {
    private FileCleaner() {
    }

    /** What {@link FileMapper#cleanNoFlush} asks for, over the table of a space. */
    static void cleanNoFlush(
        final SpaceTable table, final SpaceFile file, final long startPage, final long pages, final long filePage) {
        take(table, file, startPage, pages, filePage, SpaceEntry.DIRTY);
    }

    /**
     * The same, after which no entry gets D any more: for a space whose tables are detached next, and of whose entries nobody hears until a
     * grace period later, when the file may have been synchronized, or closed. As at c1, a store that has found W and D is in a section that
     * c4 waits for; who finds W gone does not store, since the regions have ended.
     */
    static void endNoFlush(
        final SpaceTable table, final SpaceFile file, final long startPage, final long pages, final long filePage) {
        take(table, file, startPage, pages, filePage, SpaceEntry.DIRTY | SpaceEntry.WRITABLE);
    }

    private static void take(
        final SpaceTable table, final SpaceFile file, final long startPage, final long pages, final long filePage, final long bits) {
        final long endPage = startPage + pages;
        for (long page = startPage; page < endPage; ) {
            final long leafEnd = SpaceTable.leafOf(page) + 1 << SpaceTable.LEAF_SHIFT;
            final long sliceEnd = Math.min(endPage, leafEnd);
            final SpinLock lock = table.lockOf(page);
            lock.acquireSurely();
            try {
                takeLocked(table, file, page, sliceEnd, filePage + page - startPage, bits);
            } finally {
                lock.unlock();
            }
            page = sliceEnd;
        }
    }

    private static void takeLocked(
        final SpaceTable table, final SpaceFile file, final long startPage, final long endPage, final long filePage, final long bits) {
        if (table.used(startPage) == 0) {
            return;
        }
        for (long page = startPage; page < endPage; page++) {
            final long seen = table.get(page);
            final long at = filePage + page - startPage;
            if (SpaceEntry.isCounted(seen) && (seen & bits) != 0 && file.isFrameOf(at, SpaceEntry.nativePage(seen))
                // c1: what it returns has the last D.
                && SpaceEntry.has(table.changeNoFlush(page, bits, 0), SpaceEntry.DIRTY)) {
                file.dirtied(at);
            }
        }
    }
}
