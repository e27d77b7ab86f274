package org.vellum.space;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.vellum.file.FileIo;
import org.vellum.file.Staging;
import org.vellum.mem.Pages;

/**
 * Reads and writes pages of a file, and knows how long the file ought to be: pages behind its end are zeroes, but not those that somebody else has
 * cut off, which would be data lost in silence.
 *
 * <p>How long the file has been known to be is read <em>before</em> the file and raised <em>after</em> it was written; the other way round, a page
 * beyond the end would look cut off if another thread made the file longer just then. A cut is remembered, since whatever is written behind
 * it later makes the file as long as it was. Pages of it that are still in memory stay there, and are written again; when none was
 * missing, the cut is forgotten. (High memory remembers each page instead, because its cache must give pages up.)
 *
 * <p>Thread safety: any thread; may block for as long as the device takes. The lock is held for a call that tells the size of a file, never to
 * read or write one.
 */
final class FileExtent {
    private final FileIo io;
    private final long bytes;
    private final AtomicLong known;
    private final ReentrantLock lock = new ReentrantLock();
    /**
     * The first byte that is lost; {@link Long#MAX_VALUE} if none is. Volatile: set, under the lock, before anything is written behind the
     * cut; partner: the look after each read, which may have found zeroes for that.
     */
    private volatile long cutFrom = Long.MAX_VALUE;
    /** Exclusive. Volatile: written before cutFrom. */
    private volatile long cutTo;

    FileExtent(final FileIo io, final long bytes, final long size) {
        this.io = io;
        this.bytes = bytes;
        known = new AtomicLong(Math.min(size, bytes));
    }

    /** Reads pages, of which some or all may lie beyond the end; throws if one of them was cut off. */
    void read(final long page, final int count, final ByteBuffer buffer) throws IOException {
        final long position = page << Pages.SHIFT;
        final long before = known.get();
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
        final boolean isShort = got < wanted && position + got < before;
        if (isShort) {
            look();
        }
        // Afterwards: what was written behind a cut meanwhile has made this zero.
        if (isCut(page, count)) {
            throw cut();
        }
        if (isShort) {
            // And was made longer by somebody else.
            throw exception(position + got, before);
        }
        Staging.zero(buffer, got, count * Pages.SIZE);
    }

    /** Writes pages from the buffer's start. */
    void write(final long page, final int count, final ByteBuffer buffer) throws IOException {
        final long position = page << Pages.SHIFT;
        final int length = length(page, count);
        // Before the file is as long as it was.
        look();
        buffer.clear().limit(length);
        int put = 0;
        while (put < length) {
            put += progress(io.write(buffer, position + put));
        }
        known.accumulateAndGet(position + length, Math::max);
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

    /** Looks whether the file is shorter than it ought to be, and remembers that. */
    void look() throws IOException {
        if (known.get() <= io.size()) {
            return;
        }
        lock.lock();
        try {
            // Again: others may have seen it, too, and written since.
            final long should = known.get();
            final long is = io.size();
            if (is < should) {
                cutTo = Math.max(cutTo, should);
                cutFrom = Math.min(cutFrom, is);
            }
        } finally {
            lock.unlock();
        }
    }

    boolean isCut(final long page, final int count) {
        return page + count << Pages.SHIFT > cutFrom && page << Pages.SHIFT < cutTo;
    }

    /** @return what to throw, or null if nothing was cut off. */
    EOFException cut() {
        final long from = cutFrom;
        return from == Long.MAX_VALUE ? null : exception(from, cutTo);
    }

    /** The first page that was cut off, and is to be there again. */
    long firstCutPage() {
        return cutFrom >>> Pages.SHIFT;
    }

    /** The end of these, exclusive. */
    long endOfCut() {
        return Pages.of(cutTo);
    }

    /** All that was cut off is in the file again, unless it has been cut off anew, which the next look finds. */
    void forgetCut() {
        lock.lock();
        try {
            cutFrom = Long.MAX_VALUE;
            cutTo = 0;
        } finally {
            lock.unlock();
        }
    }

    private static EOFException exception(final long size, final long known) {
        return new EOFException("the file has been truncated by somebody else: size=" + size + " and it had " + known);
    }
}
