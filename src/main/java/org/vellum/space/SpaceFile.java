package org.vellum.space;

import java.io.IOException;
import org.vellum.cpu.StackReserve;
import org.vellum.file.FileIo;
import org.vellum.lock.SleepingLock;
import org.vellum.mem.Pages;
import org.vellum.report.FileException;

/**
 * A file whose pages address spaces show: each page is in memory once, whoever maps it, and gets there when it is first touched. Read and
 * written by position, never mapped by the operating system.
 *
 * <p>It has as many bytes as it was opened with: what the file on the device does not have of these is zero, and what lies beyond is a page fault. Of a
 * last page that is not whole the rest is zero when it comes, and what is stored there is not written. The file is only made longer, by what is
 * stored. Nobody else may shorten it meanwhile; it is noticed, and whatever is lost by it is an exception, not zeroes.
 *
 * <p>What is stored by a shared mapping reaches the file by {@link #sync} and {@link #close}, and when memory is short. Unmapping alone writes
 * nothing.
 *
 * <p>Thread safety: any thread. What may block says so, and is refused inside sections.
 */
public final class SpaceFile implements AutoCloseable {
    /** Most bytes of a file. */
    public static final long MAX_BYTES = 1L << 40;

    private final SpaceFiles files;
    private final String path;
    private final long id;
    private final long bytes;
    private final FileIo io;
    private final BackingFrames frames;
    private final FileExtent extent;
    private final PageCache cache;
    private final FileMappings mappings;
    private final FileReads reads;
    private final FileWrites writes;
    private final FileBacking backing = new FileBacking(this);
    /** Where the next drop begins to look. Plain: any value will do. */
    private int hand;
    /** c1 of {@link FileReads}. */
    private volatile boolean closed;

    SpaceFile(
        final SpaceFiles files, final String path, final long id, final FileIo io, final long bytes, final long size, final Runnable flush) {
        this.files = files;
        this.path = path;
        this.id = id;
        this.io = io;
        this.bytes = bytes;
        frames = files.frames;
        extent = new FileExtent(io, bytes, size);
        cache = new PageCache(Pages.of(bytes));
        mappings = new FileMappings(files.cpus, path);
        reads = new FileReads(this, cache, frames, extent, files.staging);
        writes = new FileWrites(this, cache, frames, extent, io, files.staging, flush);
    }

    /** @return the file's name when it was opened. */
    public String path() {
        return path;
    }

    /** @return how many bytes it was opened with. */
    public long bytes() {
        return bytes;
    }

    /** @return how many pages that is, the last one perhaps not whole. */
    public long pages() {
        return Pages.of(bytes);
    }

    boolean isOf(final SpaceFiles those) {
        return files == those;
    }

    /** What the mapper word of its frames says. */
    long id() {
        return id;
    }

    /** What regions that show it have for their pages: always the same, so that neighbours join. */
    FileBacking backing() {
        return backing;
    }

    /** Who maps it. */
    FileMappings mappings() {
        return mappings;
    }

    /** The kernel's i_mmap lock, for whoever takes all locks of a space. */
    SleepingLock mappingLock() {
        return mappings.lock();
    }

    boolean isClosed() {
        return closed;
    }

    /** @return how many of its pages are in memory, or just being read. Exact when quiet. */
    public long cachedPages() {
        return cache.count();
    }

    /** @return how many pages were stored to and are not written, as far as it shows without asking those who map it. */
    public long dirtyPages() {
        final long[] dirty = new long[1];
        cache.forEach(page -> dirty[0] += page.is(CachedPage.DIRTY | CachedPage.WRITING) ? 1 : 0);
        return dirty[0];
    }

    /** @return how often it is mapped, pieces counted one by one. May wait, outside sections. */
    public int mappingCount() {
        return mappings.count();
    }

