package org.vellum.kmap;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.vellum.file.FileIo;
import org.vellum.file.Staging;
import org.vellum.mem.Pages;

/**
 * One open file as a row of pages: those behind its end are zeros, and come into being when they are written.
 *
 * <p>It is never read or written at or beyond {@link #bytes}: of a last page that is not whole the rest is zero when it comes, and stores
 * there are lost.
 *
 * <p>How long the file has been known to be is remembered, so that one that somebody else has cut off shows: zeros there would be data
 * lost in silence. It is read <em>before</em> the file and raised <em>after</em> it was written; the other way round, a page beyond
 * the end would look cut off if another thread extended the file just then.
 */
final class HighFile {
    static final int OPEN = 0;
    static final int CLOSING = 1;
    static final int CLOSED = 2;

    final int number;
    final Path path;
    final Object key;
    final FileIo io;
    final long bytes;
    final long pages;
    /** One of the three above. No new content comes into the cache unless it is open, which is looked at under the directory's lock. */
    final AtomicInteger state = new AtomicInteger();
    /** Volatile: whether what belongs to a closed file has been let go; partner: the wait of whoever closes second. */
    volatile boolean released;

    private final AtomicLong extent;
    private final LostPages lost = new LostPages();
    private final LostPages.Sizes sizes = new LostPages.Sizes() {
        @Override
        public long known() {
            return extent.get();
        }

        @Override
        public long now() throws IOException {
            return io.size();
        }
    };

    HighFile(final int number, final Path path, final Object key, final FileIo io, final long bytes, final long size) {
        this.number = number;
        this.path = path;
        this.key = key;
        this.io = io;
        this.bytes = bytes;
        pages = Pages.of(bytes);
        extent = new AtomicLong(Math.min(size, bytes));
    }

    long frame(final long page) {
        return HighFrames.of(number, page);
    }

    boolean isOpen() {
        return state.get() == OPEN;
    }

    /** @return what to throw if somebody else has cut it off, and pages are lost by that, or null. For a file that is open, since it looks. */
    IOException cutOff() throws IOException {
        lost.look(sizes);
        return lost.loss();
    }

    /** Reads pages, of which some or all may lie beyond the end. */
    void read(final long page, final int count, final ByteBuffer buffer) throws IOException {
        final long position = page << Pages.SHIFT;
        final long known = extent.get();
        final int wanted = length(page, count);
        buffer.clear().limit(wanted);
        int got = 0;
        while (got < wanted) {
            final int more = io.read(buffer, position + got);
            if (more < 0) {
                break;
            }
            got += progress(more);
        }
        final boolean isCutOff = got < wanted && position + got < known;
        if (isCutOff) {
            lost.look(sizes);
        }
        // Afterwards: what was written behind a cut meanwhile has made this zero.
        lost.require(page, count);
        if (isCutOff) {
            // And was made longer by somebody else.
            throw LostPages.exception(position + got, known);
        }
        Staging.zero(buffer, got, count * Pages.SIZE);
    }

    void write(final long page, final int count, final ByteBuffer buffer) throws IOException {
        final long position = page << Pages.SHIFT;
        final int length = length(page, count);
        // Before the file is as long as it was.
        lost.look(sizes);
        buffer.clear().limit(length);
        int put = 0;
        while (put < length) {
            put += progress(io.write(buffer, position + put));
        }
        extent.accumulateAndGet(position + length, Math::max);
        lost.written(page, count);
    }

    private static int progress(final int moved) throws IOException {
        if (moved == 0) {
            throw new IOException("the file system moved no byte");
        }
        return moved;
    }

    private int length(final long page, final int count) {
        return (int)(Math.min(bytes, page + count << Pages.SHIFT) - (page << Pages.SHIFT));
    }

    @Override
    public String toString() {
        return path + " (file=" + number + ")";
    }
}
