package org.vellum.kmap;

import java.io.IOException;
import java.nio.file.Path;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.epoch.Epochs;
import org.vellum.file.FileIo;
import org.vellum.frame.FrameAllocator;
import org.vellum.mem.Pages;
import org.vellum.mmu.MappedAccess;
import org.vellum.report.Listener;

/**
 * The room's face: brings frames, low and high, into reach one page at a time. The protocols are in the package documentation.
 *
 * <p><b>Local maps</b> ({@link #kmapLocal}) are the calling thread's own: they nest, at most 16 deep, are undone in reverse order, and keep the
 * thread inside a section from the first map to the last unmap. <b>Shared maps</b> ({@link #kmap}) are counted, have one address for all users, may be
 * handed to other threads, and may wait for a slot of a bounded window. A low frame has its linear address in both cases.
 *
 * <p>Addresses are Vellum addresses: checked access takes them, {@link #nativeAddress} translates them. A map of a high frame that is not read-only
 * makes its page dirty at once; through one that is, checked stores fault.
 *
 * <p>Whoever maps a low frame owns it, or knows who does: frames are not counted here, and nobody can tell that one is freed while it is
 * mapped. Its owner has all maps of it undone first. The address of a map that outlives its frame leads to what the next owner has there, as a
 * linear address does; and in force mode, once {@code trim()} has given the bank back, to memory that is not there.
 *
 * <p>Thread safety: all methods may be called by any thread.
 */
public final class Kmap {
    /** Local maps that a thread can have open at a time. */
    public static final int MAX_DEPTH = KmapStack.MAX_DEPTH;
    /** What {@link #kmapIfMapped} returns if the frame is not mapped: no frame has this address. */
    public static final long NOT_MAPPED = KmapWindow.NOT_MAPPED;

    private final Windows windows;
    private final KmapStack stack;
    private final StackReport stackReport;
    private final LocalMaps local;
    private final SharedMaps shared;
    private final FrameCopies copies;
    private final MappedAccess access;
    private final Cpus cpus;

    /**
     * @param epochs flushes the window.
     * @param frames the low frames, and where cache frames come from.
     * @param access is taught the window's addresses.
     * @param windowStart where they begin, behind all others.
     * @param options as wanted.
     * @param listener hears of maps that were left open.
     */
    public Kmap(
        final Epochs epochs, final FrameAllocator frames, final MappedAccess access, final long windowStart,
        final KmapOptions options, final Listener listener) {
        this.access = access;
        cpus = epochs.cpus();
        stack = new KmapStack(cpus, listener);
        stackReport = new StackReport(cpus, stack);
        cpus.onForcedExit(stack::undoDead);
        windows = new Windows(epochs, frames, access, stack, windowStart, options);
        local = new LocalMaps(cpus, stack, windows, options);
        shared = new SharedMaps(epochs, frames.memory(), windows, options);
        copies = new FrameCopies(local, access);
    }

    /**
     * Opens a file as high memory.
     *
     * @param path of a regular file; made if it is not there.
     * @param bytes how much of it is high memory, whether or not it is that long: 1 to {@link HighMemory#MAX_BYTES}.
     * @return the memory, to be closed before this one.
     * @throws IllegalArgumentException if the size is out of range, the path is of something else, or the file is open already.
     * @throws HighMemoryException if it cannot be opened for reading and writing.
     * @throws IllegalStateException inside a section.
     */
    public HighMemory openHigh(final Path path, final long bytes) {
        cpus.mightSleep("openHigh");
        return windows.openCache().open(path, bytes);
    }

    /** {@link #openHigh(Path, long)} of something that behaves as a file; for tests. */
    HighMemory openHigh(final Path path, final long bytes, final FileIo io) throws IOException {
        return windows.openCache().open(path, bytes, io, io);
    }

    /**
     * Maps a frame for the calling thread, for loads and stores. A high frame that is not in the cache is read before the section begins;
     * inside one that cannot be.
     *
     * @param frame low, or of a {@link HighMemory}.
     * @return its address, owed a {@link #kunmapLocal(long)} by the same thread.
     * @throws IllegalArgumentException if there is no such frame.
     * @throws IllegalStateException if 16 maps are open already.
     * @throws org.vellum.report.WouldWaitException inside a section, also that of another local map, if the page is not in the cache.
     * @throws HighMemoryException if the file could not be read, or a page in the way not written.
     * @throws org.vellum.report.ExhaustedException if all cache frames are mapped, or no slot is free.
     */
    public long kmapLocal(final long frame) {
        return local.map(null, frame, true);
    }

