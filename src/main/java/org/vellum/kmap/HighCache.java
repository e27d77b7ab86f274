package org.vellum.kmap;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.StackReserve;
import org.vellum.frame.FrameAllocator;
import org.vellum.mem.Pages;
import org.vellum.report.Listener;

/**
 * The content of high frames: a bounded number of frames of physical memory, each of which holds one page of a file, for everyone who maps
 * it.
 *
 * <p>A hit is one look-up and one compare-and-set ({@link CacheHash}, {@link CacheFrames}); everything else happens at misses
 * ({@link CacheMisses}), which need the disk anyway. A page stays as it is while it is pinned. An unpinned one keeps its content until the
 * clock ({@link CacheDirectory}) needs its frame, and if it is dirty it is written first.
 *
 * <p>No grace period lies between the last unpin and the reuse of a frame. The cache does not need one, because whoever maps a page unpins
 * it when no translation of it can be left: a local map is its thread's own and is cleared before the unpin, and the shared window unpins
 * after the flush that covers the cleared entry. Without a section, without the cache's lock: {@link #tryPin} and {@link #unpin} are for
 * use anywhere.
 */
final class HighCache {
    /** Most cache frames, so that an index fits beside a page number. */
    static final int MAX_CAPACITY = 1 << 20;

    final CacheDirectory directory;
    final CacheCounts counts = new CacheCounts();
    private final CacheFrames frames;
    private final CacheHash hash;
    private final Cpus cpus;
    final HighFiles files = new HighFiles();
    private final Staging staging = new Staging();
    private final CacheWaits waits = new CacheWaits();
    private final CacheSupply supply;
    final WriteBack writeBack;
    final CacheMisses misses;
    private final Prefetch prefetch;

    /**
     * Takes no memory yet but for its tables: some 150 bytes a frame.
     *
     * @param cpus the slots.
     * @param allocator where cache frames come from.
     * @param capacity how many cache frames there may be at most.
     */
    HighCache(final Cpus cpus, final FrameAllocator allocator, final int capacity) {
        if (capacity < 1 || capacity > MAX_CAPACITY) {
            throw new IllegalArgumentException("not from 1 to " + MAX_CAPACITY + ": capacity=" + capacity);
        }
        this.cpus = cpus;
        directory = new CacheDirectory(capacity, counts);
        frames = directory.frames;
        hash = directory.hash;
        supply = new CacheSupply(cpus, allocator);
        writeBack = new WriteBack(directory, waits, staging, counts);
        misses = new CacheMisses(directory, supply, files, writeBack, waits, staging, counts);
        prefetch = new Prefetch(directory, misses, waits, counts);
    }

