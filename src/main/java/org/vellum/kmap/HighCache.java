package org.vellum.kmap;

import java.io.IOException;
import java.nio.file.Path;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.StackReserve;
import org.vellum.file.FileIo;
import org.vellum.file.Staging;
import org.vellum.frame.FrameAllocator;

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
    private final CacheWaits waits = new CacheWaits();
    final WriteBack writeBack;
    final CacheMisses misses;
    final FileLifecycle lifecycle;
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
        final Staging staging = new Staging();
        final CacheSupply supply = new CacheSupply(cpus, allocator);
        writeBack = new WriteBack(directory, waits, staging, counts);
        misses = new CacheMisses(directory, supply, files, writeBack, waits, staging, counts);
        prefetch = new Prefetch(directory, misses, waits, counts);
        lifecycle = new FileLifecycle(cpus, directory, files, supply, writeBack, misses, waits, staging, counts);
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
        return new HighMemory(this, lifecycle.open(path, bytes));
    }

    /** {@link #open(Path, long)} of something that behaves as a file; closes it if it fails. */
    HighMemory open(final Path path, final long bytes, final FileIo io, final Object key) throws IOException {
        return new HighMemory(this, lifecycle.open(path, bytes, io, key));
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
        if (index != CacheHash.NONE) {
            return index;
        }
        final int brought = misses.pin(files.require(frame), frame, writable, deadlineNanos);
        counts.note(CacheEvent.MISS, 1);
        return brought;
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

    /** See {@link HighMemory#prefetch}; {@code wanted} is sorted, and each of them different. */
    int prefetch(final HighFile file, final long[] wanted) {
        cpus.mightSleep("prefetch");
        StackReserve.ensureOperation();
        final int present = prefetch.fetch(file, wanted);
        // Pages that are only kept for later must not be in the way of those that are wanted now.
        return present < wanted.length && misses.relieve() ? prefetch.fetch(file, wanted) : present;
    }

    /**
     * Has those who keep pins for later use, as the shared window does, give them up when frames are short.
     *
     * @param keeper called outside sections and locks.
     */
    void setKeeper(final Keeper keeper) {
        misses.setKeeper(keeper);
    }

    /** How many files are open. */
    int files() {
        return files.open();
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
