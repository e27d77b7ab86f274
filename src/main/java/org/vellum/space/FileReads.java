package org.vellum.space;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.vellum.file.Staging;
import org.vellum.frame.PhysicalMemory;
import org.vellum.report.FileException;
import org.vellum.report.PageFaultException;
import org.vellum.report.WouldWaitException;

/**
 * Gives pages of a file to entries, and gets them into memory for that.
 *
 * <p>One thread reads a page, outside sections and locks; who wants it meanwhile waits for it, parked, and gets what it got, or why it got
 * nothing.
 *
 * <h2>A read against the end of the file</h2>
 * <pre>
 *   R (reads)                                   C (closes)
 *   r1: the page is in the cache, being read    c1: closed
 *   r2: closed? → out again                     c2: each page of the cache: wait if it is being read, end it
 * </pre>
 * All are volatile. If r2 does not see c1, then r1 comes before c2, and C finds the page. Only a fault whose region has ended meanwhile can be here at
 * that time: a file that is mapped is not closed.
 *
 * <p>Thread safety: any thread.
 */
final class FileReads {
    private final SpaceFile file;
    private final PageCache cache;
    private final BackingFrames frames;
    private final FileExtent extent;
    private final Staging staging;

    FileReads(final SpaceFile file, final PageCache cache, final BackingFrames frames, final FileExtent extent, final Staging staging) {
        this.file = file;
        this.cache = cache;
        this.frames = frames;
        this.extent = extent;
        this.staging = staging;
    }

    /**
     * A reference to the frame of a page.
     *
     * @param address for whoever touches what the file does not have, in bytes of the space.
     * @return the frame, or NO_FRAME if there is no memory to read it into.
     */
    long frame(final long filePage, final long address, final boolean mayWait) {
        if (filePage >= file.pages()) {
            throw new PageFaultException(address, "address=0x" + Long.toHexString(address) + " shows page=" + filePage + " of " + file
                + ", which has pages=" + file.pages());
        }
        while (true) {
            final CachedPage page = cache.get(filePage);
            if (page != null && page.tryGet(frames)) {
                return page.frame();
            }
            if (page != null && page.isOver()) {
                cache.remove(page);
                continue;
            }
            if (!mayWait) {
                throw new WouldWaitException("page=" + filePage + " of " + file + " is not in memory; readAhead, or advise WILLNEED,"
                    + " outside sections gets it there");
            }
            if (page != null) {
                await(page);
            } else {
                final CachedPage mine = claim(filePage, new PendingRead());
                if (mine != null) {
                    return readOne(mine, address);
                }
            }
        }
    }

    private void await(final CachedPage page) {
        final PendingRead reading = page.reading();
        // Null: it is over by now.
        final IOException failure = reading == null ? null : reading.await();
        if (failure != null) {
            throw new FileException("cannot read", file.path(), page.filePage, failure);
        }
    }

    /** r1: a page that the caller must read; null if there is one already. */
    private CachedPage claim(final long filePage, final PendingRead reading) {
        final CachedPage page = new CachedPage(filePage, reading);
        return cache.putIfAbsent(page) == null ? page : null;
    }

    private void giveUp(final CachedPage page) {
        page.failed();
        cache.remove(page);
    }

    private long readOne(final CachedPage page, final long address) {
        final PendingRead reading = page.reading();
        final CachedPage[] one = {page};
        final long[] frame = {PhysicalMemory.NO_FRAME};
        IOException failure = null;
        try {
            // r2.
            if (file.isClosed()) {
                throw new PageFaultException(address, "address=0x" + Long.toHexString(address) + " showed page=" + page.filePage + " of "
                    + file + ", which has been unmapped and closed since");
            }
            frame[0] = frames.allocate(file.id());
            if (frame[0] != PhysicalMemory.NO_FRAME) {
                read(one, frame, 1);
                // The caller's, before anybody can drop the cache's.
                frames.get(frame[0]);
                page.present(frame[0]);
            }
            return frame[0];
        } catch (final IOException e) {
            failure = e;
            throw new FileException("cannot read", file.path(), page.filePage, e);
        } finally {
            end(one, frame, 1, reading, failure);
        }
    }

    private void read(final CachedPage[] pages, final long[] numbers, final int count) throws IOException {
        final ByteBuffer buffer = staging.take();
        try {
            extent.read(pages[0].filePage, count, buffer);
            for (int i = 0; i < count; i++) {
                Staging.copyOut(buffer, i, frames.nativeAddress(numbers[i]));
            }
        } finally {
            staging.give(buffer);
        }
    }

    /** Gives up what is not present, and lets those go on who wait. */
    private void end(
        final CachedPage[] pages, final long[] numbers, final int count, final PendingRead reading, final IOException failure) {
        try {
            for (int i = 0; i < count; i++) {
                if (pages[i].is(CachedPage.READING)) {
                    giveUp(pages[i]);
                    if (numbers[i] != PhysicalMemory.NO_FRAME) {
                        frames.put(numbers[i]);
                    }
                }
            }
        } finally {
            reading.end(failure);
        }
    }

    /**
     * Gets pages into memory that are not there, neighbours by one system call, until there is no memory for another.
     *
     * @return how many it got.
     */
    long readAhead(final long fromPage, final long toPage) {
        long got = 0;
        for (long page = fromPage; page < toPage; ) {
            if (cache.get(page) != null) {
                page++;
                continue;
            }
            final Row row = new Row();
            page = row.claim(page, toPage);
            if (row.count > 0) {
                got += row.read();
            }
            if (row.outOfMemory) {
                break;
            }
        }
        return got;
    }

    /** Neighbours that are read together. */
    private final class Row {
        private final PendingRead reading = new PendingRead();
        private final CachedPage[] pages = new CachedPage[Staging.PAGES];
        private final long[] numbers = new long[Staging.PAGES];
        private int count;
        private boolean outOfMemory;

        /** Returns where to go on. */
        long claim(final long fromPage, final long toPage) {
            long page = fromPage;
            boolean claimed = false;
            try {
                while (page < toPage && count < Staging.PAGES && cache.get(page) == null && claimOne(page)) {
                    page++;
                }
                claimed = true;
                // One that somebody else has just claimed is passed over.
                return count == 0 && !outOfMemory ? page + 1 : page;
            } finally {
                if (!claimed) {
                    end(pages, numbers, count, reading, null);
                }
            }
        }

        private boolean claimOne(final long page) {
            final CachedPage mine = FileReads.this.claim(page, reading);
            if (mine == null) {
                return false;
            }
            pages[count] = mine;
            numbers[count] = PhysicalMemory.NO_FRAME;
            count++;
            // r2.
            file.requireOpen();
            numbers[count - 1] = frames.allocate(file.id());
            outOfMemory = numbers[count - 1] == PhysicalMemory.NO_FRAME;
            return !outOfMemory;
        }

        int read() {
            IOException failure = null;
            final int whole = outOfMemory ? count - 1 : count;
            try {
                if (whole > 0) {
                    FileReads.this.read(pages, numbers, whole);
                }
                for (int i = 0; i < whole; i++) {
                    pages[i].present(numbers[i]);
                }
                return whole;
            } catch (final IOException e) {
                failure = e;
                throw new FileException("cannot read", file.path(), pages[0].filePage, e);
            } finally {
                end(pages, numbers, count, reading, failure);
            }
        }
    }
}
