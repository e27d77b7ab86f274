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
        final long endPage = startPage + pages;
        for (long page = startPage; page < endPage; ) {
            final long leafEnd = SpaceTable.leafOf(page) + 1 << SpaceTable.LEAF_SHIFT;
            final long sliceEnd = Math.min(endPage, leafEnd);
            final SpinLock lock = table.lockOf(page);
            lock.acquireSurely();
            try {
                cleanLocked(table, file, page, sliceEnd, filePage + page - startPage);
            } finally {
                lock.unlock();
            }
            page = sliceEnd;
        }
    }

    private static void cleanLocked(
        final SpaceTable table, final SpaceFile file, final long startPage, final long endPage, final long filePage) {
        if (table.used(startPage) == 0) {
            return;
        }
        for (long page = startPage; page < endPage; page++) {
            final long seen = table.get(page);
            final long at = filePage + page - startPage;
            if (SpaceEntry.isCounted(seen) && SpaceEntry.has(seen, SpaceEntry.DIRTY)
                && file.isFrameOf(at, SpaceEntry.nativePage(seen))) {
                // c1.
                table.changeNoFlush(page, SpaceEntry.DIRTY, 0);
                file.dirtied(at);
            }
        }
    }
}