    /**
     * {@link #kmapLocal(long)} with a guess at the slot.
     *
     * @param hint what {@code enter} returned to this thread, now or earlier, or null.
     * @param frame as there.
     * @return as there; throws as there.
     */
    public long kmapLocal(final Cpu hint, final long frame) {
        return local.map(hint, frame, true);
    }

    /**
     * {@link #kmapLocal(long)} for loads only: a high frame stays clean. What is a linear address stays writable.
     *
     * @param frame as there.
     * @return as there; throws as there.
     */
    public long kmapLocalReadOnly(final long frame) {
        return local.map(null, frame, false);
    }

    /**
     * {@link #kmapLocalReadOnly(long)} with a guess at the slot.
     *
     * @param hint as for {@link #kmapLocal(Cpu, long)}.
     * @param frame as there.
     * @return as there; throws as there.
     */
    public long kmapLocalReadOnly(final Cpu hint, final long frame) {
        return local.map(hint, frame, false);
    }

    /**
     * Undoes the calling thread's last local map. Never waits.
     *
     * @param address what the map returned.
     * @throws IllegalStateException if it is not the last one that is open, nor of this thread, or not mapped; nothing was changed.
     */
    public void kunmapLocal(final long address) {
        local.unmap(address);
    }

    /**
     * {@link #kunmapLocal(long)} with a guess at the slot.
     *
     * @param hint as for {@link #kmapLocal(Cpu, long)}.
     * @param address as there; throws as there.
     */
    public void kunmapLocal(final Cpu hint, final long address) {
        local.unmap(hint, address);
    }

    /**
     * Maps a frame for everybody, for loads and stores; waits as long as the options say.
     *
     * @param frame as for {@link #kmapLocal(long)}.
     * @return its address, the same for all users, owed a {@link #kunmap} by any thread.
     * @throws InterruptedException if interrupted while it waits.
     * @throws IllegalArgumentException if there is no such frame.
     * @throws IllegalStateException inside a section, whether or not it would have to wait.
     * @throws org.vellum.report.ExhaustedException if no slot became free in time; the text names the holders.
     * @throws HighMemoryException as for {@link #kmapLocal(long)}.
     */
    public long kmap(final long frame) throws InterruptedException {
        return shared.map(frame, true);
    }

    /**
     * {@link #kmap(long)} that waits for so long.
     *
     * @param frame as there.
     * @param timeoutNanos the most to wait for a slot or a cache frame, in nanoseconds, at least 0; the file may take longer.
     * @return as there; throws as there.
     * @throws InterruptedException as there.
     */
    public long kmap(final long frame, final long timeoutNanos) throws InterruptedException {
        if (timeoutNanos < 0) {
            throw new IllegalArgumentException("timeoutNanos=" + timeoutNanos);
        }
        return shared.map(frame, true, timeoutNanos);
    }

    /**
     * {@link #kmap(long)} for loads only, unless others map the frame for stores meanwhile: the address is the same.
     *
     * @param frame as there.
     * @return as there; throws as there.
     * @throws InterruptedException as there.
     */
    public long kmapReadOnly(final long frame) throws InterruptedException {
        return shared.map(frame, false);
    }

    /**
     * Maps a frame that is mapped already, for loads and stores. Never waits; allowed inside a section.
     *
     * @param frame as for {@link #kmapLocal(long)}.
     * @return as for {@link #kmap(long)}, or {@link #NOT_MAPPED} if it is not mapped, or only for loads. Never that if the caller holds a map
     *     for stores.
     * @throws IllegalArgumentException if there is no such frame.
     */
    public long kmapIfMapped(final long frame) {
        return shared.mapIfMapped(frame);
    }

    /**
     * Ends one use of a shared map. Never waits: the map stays, unused, until the window's next flush.
     *
     * @param address what {@link #kmap(long)} or its like returned.
     * @throws IllegalArgumentException if it is no such address.
     * @throws IllegalStateException if it is not mapped, or as often unmapped.
     */
    public void kunmap(final long address) {
        shared.unmap(address);
    }

    /**
     * Clears and flushes all slots of the shared window that nobody uses.
     *
     * @return how many slots became free meanwhile; 0 also if sections that are open held the flush up for too long.
     * @throws IllegalStateException inside a section.
     */
    public int flushUnused() {
        return shared.flushUnused();
    }