    /**
     * Notes that pages of a space show it from now on. With the space lock exclusively, before a fault can find the region.
     *
     * @param shared whether stores go to the file.
     * @throws IllegalStateException if it is closed, or just being closed.
     */
    void mapped(final FileMapper space, final long startPage, final long endPage, final long filePage, final boolean shared) {
        if (!mappings.add(new FileMappings.Run(space, startPage, endPage, filePage, shared))) {
            throw new IllegalStateException("the file is closed: " + this);
        }
    }

    /** Notes that pages of a space do not show it any more: once their entries are cleared. */
    void unmapped(final FileMapper space, final long startPage, final long endPage) {
        mappings.remove(space, startPage, endPage);
    }

    /** A reference to the frame of a page: see {@link Backing#frame}. */
    long frame(final long filePage, final long address, final boolean mayWait) {
        return reads.frame(filePage, address, mayWait);
    }

    /** Takes back a reference that no entry has got. */
    void giveBack(final long frame) {
        frames.put(frame);
    }

    /**
     * An entry that showed a page had D, and has it no more. Under its page-table lock, while its reference is still there. Also for who has stored
     * by other means than an entry, and holds a reference.
     */
    void dirtied(final long filePage) {
        final CachedPage page = cache.get(filePage);
        final boolean set = page != null && page.set(CachedPage.DIRTY);
        assert set : "not in memory, though an entry shows it: page=" + filePage + " of " + this;
    }

    /** {@link #dirtied} by whoever has pinned a frame and knows no more of it: looks through all pages that are in memory. */
    void dirtiedFrame(final long frame) {
        cache.forEach(page -> {
            if (page.is(CachedPage.PRESENT) && page.frame() == frame) {
                page.set(CachedPage.DIRTY);
            }
        });
    }

    /** Whether a native page is the frame that has a page of this file: not so of copies that are private. */
    boolean isFrameOf(final long filePage, final long nativePage) {
        final CachedPage page = cache.get(filePage);
        return page != null && page.is(CachedPage.PRESENT) && frames.nativeAddress(page.frame()) == nativePage;
    }

    /**
     * Gets pages into memory that will be needed; stops when there is no memory for another. May block.
     *
     * @param filePage the first.
     * @param count how many, at least 0; what lies beyond the end is left out.
     * @return how many were not there, and are now.
     * @throws FileException if one could not be read: then the other pages of the same system call are not there either.
     * @throws IllegalArgumentException if a number is negative.
     * @throws IllegalStateException if it is closed, or inside a section.
     */
    public long readAhead(final long filePage, final long count) {
        files.cpus.mightSleep("readAhead");
        StackReserve.ensureOperation();
        if (filePage < 0 || count < 0) {
            throw new IllegalArgumentException("filePage=" + filePage + " count=" + count);
        }
        requireOpen();
        final long end = count > pages() - filePage ? pages() : filePage + count;
        return filePage >= end ? 0 : reads.readAhead(filePage, end);
    }

