package org.vellum.kmap;

import java.nio.file.Path;
import java.util.Arrays;
import org.vellum.mem.Pages;

/**
 * Memory that lies in a file, larger than what is mapped, and than physical memory: its pages are high frames, which {@code kmapLocal} and
 * {@code kmap} bring into reach one by one. All maps of a page show the same bytes.
 *
 * <p>The file may be shorter: what lies beyond its end is zero, and the file grows, with holes, as pages are written back: when their
 * frame is needed for another page, at {@link #force}, at {@link #close}. Between those, the file lags behind; whoever reads it otherwise
 * sees old content. Nobody else may write to it or cut it off.
 *
 * <p>The last page of a file whose size is no multiple of 4,096 reads as zero behind the end, and stores there are lost.
 *
 * <p>Thread safety: any thread. What may use the file blocks, and is refused inside a section. An interrupt does not harm the file: it
 * stays pending.
 */
public final class HighMemory implements AutoCloseable {
    /** The largest, in bytes: 2<sup>32</sup> pages. */
    public static final long MAX_BYTES = 1L << 32 + Pages.SHIFT;

    private final HighCache cache;
    private final HighFile file;

    HighMemory(final HighCache cache, final HighFile file) {
        this.cache = cache;
        this.file = file;
    }

    /**
     * The frame of a page, to be mapped. It means this page until the memory is closed; later perhaps one of another file.
     *
     * @param page from 0, below {@link #frames}.
     * @return the high frame. Neighbouring pages have neighbouring frames.
     * @throws IllegalArgumentException if there is no such page.
     */
    public long frame(final long page) {
        if (page < 0 || page >= file.pages) {
            throw new IllegalArgumentException("page=" + page + " of " + file + ", which has pages=" + file.pages);
        }
        return file.frame(page);
    }

    /** @return how many pages it has. */
    public long frames() {
        return file.pages;
    }

    /** @return how many bytes it has. */
    public long bytes() {
        return file.bytes;
    }

    /** @return the file. */
    public Path path() {
        return file.path;
    }

    /**
     * Reads pages that will be needed into the cache, those in a row by one system call, so that nested maps find them: those must not
     * wait. They stay until their cache frames are needed for other pages. What finds no cache frame, since all are mapped, is left out.
     *
     * @param frames of this memory, in any order.
     * @return how many of them are in the cache now, each counted once.
     * @throws IllegalArgumentException if one is of something else; nothing was read.
     * @throws IllegalStateException inside a section, or after {@link #close}.
     * @throws HighMemoryException if a page could not be read: the exception names it; those before it are there.
     * @throws org.vellum.report.ExhaustedException if no slot is free, or there is no direct memory for a buffer, as at {@link #force} and
     *     {@link #close}.
     */
    public int prefetch(final long... frames) {
        requireOpen();
        final long[] wanted = Arrays.stream(frames).sorted().distinct().toArray();
        for (final long frame : wanted) {
            if (HighFrames.file(frame) != file.number || HighFrames.page(frame) >= file.pages) {
                throw new IllegalArgumentException("frame=" + frame + " is not of " + file);
            }
        }
        return cache.prefetch(file, wanted);
    }

    /**
     * Writes all pages back that were changed before, and returns when the device has them. Pages that are mapped writable are written,
     * too, as they are now; they are written again later.
     *
     * @throws IllegalStateException inside a section, or after {@link #close}.
     * @throws HighMemoryException if a page could not be written: the first one; the others were tried. Or if somebody else has cut the
     *     file off, so that pages are lost; all that the cache still has are written all the same, and the others cannot be read until the
     *     file is opened anew. Nothing that is in the cache is lost, and the call may be repeated.
     */
    public void force() {
        requireOpen();
        cache.lifecycle.force(file);
    }

    private void requireOpen() {
        if (file.state.get() == HighFile.CLOSED) {
            throw new IllegalStateException("closed: " + file);
        }
    }

    /**
     * Forces, forgets the pages, and closes the file; does nothing if that has happened already. With the last file, the cache gives its
     * frames back.
     *
     * @throws IllegalStateException inside a section, or if pages are mapped: the text says how many. It stays open.
     * @throws HighMemoryException as {@link #force}; then it stays open, but for a file that was cut off: that is told, and closed.
     */
    @Override
    public void close() {
        cache.lifecycle.close(file);
    }

    @Override
    public String toString() {
        return "HighMemory[" + file + " bytes=" + file.bytes + "]";
    }
}
