package org.vellum.space;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.locks.ReentrantLock;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.StackReserve;
import org.vellum.epoch.Epochs;
import org.vellum.file.ChannelIo;
import org.vellum.file.FileIo;
import org.vellum.file.Staging;
import org.vellum.frame.FrameAllocator;
import org.vellum.report.FileException;
import org.vellum.report.Listener;

/**
 * The files of one memory that address spaces may show. A file is open once: opened again, by whatever name, it is refused, since two caches
 * of one file would overwrite each other; whoever wants it has the {@link SpaceFile} that there is.
 *
 * <p>Thread safety: any thread.
 */
final class SpaceFiles {
    /** Tells files from spaces, in the mapper words of frames. */
    static final long FILE_BIT = 1L << 62;

    final Cpus cpus;
    final BackingFrames frames;
    final Staging staging = new Staging();

    private final Epochs epochs;
    private final ReentrantLock lock = new ReentrantLock();
    // Under the lock.
    private final Map<Object, SpaceFile> open = new HashMap<>();
    /** The same by their numbers, for who looks without the lock: inside sections, where nobody waits. */
    private final ConcurrentSkipListMap<Long, SpaceFile> byNumber = new ConcurrentSkipListMap<>();
    // Under the lock.
    private long made;

    SpaceFiles(final Epochs epochs, final FrameAllocator frames) {
        this.epochs = epochs;
        cpus = epochs.cpus();
        this.frames = new BackingFrames(cpus, frames);
    }

    /**
     * Opens a file, and makes it if it is not there. May block.
     *
     * @param path of a regular file, or of none.
     * @param bytes how much of it there is to be shown, 1 to {@link SpaceFile#MAX_BYTES}; it may have fewer, or more.
     * @throws IllegalArgumentException if the size is out of range, it is no regular file, or it is open already.
     * @throws FileException if it cannot be opened for reading and writing.
     * @throws IllegalStateException inside a section.
     */
    SpaceFile open(final Path path, final long bytes) {
        cpus.mightSleep("opening a file");
        StackReserve.ensureOperations();
        Objects.requireNonNull(path, "path");
        requireSize(bytes);
        // Before it is opened: to open a pipe would wait for its other end.
        if (Files.exists(path) && !Files.isRegularFile(path)) {
            throw new IllegalArgumentException("not a regular file: path=" + path);
        }
        try {
            final ChannelIo io = new ChannelIo(path);
            return open(path.toString(), bytes, io, io.key(), this::flush);
        } catch (final IOException e) {
            throw new FileException("cannot open", path.toString(), FileException.NO_PAGE, e);
        }
    }

    private static void requireSize(final long bytes) {
        if (bytes < 1 || bytes > SpaceFile.MAX_BYTES) {
            throw new IllegalArgumentException("not from 1 to " + SpaceFile.MAX_BYTES + ": bytes=" + bytes);
        }
    }

    private void flush() {
        epochs.awaitPassed(epochs.stamp(), Long.MAX_VALUE);
    }

    /** {@link #open(Path, long)} of something that behaves as a file. */
    SpaceFile open(final String path, final long bytes, final FileIo io) {
        try {
            return open(path, bytes, io, io, this::flush);
        } catch (final IOException e) {
            throw new FileException("cannot open", path, FileException.NO_PAGE, e);
        }
    }

    /** The same with a flush of its own; closes the file if it fails. */
    SpaceFile open(final String path, final long bytes, final FileIo io, final Object key, final Runnable flush) throws IOException {
        boolean opened = false;
        try {
            requireSize(bytes);
            final SpaceFile file = add(path, bytes, io, key, io.size(), flush);
            opened = true;
            return file;
        } finally {
            if (!opened) {
                io.close();
            }
        }
    }

    private SpaceFile add(
        final String path, final long bytes, final FileIo io, final Object key, final long size, final Runnable flush) {
        lock.lock();
        try {
            final SpaceFile other = open.get(key);
            if (other != null) {
                throw new IllegalArgumentException("path=" + path + " is open already: " + other);
            }
            made++;
            final SpaceFile file = new SpaceFile(this, path, FILE_BIT | made, io, bytes, size, flush);
            byNumber.put(file.id(), file);
            open.put(key, file);
            return file;
        } finally {
            lock.unlock();
        }
    }

    /** Somebody has stored to a frame by other means than an entry. Nothing if the mapper is no file, or none that is open. */
    void dirtied(final long mapper, final long frame) {
        final SpaceFile file = (mapper & FILE_BIT) == 0 ? null : byNumber.get(mapper);
        if (file != null) {
            file.dirtiedFrame(frame);
        }
    }

    void remove(final SpaceFile file) {
        lock.lock();
        try {
            byNumber.remove(file.id());
            open.values().remove(file);
            if (open.isEmpty()) {
                staging.drop();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Those that are open, the oldest first, more or less while some come and go. */
    List<SpaceFile> all() {
        return new ArrayList<>(byNumber.values());
    }

    /** {@link SpaceFile#drop} of one after the other. Returns how many frames came free. Waits outside sections only. */
    long drop(final long most) {
        long dropped = 0;
        for (final SpaceFile file : all()) {
            if (dropped < most) {
                dropped += file.drop(most - dropped);
            }
        }
        return dropped;
    }

    /** Closes what the user has left open, once nothing is mapped any more. */
    void closeAll(final Listener listener) {
        for (final SpaceFile file : all()) {
            try {
                file.close();
            } catch (final RuntimeException e) {
                listener.releaseFailed("file", file.id(), e);
            }
        }
    }

    /**
     * {@link SpaceFile#verify} of each.
     *
     * @throws AssertionError naming the first thing that is wrong.
     */
    void verify() {
        all().forEach(SpaceFile::verify);
    }
}
