package org.vellum.kmap;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.StackReserve;
import org.vellum.file.ChannelIo;
import org.vellum.file.FileIo;
import org.vellum.file.Staging;
import org.vellum.mem.Pages;
import org.vellum.report.Listener;

/**
 * Opens, forces and closes the files of a cache.
 *
 * <p>Outside sections and locks; blocks for as long as the device takes. While a file closes no new page of it comes in, but those that are there
 * can still be pinned: a hit looks at no file. So closing is done when, after all is written, the pages could be forgotten.
 */
final class FileLifecycle {
    private final Cpus cpus;
    private final CacheDirectory directory;
    private final HighFiles files;
    private final CacheSupply supply;
    private final WriteBack writeBack;
    private final CacheMisses misses;
    private final CacheWaits waits;
    private final Staging staging;
    private final CacheCounts counts;

    FileLifecycle(
        final Cpus cpus, final CacheDirectory directory, final HighFiles files, final CacheSupply supply, final WriteBack writeBack,
        final CacheMisses misses, final CacheWaits waits, final Staging staging, final CacheCounts counts) {
        this.cpus = cpus;
        this.directory = directory;
        this.files = files;
        this.supply = supply;
        this.writeBack = writeBack;
        this.misses = misses;
        this.waits = waits;
        this.staging = staging;
        this.counts = counts;
    }

    /** See {@link HighCache#open(Path, long)}. */
    HighFile open(final Path path, final long bytes) {
        cpus.mightSleep("openHigh");
        StackReserve.ensureOperation();
        Objects.requireNonNull(path, "path");
        requireSize(bytes);
        // Before it is opened: to open a pipe would wait for its other end.
        if (Files.exists(path) && !Files.isRegularFile(path)) {
            throw new IllegalArgumentException("not a regular file: path=" + path);
        }
        try {
            final ChannelIo io = new ChannelIo(path);
            return open(path, bytes, io, io.key());
        } catch (final IOException e) {
            throw new HighMemoryException("cannot open", path, e);
        }
    }

    private static void requireSize(final long bytes) {
        if (bytes < 1 || bytes > HighMemory.MAX_BYTES) {
            throw new IllegalArgumentException("not from 1 to " + HighMemory.MAX_BYTES + ": bytes=" + bytes);
        }
    }

    /** {@link #open(Path, long)} of something that behaves as a file; closes it if it fails. */
    HighFile open(final Path path, final long bytes, final FileIo io, final Object key) throws IOException {
        boolean opened = false;
        try {
            requireSize(bytes);
            final HighFile file = files.add(path, key, io, bytes, io.size());
            opened = true;
            return file;
        } finally {
            if (!opened) {
                io.close();
            }
        }
    }

    /** See {@link HighMemory#force}. */
    void force(final HighFile file) {
        cpus.mightSleep("force");
        StackReserve.ensureOperation();
        try {
            final IOException cutOff = cutOff(file);
            writeBack.writeAll(file);
            sync(file);
            if (cutOff != null) {
                throw cutOff;
            }
        } catch (final IOException e) {
            throw new HighMemoryException("cannot force", file.path, e);
        }
    }

    /** What there is to tell if somebody else has cut the file off; then all that is still here of it is to be written again. */
    private IOException cutOff(final HighFile file) throws IOException {
        final IOException cutOff = file.cutOff();
        if (cutOff != null) {
            writeBack.redirty(file);
        }
        return cutOff;
    }

    private void sync(final HighFile file) throws IOException {
        boolean safe = false;
        try {
            file.io.force();
            safe = true;
        } finally {
            if (!safe) {
                counts.note(CacheEvent.FAILURE, 1);
                writeBack.redirty(file);
            }
        }
    }

    /** See {@link HighMemory#close}. */
    void close(final HighFile file) {
        cpus.mightSleep("close");
        StackReserve.ensureOperation();
        if (file.state.get() == HighFile.CLOSED) {
            // Its number may be another file's by now.
            awaitRelease(file);
            return;
        }
        if (directory.countUsed(file) > 0) {
            misses.relieve();
        }
        requireUnused(file);
        while (!file.state.compareAndSet(HighFile.OPEN, HighFile.CLOSING)) {
            if (file.state.get() == HighFile.CLOSED) {
                awaitRelease(file);
                return;
            }
            waits.awaitTransfer(() -> file.state.get() != HighFile.CLOSING);
        }
        try {
            final IOException cutOff = writeAndForget(file);
            file.state.set(HighFile.CLOSED);
            try {
                release(file);
            } finally {
                file.released = true;
            }
            if (cutOff != null) {
                throw cutOff;
            }
        } catch (final IOException e) {
            throw new HighMemoryException("cannot close", file.path, e);
        } finally {
            // Whoever tries again finds it open; volatile, before the look for who waits.
            file.state.compareAndSet(HighFile.CLOSING, HighFile.OPEN);
            waits.transferEnded();
        }
    }

    /** As often as somebody who had a hit just before the end has stored something: a hit looks at no file. */
    private IOException writeAndForget(final HighFile file) throws IOException {
        final IOException cutOff = cutOff(file);
        do {
            requireUnused(file);
            writeBack.writeAll(file);
            sync(file);
        } while (directory.forget(file) > 0);
        return cutOff;
    }

    /** For whoever closes second. */
    private void awaitRelease(final HighFile file) {
        waits.awaitTransfer(() -> file.released);
    }

    private void requireUnused(final HighFile file) {
        final int used = directory.countUsed(file);
        if (used > 0) {
            throw new IllegalStateException("pages are mapped: count=" + used + " of " + file);
        }
    }

    private void release(final HighFile file) throws IOException {
        try {
            if (files.remove(file)) {
                supply.takeBack(directory);
                staging.drop();
            }
        } finally {
            file.io.close();
        }
    }

    /** Closes what the user has left open. Pages that are still mapped are written as they are now; what is stored to them later is lost. */
    void closeAll(final Listener listener) {
        for (final HighFile file : files.all()) {
            try {
                final int used = directory.countUsed(file);
                if (used > 0) {
                    listener.leakedAtClose("high memory", used, (long)used << Pages.SHIFT, used + " pages are mapped of " + file);
                    force(file);
                } else {
                    close(file);
                }
            } catch (final RuntimeException e) {
                // Also if somebody has mapped a page just before the end: nothing of that may keep the rest of the memory from closing.
                listener.releaseFailed("high memory", file.number, e);
            }
        }
    }
}
