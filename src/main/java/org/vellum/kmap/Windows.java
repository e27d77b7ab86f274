package org.vellum.kmap;

import java.util.concurrent.locks.ReentrantLock;
import org.vellum.epoch.Epochs;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mmu.MappedAccess;
import org.vellum.mmu.PageTable;
import org.vellum.report.PageFaultException;

/**
 * Which frames are mapped by entries, and what there is for those once one is needed: a memory whose frames are all low pays nothing for
 * it.
 *
 * <p>Thread safety: all methods may be called by any thread.
 */
final class Windows {
    private final Epochs epochs;
    private final FrameAllocator frames;
    private final PhysicalMemory memory;
    private final MappedAccess access;
    private final KmapStack stack;
    private final KmapOptions options;
    private final long start;
    /** The least {@link HighFrames#fileBits} of a frame that is mapped by an entry: of any, or of a high one. */
    final long firstWithEntry;
    private final ReentrantLock opening = new ReentrantLock();
    private volatile Parts parts;
    private volatile boolean closed;

    /**
     * All of it, of one memory.
     *
     * @param table of local and shared maps.
     * @param shared the shared window.
     * @param backing what lies behind frames.
     * @param cache of high frames.
     */
    record Parts(PageTable table, KmapWindow shared, Backing backing, HighCache cache) {
    }

    /**
     * @param access is taught the window's addresses.
     * @param stack is told where local maps have their entries.
     * @param start where the addresses begin, behind all others.
     */
    Windows(
        final Epochs epochs, final FrameAllocator frames, final MappedAccess access, final KmapStack stack, final long start,
        final KmapOptions options) {
        this.epochs = epochs;
        this.frames = frames;
        this.access = access;
        this.stack = stack;
        this.start = start;
        this.options = options;
        memory = frames.memory();
        firstWithEntry = options.force() ? 0 : 1;
        if (options.force()) {
            open();
        }
    }

    boolean needsEntry(final long frame) {
        return HighFrames.fileBits(frame) >= firstWithEntry;
    }

    void requireLow(final long frame) {
        if (memory.frameAddressOrZero(frame) == 0) {
            throw Backing.noSuchFrame(frame);
        }
    }

    /** Null if nothing has needed it yet. */
    Parts parts() {
        return parts;
    }

    /** For a frame that needs an entry. */
    Parts require(final long frame) {
        final Parts there = parts;
        if (closed) {
            throw new IllegalStateException("the memory is closed");
        }
        if (there == null) {
            throw new IllegalArgumentException("no such frame, for no high memory is open: frame=" + frame);
        }
        return there;
    }

    /** The cache, to open high memory in. May wait for another thread that opens it. */
    HighCache openCache() {
        if (closed) {
            throw new IllegalStateException("the memory is closed");
        }
        return open().cache;
    }

    private Parts open() {
        opening.lock();
        try {
            if (parts == null) {
                final int shared = options.windowPages();
                final PageTable table = new PageTable(start, shared + KmapStack.pages(epochs.cpus()));
                table.extendTo(table.pages());
                table.onFault(Windows::fault);
                final HighCache cache = new HighCache(epochs.cpus(), frames, shared);
                final Backing backing = new Backing(memory, cache);
                final KmapWindow window = new KmapWindow(epochs, table, shared, backing);
                cache.setKeeper(new WindowKeeper(epochs, window, options.waitNanos()));
                stack.setTarget(new KmapStack.Target(table, shared, backing));
                access.setSecondWindow(table);
                parts = new Parts(table, window, backing, cache);
            }
            return parts;
        } finally {
            opening.unlock();
        }
    }

    private static RuntimeException fault(final long address, final boolean write) {
        return new PageFaultException(address, "page fault: nothing is mapped there by kmap" + (write ? " for stores" : "") + ", address=0x"
            + Long.toHexString(address));
    }

    /** From now on nothing is mapped by an entry, and no high memory opened. */
    void refuse() {
        closed = true;
    }

    /** Lets nothing translate any more. */
    void closeTable() {
        final Parts there = parts;
        if (there != null) {
            there.table.close((address, write) -> new PageFaultException(address,
                "page fault: the memory is closed, address=0x" + Long.toHexString(address)));
        }
    }
}