    /** r2 of {@link FileReads}, and for whoever uses it. */
    void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the file is closed: " + this);
        }
    }

    /**
     * Writes what was stored before the call by shared mappings, and forces it to the device. Waits for the device and for sections that are
     * open. An interrupt stays pending.
     *
     * @throws FileException if something could not be written: it stays dirty; or if somebody else has cut the file off: then all that is in
     *     memory has been written, and the rest is lost.
     * @throws IllegalStateException if it is closed, or inside a section.
     */
    public void sync() {
        files.cpus.mightSleep("sync");
        StackReserve.ensureOperation();
        writes.lock();
        try {
            requireOpen();
            final IOException cut = writes.writeAll();
            if (cut != null) {
                throw new FileException("cannot sync", path, FileException.NO_PAGE, cut);
            }
        } finally {
            writes.unlock();
        }
    }

    /**
     * Gives up pages that nobody shows: clean ones first; outside sections dirty ones, too, once they are written, which may block.
     *
     * @param most how many.
     * @return how many frames came free.
     */
    long drop(final long most) {
        long dropped = dropClean(most);
        if (dropped < most && !files.cpus.inSection() && !closed) {
            writes.writeUnmapped(most - dropped);
            dropped += dropClean(most - dropped);
        }
        return dropped;
    }

    private long dropClean(final long most) {
        final long[] dropped = new long[1];
        final int leaves = cache.leaves();
        final int from = hand % leaves;
        for (int i = 0; i < leaves && dropped[0] < most; i++) {
            final int leaf = (from + i) % leaves;
            hand = leaf + 1;
            cache.forEach(leaf, page -> {
                // What was cut off is only here.
                if (dropped[0] < most && !extent.isCut(page.filePage, 1) && page.tryDrop(frames)) {
                    cache.remove(page);
                    // d4.
                    frames.put(page.frame());
                    dropped[0]++;
                }
            });
        }
        return dropped[0];
    }

    /**
     * Writes what was stored, and closes the file. What is pinned stays in memory until it is unpinned, and what is stored there from now on
     * is lost. Waits for the device, for sections that are open, and for what was unmapped by threads that were interrupted. A second time does nothing, once the first is over.
     *
     * @throws IllegalStateException if it is mapped, or inside a section: nothing happens.
     * @throws FileException if something could not be written: it stays open, and dirty; or if somebody else has cut the file off: then all that was in
     *     memory has been written, and it is closed.
     */
    @Override
    public void close() {
        files.cpus.mightSleep("close");
        StackReserve.ensureOperations();
        // An unmap that has returned early, since its thread was interrupted, is not the caller's to know of.
        mappings.awaitUnmapped();
        writes.lock();
        try {
            if (!closed) {
                requireUnmapped();
                closeUnmapped();
            }
        } finally {
            writes.unlock();
        }
    }

    private void requireUnmapped() {
        final int mapped = mappings.close();
        if (mapped > 0) {
            throw new IllegalStateException("the file is mapped: mappings=" + mapped + " of " + this);
        }
    }

    private void closeUnmapped() {
        IOException toTell = null;
        boolean written = false;
        try {
            toTell = writes.writeAll();
            written = true;
        } finally {
            if (!written) {
                mappings.reopen();
            }
        }
        // c1.
        closed = true;
        cache.forEach(this::end);
        files.remove(this);
        try {
            io.close();
        } catch (final IOException e) {
            toTell = toTell == null ? e : toTell;
        }
        if (toTell != null) {
            throw new FileException("closed, but", path, FileException.NO_PAGE, toTell);
        }
    }

    /** c2. */
    private void end(final CachedPage page) {
        final PendingRead reading = page.reading();
        if (reading != null) {
            reading.await();
        }
        if (page.is(CachedPage.PRESENT)) {
            final boolean mine = page.end();
            cache.remove(page);
            if (mine) {
                frames.put(page.frame());
            }
        }
    }

    /**
     * Looks at a quiet file: each page is in a frame that is allocated, and says that it is this file's.
     *
     * @throws AssertionError naming the first thing that is wrong.
     */
    void verify() {
        final long[] counted = new long[1];
        cache.forEach(page -> {
            counted[0]++;
            final long frame = page.frame();
            if (!page.is(CachedPage.PRESENT) || page.is(CachedPage.WRITING) || !page.isUnused()) {
                throw new AssertionError("not quiet: " + page + " of " + this);
            }
            if (frames.count(frame) < 1 || frames.table().mapper(frame) != id) {
                throw new AssertionError("count=" + frames.count(frame) + " mapper=" + frames.table().mapper(frame) + " of " + page
                    + " of " + this);
            }
        });
        if (counted[0] != cache.count()) {
            throw new AssertionError("pages=" + counted[0] + " count=" + cache.count() + " of " + this);
        }
    }

    @Override
    public String toString() {
        return path + " (file=" + (id & Integer.MAX_VALUE) + ")";
    }
}