    /**
     * Clears all slots of the shared window that nobody uses, and leaves it to the caller to wait for a grace period. By the memory, between taking
     * banks out of reach and giving them back: in force mode such a slot may still name a frame whose owner has freed it.
     *
     * @throws IllegalStateException inside a section: it takes the window's lock.
     */
    public void forgetUnused() {
        shared.forgetUnused();
    }

    /**
     * Where an address leads: for one page, and as long as the map lasts. Unchecked access is the caller's risk.
     *
     * @param address of a map, or within its page.
     * @return the native address.
     * @throws org.vellum.report.PageFaultException if nothing is mapped there.
     */
    public long nativeAddress(final long address) {
        return access.readable(address);
    }

    /**
     * Sets a frame to zero.
     *
     * @param frame as for {@link #kmapLocal(long)}; throws as there.
     */
    public void zeroFrame(final long frame) {
        copies.zero(frame);
    }

    /**
     * Copies a frame, by two nested maps.
     *
     * @param from as for {@link #kmapLocalReadOnly(long)}; throws as there.
     * @param to as for {@link #kmapLocal(long)}; throws as there.
     */
    public void copyFrame(final long from, final long to) {
        copies.copy(from, to);
    }

    /**
     * Copies bytes into frames, one map after the other.
     *
     * @param to the frames, as if they lay side by side.
     * @param offset in them, in bytes.
     * @param source to copy from.
     * @param index in {@code source}, in bytes.
     * @param length in bytes.
     * @throws IndexOutOfBoundsException if the range exceeds the frames, or the buffer; nothing was copied. Otherwise throws as
     *                                   {@link #kmapLocal(long)}: then pages before that are copied.
     */
    public void copyIn(final long[] to, final long offset, final DirectBuffer source, final int index, final int length) {
        copies.in(to, offset, source, index, length);
    }

    /**
     * Copies bytes out of frames, one map after the other.
     *
     * @param from the frames, as if they lay side by side.
     * @param offset in them, in bytes.
     * @param target to copy to.
     * @param index in {@code target}, in bytes.
     * @param length in bytes.
     * @throws IndexOutOfBoundsException as {@link #copyIn}; otherwise throws as {@link #kmapLocalReadOnly(long)}.
     */
    public void copyOut(final long[] from, final long offset, final MutableDirectBuffer target, final int index, final int length) {
        copies.out(from, offset, target, index, length);
    }

    /** @return how often the shared window was flushed. */
    public long flushes() {
        final Windows.Parts there = windows.parts();
        return there == null ? 0 : there.shared().flush.count();
    }

    /** @return figures of all of it, now; costs a look at each slot. */
    public KmapStats stats() {
        return KmapStats.of(stackReport, windows.parts());
    }

    /** @return local maps that are open; exact when quiet. */
    public long localMaps() {
        return stackReport.open();
    }

    /** @return slots of the shared window that are in use. */
    public int sharedMaps() {
        final Windows.Parts there = windows.parts();
        return there == null ? 0 : there.shared().report.used();
    }

    /** Uses of shared maps that have an entry; for tests. */
    long sharedUsers() {
        final Windows.Parts there = windows.parts();
        return there == null ? 0 : there.shared().report.users();
    }

    /** Has something run in the middle of each local map and unmap; for tests. */
    void setHook(final Runnable action) {
        stack.setHook(action);
    }

    /** What happened in the cache of high memory, for tests; null as long as there is none. */
    CacheCounts cacheCounts() {
        final Windows.Parts there = windows.parts();
        return there == null ? null : there.cache().counts;
    }

    /**
     * Walks the structures of a quiet memory.
     *
     * @throws AssertionError naming the first thing that is wrong.
     */
    public void verify() {
        stackReport.verify();
        final Windows.Parts there = windows.parts();
        if (there != null) {
            there.shared().report.verify();
            there.cache().verify();
        }
    }

    /**
     * Tells of maps that are open, writes back and closes what high memory is open, and maps nothing by entries any more. By the memory, when
     * it is closed.
     *
     * @param listener hears of what is left.
     */
    public void close(final Listener listener) {
        leaked(listener, "local kmap", localMaps());
        leaked(listener, "kmap", sharedMaps());
        windows.refuse();
        shared.flushLast();
        final Windows.Parts there = windows.parts();
        if (there != null) {
            there.cache().lifecycle.closeAll(listener);
        }
    }

    /** Lets nothing translate any more: by the memory, when its sections have ended. */
    public void closeWindow() {
        windows.closeTable();
    }

    private static void leaked(final Listener listener, final String what, final long count) {
        if (count > 0) {
            listener.leakedAtClose(what, count, count << Pages.SHIFT, count + " pages are still mapped");
        }
    }
}
