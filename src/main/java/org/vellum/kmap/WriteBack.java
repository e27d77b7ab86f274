package org.vellum.kmap;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.vellum.file.Staging;

/**
 * Brings dirty cache frames to their files; see {@link CacheFrames} for why nothing is lost by it.
 *
 * <p>Outside sections and locks; blocks for as long as the device takes. Pages that are neighbours in the file go by one system call.
 * Nobody waits for another thread's write while it has claimed one itself, so there is no circle.
 */
final class WriteBack {
    /** In the sorted list of what there is to do: the page, then the index. */
    private static final int INDEX_BITS = 24;

    private final CacheDirectory directory;
    private final CacheFrames frames;
    private final CacheWaits waits;
    private final Staging staging;
    private final CacheCounts counts;

    WriteBack(final CacheDirectory directory, final CacheWaits waits, final Staging staging, final CacheCounts counts) {
        this.directory = directory;
        this.frames = directory.frames;
        this.waits = waits;
        this.staging = staging;
        this.counts = counts;
    }

    /**
     * Writes one frame that the caller has claimed by {@link CacheFrames#startWrite}, and ends that.
     *
     * @throws HighMemoryException if it could not be written: it is dirty again.
     */
    void write(final HighFile file, final int index) {
        write(file, index, null, 1);
    }

    /** A row of neighbours; the first by itself, so that one alone needs no array, which would be garbage of each miss. */
    private void write(final HighFile file, final int first, final int[] indexes, final int count) {
        final long frame = CacheWord.frame(frames.word(first));
        boolean written = false;
        try {
            final ByteBuffer buffer = staging.take();
            try {
                for (int i = 0; i < count; i++) {
                    Staging.copyIn(buffer, i, frames.nativePage(i == 0 ? first : indexes[i]));
                }
                file.write(HighFrames.page(frame), count, buffer);
                written = true;
            } finally {
                staging.give(buffer);
            }
        } catch (final IOException e) {
            throw new HighMemoryException("cannot write", file.path, frame, e);
        } finally {
            for (int i = 0; i < count; i++) {
                frames.finishWrite(i == 0 ? first : indexes[i], written);
            }
            note(count, written);
            waits.transferEnded();
        }
    }

    private void note(final int count, final boolean written) {
        if (!written) {
            counts.note(CacheEvent.FAILURE, 1);
            return;
        }
        counts.note(CacheEvent.WRITE_BACK, count);
        if (count > 1) {
            counts.note(CacheEvent.GATHERED_WRITE, 1);
        }
    }

    /**
     * Writes all pages of a file that are dirty when this is called; when it returns, those that others were writing are written, too. What
     * somebody may be storing to is written as it is, and stays dirty.
     *
     * @throws HighMemoryException the first failure: the others were tried all the same.
     */
    void writeAll(final HighFile file) {
        new Pass(file, dirty(file)).run();
    }

    /** One call: what it writes, how far it is, and what went wrong first. */
    private final class Pass {
        private final HighFile file;
        private final long[] items;
        private int at;
        private HighMemoryException failure;

        Pass(final HighFile file, final long[] items) {
            this.file = file;
            this.items = items;
        }

        void run() {
            while (at < items.length) {
                final int[] row = new int[Math.min(Staging.PAGES, items.length - at)];
                final int first = at;
                final int count = claimRow(row);
                if (count > 0) {
                    writeRow(first, row, count);
                } else {
                    // Clean by now, or gone; a page behind the first that is being written begins the next row.
                    at++;
                }
            }
            if (failure != null) {
                throw failure;
            }
        }

        /** Claims neighbours, up to the first that cannot be. */
        private int claimRow(final int[] row) {
            final long page = items[at] >>> INDEX_BITS;
            int count = 0;
            while (count < row.length && items[at] >>> INDEX_BITS == page + count && claim(file, items[at], count == 0)) {
                row[count++] = index(items[at++]);
            }
            return count;
        }

        /** If a row cannot be written at once, one by one: the good ones are, and the exception names the one that is not. */
        private void writeRow(final int first, final int[] row, final int count) {
            try {
                write(file, row[0], row, count);
            } catch (final HighMemoryException e) {
                if (count == 1) {
                    failure = failure == null ? e : failure;
                    return;
                }
                for (int i = 0; i < count; i++) {
                    if (claim(file, items[first + i], true)) {
                        writeRow(first + i, new int[] {row[i]}, 1);
                    }
                }
            }
        }
    }

    private static int index(final long item) {
        return (int)(item & (1 << INDEX_BITS) - 1);
    }

    private boolean claim(final HighFile file, final long item, final boolean mayWait) {
        final int index = index(item);
        final long frame = file.frame(item >>> INDEX_BITS);
        while (!frames.startWrite(index, frame)) {
            final long word = frames.word(index);
            if (CacheWord.frame(word) != frame || !CacheWord.is(word, CacheWord.DIRTY | CacheWord.WRITING)) {
                return false;
            }
            if (CacheWord.is(word, CacheWord.WRITING)) {
                if (!mayWait) {
                    return false;
                }
                // What it writes may lack the newest, and may fail: look again.
                counts.note(CacheEvent.WRITE_WAIT, 1);
                waits.awaitTransfer(() -> !isWriting(index, frame));
            }
        }
        if (CacheWord.is(frames.word(index), CacheWord.STORABLE)) {
            counts.note(CacheEvent.SNAPSHOT, 1);
        }
        return true;
    }

    private boolean isWriting(final int index, final long frame) {
        final long word = frames.word(index);
        return CacheWord.frame(word) == frame && CacheWord.is(word, CacheWord.WRITING);
    }

    /** What of a file is dirty or being written, in the order of its pages. */
    private long[] dirty(final HighFile file) {
        final long[] found = new long[directory.size()];
        int count = 0;
        for (int i = 0; i < found.length; i++) {
            final long word = frames.word(i);
            if (CacheDirectory.isOf(file, word) && CacheWord.is(word, CacheWord.DIRTY | CacheWord.WRITING)) {
                found[count++] = HighFrames.page(CacheWord.frame(word)) << INDEX_BITS | i;
            }
        }
        final long[] dirty = Arrays.copyOf(found, count);
        Arrays.sort(dirty);
        return dirty;
    }

    /**
     * After the device has refused to say that what was written is safe, or somebody has cut the file off: all that is still here of it is
     * to be written again.
     */
    void redirty(final HighFile file) {
        for (int i = 0, limit = directory.size(); i < limit; i++) {
            final long word = frames.word(i);
            if (CacheDirectory.isOf(file, word)) {
                frames.redirty(i, CacheWord.frame(word));
            }
        }
    }
}
