package org.vellum.kmap;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.ReentrantLock;
import org.vellum.file.FileIo;
import org.vellum.report.ExhaustedException;

/** The open files by number. Numbers go round, so that one is not soon used again for another file. */
final class HighFiles {
    /** Frame + 1 must fit 40 bits, which the last page of file 254 would not. */
    static final int MAX = 254;

    private final AtomicReferenceArray<HighFile> files = new AtomicReferenceArray<>(MAX);
    private final ReentrantLock lock = new ReentrantLock();
    private int next;
    private int open;

    HighFile add(final Path path, final Object key, final FileIo io, final long bytes, final long size) {
        lock.lock();
        try {
            requireNew(path, key);
            if (open == MAX) {
                throw new ExhaustedException(ExhaustedException.Resource.METADATA, "high memory: " + MAX + " files are open");
            }
            while (files.get(next) != null) {
                next = (next + 1) % MAX;
            }
            final HighFile file = new HighFile(next, path, key, io, bytes, size);
            files.set(next, file);
            next = (next + 1) % MAX;
            open++;
            return file;
        } finally {
            lock.unlock();
        }
    }

    /** Two caches of one file would overwrite each other. */
    private void requireNew(final Path path, final Object key) {
        for (int i = 0; i < MAX; i++) {
            final HighFile other = files.get(i);
            if (other != null && other.key.equals(key)) {
                throw new IllegalArgumentException("path=" + path + " is open as high memory already: " + other);
            }
        }
    }

    /** @return whether no file is open any more. */
    boolean remove(final HighFile file) {
        lock.lock();
        try {
            files.set(file.number, null);
            return --open == 0;
        } finally {
            lock.unlock();
        }
    }

    int open() {
        lock.lock();
        try {
            return open;
        } finally {
            lock.unlock();
        }
    }

    List<HighFile> all() {
        final List<HighFile> all = new ArrayList<>();
        for (int i = 0; i < MAX; i++) {
            final HighFile file = files.get(i);
            if (file != null) {
                all.add(file);
            }
        }
        return all;
    }

    /** The file that a cached frame belongs to. */
    HighFile of(final long frame) {
        return files.get(HighFrames.file(frame));
    }

    /**
     * The file that any number belongs to.
     *
     * @throws IllegalArgumentException if it is no high frame, or beyond the end of its file.
     * @throws IllegalStateException if its file is not open.
     */
    HighFile require(final long frame) {
        if (!HighFrames.isHigh(frame)) {
            throw new IllegalArgumentException("not a high frame: frame=" + frame);
        }
        final int number = HighFrames.file(frame);
        if (number < 0 || number >= MAX) {
            throw new IllegalArgumentException("there can be no such file: frame=" + frame + " file=" + number);
        }
        final HighFile file = files.get(number);
        if (file == null || file.state.get() == HighFile.CLOSED) {
            throw new IllegalStateException("the file is not open: frame=" + frame + " file=" + number);
        }
        if (HighFrames.page(frame) >= file.pages) {
            throw new IllegalArgumentException("page=" + HighFrames.page(frame) + " of " + file + ", which has pages=" + file.pages);
        }
        return file;
    }
}
