package org.vellum.space;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.locks.ReentrantLock;
import org.vellum.file.FileIo;
import org.vellum.file.Staging;
import org.vellum.report.FileException;

/**
 * Brings dirty pages of one file to the device.
 *
 * <h2>No store is lost</h2>
 * <pre>
 *   W (stores, in a section)                    C (cleans)
 *   w1: entry has W and D; else D by CAS        c1: exchange the entry for one without D, under the page-table lock
 *   w2: store                                   c2: had it D → the page is DIRTY
 *   w3: the section ends                        c3: DIRTY becomes WRITING
 *                                               c4: flush: every section that was open has ended
 *                                               c5: copy the content, and write it
 * </pre>
 * Either w1 finds D that c1 has taken away since: then its section was open before c4, which waits for w3, and c5 copies what w2 stored. Or w1 comes
 * after c1, and sets D anew: whatever c5 copies, the next round finds that. The same holds for an unmap in place of c1: it hands D over under the
 * page-table lock ({@link Backing#cleared}) while a store may be under way, and if that is before c3 it is before c4; if it is after, the page
 * is dirty again. The end of a space does c1 and c2 for good, by taking W, too ({@link FileCleaner#endNoFlush}). So no page is clean while
 * there is a translation by which it might still be stored to (RG3).
 *
 * <p>An epoch ends for everybody, so one flush does for all pages and all spaces, however many there are. It is the flush of a gather that
 * gathers nothing, hence none is begun.
 *
 * <p>A page that nobody shows needs no flush: the count was 1 after c3, and the reference of an entry is given up a grace period after
 * the entry went.
 *
 * <p>Thread safety: any thread, outside sections; one at a time, by a lock that is held while the device works. So who comes second finds nothing
 * half done. It is taken before all others, and never by who holds one but, shared, the space lock.
 */
final class FileWrites {
    private final SpaceFile file;
    private final PageCache cache;
    private final BackingFrames frames;
    private final FileExtent extent;
    private final FileIo io;
    private final Staging staging;
    private final Runnable flush;
    /** Not a short lock: held while the device works. Parks who waits, and pins no virtual thread. */
    private final ReentrantLock lock = new ReentrantLock();

    FileWrites(
        final SpaceFile file, final PageCache cache, final BackingFrames frames, final FileExtent extent, final FileIo io,
        final Staging staging, final Runnable flush) {
        this.file = file;
        this.cache = cache;
        this.frames = frames;
        this.extent = extent;
        this.io = io;
        this.staging = staging;
        this.flush = flush;
    }

    /** For who must have the file to itself. */
    void lock() {
        lock.lock();
    }

    void unlock() {
        lock.unlock();
    }

    /**
     * Writes what was stored before the call, and has it forced to the device. By who has the lock.
     *
     * @return what there is to tell of a cut: all that is still in memory has been written all the same.
     * @throws FileException if something could not be written, and is dirty still.
     */
    IOException writeAll() {
        assert lock.isHeldByCurrentThread() : file;
        try {
            extent.look();
            EOFException cut = extent.cut();
            if (cut != null) {
                redirty();
            }
            writeDirty();
            if (cut == null && extent.cut() != null) {
                // Cut off in the middle: what was clean by then has to be written again.
                cut = extent.cut();
                redirty();
                writeDirty();
            }
            force();
            if (cut != null && nothingIsMissing()) {
                extent.forgetCut();
            }
            return cut;
        } catch (final IOException e) {
            throw new FileException("cannot sync", file.path(), FileException.NO_PAGE, e);
        }
    }

    private void redirty() {
        cache.forEach(page -> page.set(CachedPage.DIRTY));
    }

    /** The device may have lost whatever was written since it was last forced: all that is still here is written again. */
    private void force() throws IOException {
        boolean safe = false;
        try {
            io.force();
            safe = true;
        } finally {
            if (!safe) {
                redirty();
            }
        }
    }

    private boolean nothingIsMissing() {
        for (long page = extent.firstCutPage(); page < extent.endOfCut(); page++) {
            final CachedPage cached = cache.get(page);
            if (cached == null || !cached.is(CachedPage.PRESENT)) {
                return false;
            }
        }
        return true;
    }

    private void writeDirty() {
        boolean through = false;
        try {
            // c1 to c3, a slice at a time, so that nobody who maps or unmaps waits for more than one.
            final boolean[] any = new boolean[1];
            for (int leaf = 0; leaf < cache.leaves(); leaf++) {
                if (!cache.isEmpty(leaf)) {
                    final long first = (long)leaf * PageCache.LEAF_PAGES;
                    file.mappings().cleanNoFlush(file, first, first + PageCache.LEAF_PAGES);
                    cache.forEach(leaf, page -> any[0] |= page.startWrite());
                }
            }
            if (any[0]) {
                // c4.
                flush.run();
                write();
            }
            through = true;
        } finally {
            if (!through) {
                cache.forEach(FileWrites::giveBack);
            }
        }
    }

    private static void giveBack(final CachedPage page) {
        if (page.is(CachedPage.WRITING)) {
            page.finishWrite(false);
        }
    }

    /** c5, of all that are WRITING; throws at the end, if something could not be written. */
    private void write() {
        final Row row = new Row();
        cache.forEach(row::add);
        row.write();
        if (row.failure != null) {
            throw row.failure;
        }
    }

    /**
     * Writes dirty pages that nobody shows, so that they can be dropped. What cannot be written stays dirty, and {@link SpaceFile#sync} tells why.
     *
     * @param most how many.
     */
    void writeUnmapped(final long most) {
        lock.lock();
        try {
            final Row row = new Row();
            cache.forEach(page -> {
                if (row.taken < most && page.is(CachedPage.DIRTY) && frames.count(page.frame()) == 1 && page.startWrite()) {
                    row.addIfUnmapped(page);
                }
            });
            row.write();
        } finally {
            cache.forEach(FileWrites::giveBack);
            lock.unlock();
        }
    }

    /** Neighbours that are written together. */
    private final class Row {
        private final CachedPage[] pages = new CachedPage[Staging.PAGES];
        private int count;
        private long taken;
        private FileException failure;

        void add(final CachedPage page) {
            if (page.is(CachedPage.WRITING)) {
                if (count == Staging.PAGES || count > 0 && pages[count - 1].filePage + 1 != page.filePage) {
                    write();
                }
                pages[count++] = page;
            }
        }

        void addIfUnmapped(final CachedPage page) {
            // After c3: see the class comment.
            if (frames.count(page.frame()) == 1) {
                taken++;
                add(page);
            } else {
                page.finishWrite(false);
            }
        }

        void write() {
            if (count == 0) {
                return;
            }
            boolean written = false;
            try {
                final ByteBuffer buffer = staging.take();
                try {
                    for (int i = 0; i < count; i++) {
                        Staging.copyIn(buffer, i, frames.nativeAddress(pages[i].frame()));
                    }
                    extent.write(pages[0].filePage, count, buffer);
                    written = true;
                } finally {
                    staging.give(buffer);
                }
            } catch (final IOException e) {
                if (failure == null) {
                    failure = new FileException("cannot write", file.path(), pages[0].filePage, e);
                }
            } finally {
                for (int i = 0; i < count; i++) {
                    pages[i].finishWrite(written);
                }
                count = 0;
            }
        }
    }
}