    /**
     * Opens a file, and makes it if it is not there.
     *
     * @param path of a regular file that is not open as high memory.
     * @param bytes how much of it is high memory, whether or not it is that long: 1 to 2<sup>44</sup>.
     * @return the memory; the caller closes it.
     * @throws IllegalArgumentException if the size is out of range, the path is of something else, or the file is open already.
     * @throws HighMemoryException if it cannot be opened for reading and writing.
     * @throws IllegalStateException inside a section.
     */
    HighMemory open(final Path path, final long bytes) {
        cpus.mightSleep("openHigh");
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
    HighMemory open(final Path path, final long bytes, final FileIo io, final Object key) throws IOException {
        boolean opened = false;
        try {
            requireSize(bytes);
            final HighMemory memory = new HighMemory(this, files.add(path, key, io, bytes, io.size()));
            opened = true;
            return memory;
        } finally {
            if (!opened) {
                io.close();
            }
        }
    }

    /**
     * Pins a page that is in the cache. Never waits; allowed anywhere.
     *
     * @param frame a high frame; of any other number it is a miss.
     * @param writable whether the caller may store to it, which makes it dirty at once.
     * @return the index of its cache frame, or -1 if it is not there.
     */
    int tryPin(final long frame, final boolean writable) {
        final int index = hash.get(frame);
        return index != CacheHash.NONE && frames.tryPin(index, frame, writable) ? index : CacheHash.NONE;
    }

    /**
     * Pins a page, and reads it if it is not in the cache.
     *
     * @param frame a high frame.
     * @param writable whether the caller may store to it, which makes it dirty at once.
     * @param deadlineNanos by {@link System#nanoTime}: until when to wait for a frame, or for another thread that is reading the page. The
     *                      caller's own reads and writes take as long as they take.
     * @return the index of its cache frame.
     * @throws IllegalArgumentException if it is no high frame or beyond the end of its file.
     * @throws IllegalStateException inside a section, or if the file is closed.
     * @throws HighMemoryException if it could not be read, or there is no frame but dirty ones that could not be written.
     * @throws org.vellum.report.ExhaustedException if no frame was to be had in time, or memory has none.
     * @throws InterruptedException if interrupted while it waits for another thread. A hit, or a read of its own, does not mind.
     */
    int pin(final long frame, final boolean writable, final long deadlineNanos) throws InterruptedException {
        cpus.mightSleep("pin");
        StackReserve.ensureOperation();
        final int index = tryPin(frame, writable);
        return index != CacheHash.NONE ? index : misses.pin(files.require(frame), frame, writable, deadlineNanos);
    }

    /**
     * Where a pinned page is.
     *
     * @param index from a pin that the caller holds.
     * @return its native address.
     */
    long nativePage(final int index) {
        return frames.nativePage(index);
    }

    /**
     * @param index from a pin that the caller holds.
     * @return the high frame.
     */
    long frameOf(final int index) {
        return CacheWord.frame(frames.word(index));
    }

    /**
     * Drops a pin. Never waits; allowed anywhere, from any thread.
     *
     * @param index from the pin.
     * @throws IllegalStateException if the cache frame is not pinned.
     */
    void unpin(final int index) {
        if (frames.unpin(index)) {
            waits.frameFreed();
        }
    }

    /**
     * A use of a page has ended whose pin is kept: whoever waits for a frame may ask for it. Never waits; allowed anywhere.
     */
    void pinUnused() {
        waits.frameFreed();
    }

    /**
     * Checks that a frame can be pinned.
     *
     * @param frame any number; throws as {@link #pin}.
     */
    void require(final long frame) {
        files.require(frame);
    }

    /** See {@link HighMemory#prefetch}. */
    int prefetch(final HighFile file, final long[] wanted) {
        cpus.mightSleep("prefetch");
        StackReserve.ensureOperation();
        final int present = prefetch.fetch(file, wanted);
        // Pages that are only kept for later must not be in the way of those that are wanted now.
        return present < wanted.length && misses.relieve() ? prefetch.fetch(file, wanted) : present;
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
        if (directory.countUsed(file) > 0) {
            misses.relieve();
        }
        requireUnused(file);
        while (!file.state.compareAndSet(HighFile.OPEN, HighFile.CLOSING)) {
            if (file.state.get() == HighFile.CLOSED) {
                return;
            }
            waits.awaitTransfer(() -> file.state.get() != HighFile.CLOSING);
        }
        try {
            final IOException cutOff = writeAndForget(file);
            file.state.set(HighFile.CLOSED);
            release(file);
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

    private void requireUnused(final HighFile file) {
        final int used = directory.countUsed(file);
        if (used > 0) {
            throw new IllegalStateException("pages are mapped: count=" + used + " of " + file);
        }
    }

    private void release(final HighFile file) throws IOException {
        try {
            if (files.remove(file)) {
                supply.free(directory.takeAll());
                staging.drop();
            }
        } finally {
            file.io.close();
        }
    }

    /**
     * Has those who keep pins for later use, as the shared window does, give them up when frames are short.
     *
     * @param keeper called outside sections and locks.
     */
    void setKeeper(final Keeper keeper) {
        misses.setKeeper(keeper);
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
            } catch (final HighMemoryException e) {
                listener.releaseFailed("high memory", file.number, e);
            }
        }
    }

    /** Whether no file is open. */
    boolean isEmpty() {
        return files.isEmpty();
    }

    /** How many frames of physical memory it has now. */
    int size() {
        return directory.size();
    }

    /**
     * Walks a quiet cache.
     *
     * @throws AssertionError naming the first thing that is wrong.
     */
    void verify() {
        directory.verify();
    }
}
