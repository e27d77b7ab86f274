package org.vellum.mmu;

import java.util.concurrent.atomic.AtomicLong;
import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.SpinLock;
import org.vellum.cpu.Sweeper;
import org.vellum.epoch.Epochs;
import org.vellum.epoch.StallDetector;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.FrameOptions;
import org.vellum.report.Listener;

/** One page of a space for one state at a time: with a leaf of its own, and a frame whose first word says what it is. */
final class TableCell {
    static final long ALLOWED = SpaceEntry.READABLE | SpaceEntry.WRITABLE | SpaceEntry.ACCESSED;
    static final long STORED_TO = ALLOWED | SpaceEntry.DIRTY;
    static final long OLD = 1;
    static final long NEW = 2;
    static final long STORED = 3;

    static final Cpus CPUS = new Cpus(CpuOptions.forThisMachine().withCachedSlots(8));
    private static final Epochs EPOCHS = new Epochs(CPUS, new Sweeper(CPUS, Listener.SILENT),
        new StallDetector(CPUS, Listener.SILENT, Long.MAX_VALUE));
    private static final FrameAllocator FRAMES = new FrameAllocator(CPUS, FrameOptions.of(192 << 20));
    /** As many cells as states may live at a time. */
    private static final int CELLS = 1 << 14;
    private static final SpaceTable TABLE = new SpaceTable(CPUS, FRAMES.memory(), (long)CELLS << SpaceTable.LEAF_SHIFT, 1024);
    private static final AtomicLong NEXT = new AtomicLong();
    private static final long[] LEAVES = frames();
    private static final long[] PAGES = frames();
    /** What a leaf that has become something else is full of: words that look like entries of this frame. */
    private static final long NEW_FRAME = newFrame();

    /** Thrown by reads that do not translate. */
    private static final IllegalStateException FAULT = new IllegalStateException("fault");
    private static final SpaceAccess READS = new SpaceAccess(TABLE, (page, write) -> {
        throw FAULT;
    }, CPUS);

    final SpaceTable table = TABLE;
    final long page;
    private final int cell;

    /** A page that is mapped and shows {@link #OLD}, or not mapped. */
    TableCell(final boolean mapped) {
        this(mapped ? ALLOWED : 0);
    }

    /** A page that shows {@link #OLD} with some bits; without, not mapped. */
    TableCell(final long bits) {
        cell = (int)(NEXT.getAndIncrement() % CELLS);
        page = (long)cell << SpaceTable.LEAF_SHIFT;
        final SpinLock lock = lock();
        table.replaceNoFlush(page, SpaceEntry.NONE);
        table.detachUnusedNoFlush(page);
        zeroLeaf();
        table.attach(page, LEAVES[cell]);
        put(OLD);
        if (bits != 0) {
            table.setIfNone(page, present(bits));
        }
        lock.unlock();
    }

    private static long[] frames() {
        final long[] frames = new long[CELLS];
        for (int i = 0; i < CELLS; i++) {
            frames[i] = newFrame();
        }
        return frames;
    }

    private static long newFrame() {
        final Cpu cpu = CPUS.enter();
        try {
            final long frame = FRAMES.allocate(cpu, 0);
            UnsafeApi.putLong(FRAMES.memory().nativeAddress(frame), NEW);
            return frame;
        } finally {
            cpu.exit();
        }
    }

    private void zeroLeaf() {
        UnsafeApi.putLongOpaque(null, FRAMES.memory().nativeAddress(LEAVES[cell]), 0);
    }

    SpinLock lock() {
        final SpinLock lock = table.lockOf(page);
        lock.acquireSurely();
        return lock;
    }

    long present(final long bits) {
        return SpaceEntry.present(FRAMES.memory().nativeAddress(PAGES[cell]), bits);
    }

    /** A state that tells two faults apart. */
    static long swapped(final long slot) {
        return SpaceEntry.swapped(slot);
    }

    void put(final long content) {
        UnsafeApi.putLongOpaque(null, FRAMES.memory().nativeAddress(PAGES[cell]), content);
    }

    /** Reads the page: what is in it, or 0 for a fault. */
    int read() {
        try {
            return (int)READS.getLong(page << 12);
        } catch (final IllegalStateException e) {
            return 0;
        }
    }

    /** The same without looking again. */
    int readOnce() {
        final long word = table.directoryWord(page);
        if (!SpaceTable.hasLeaf(word)) {
            return 0;
        }
        final long entry = UnsafeApi.getLongVolatile(null, SpaceTable.entryAddress(word, page));
        return SpaceEntry.has(entry, SpaceEntry.READ_CHECK) ? (int)UnsafeApi.getLong(SpaceEntry.nativePage(entry)) : 0;
    }

    /** Clears the entry; the frame is the next owner's at once, because no section is open. */
    void unmapAndReuse() {
        final SpinLock lock = lock();
        table.replaceNoFlush(page, SpaceEntry.NONE);
        lock.unlock();
        put(NEW);
    }

    /** Maps the same frame at the same page again, as it was. */
    void mapAgain() {
        put(OLD);
        final SpinLock lock = lock();
        table.setIfNone(page, present(ALLOWED));
        lock.unlock();
    }

    /** Clears the entry and takes the leaf away, which then is full of what looks like entries. */
    void detachAndReuse() {
        final SpinLock lock = lock();
        table.replaceNoFlush(page, SpaceEntry.NONE);
        table.detachUnusedNoFlush(page);
        lock.unlock();
        UnsafeApi.putLongOpaque(null, FRAMES.memory().nativeAddress(LEAVES[cell]),
            SpaceEntry.marked(SpaceEntry.present(FRAMES.memory().nativeAddress(NEW_FRAME), ALLOWED), 0));
    }

    /** Stores {@link #STORED}: 1, or 0 for a fault. */
    int store() {
        try {
            READS.putLong(page << 12, STORED);
            return 1;
        } catch (final IllegalStateException e) {
            return 0;
        }
    }

    /** The same by an address that was looked up before the section began. */
    int storeWhatWasFound() {
        final long entry = table.get(page);
        if (!SpaceEntry.has(entry, SpaceEntry.WRITE_CHECK)) {
            return 0;
        }
        final Cpu cpu = CPUS.enter();
        UnsafeApi.putLong(SpaceEntry.nativePage(entry), STORED);
        cpu.exit();
        return 1;
    }

    /** Clears the entry, and is the next owner when nobody can reach the frame any more. */
    void unmapFlushAndReuse() {
        final SpinLock lock = lock();
        table.replaceNoFlush(page, SpaceEntry.NONE);
        lock.unlock();
        EPOCHS.synchronize();
        put(NEW);
    }

    /** Takes W away, and reads what is in the page when nobody can store to it any more. */
    int protectAndFlush() {
        final SpinLock lock = lock();
        table.replaceNoFlush(page, present(STORED_TO & ~SpaceEntry.WRITABLE));
        lock.unlock();
        EPOCHS.synchronize();
        return content();
    }

    int content() {
        return (int)UnsafeApi.getLongOpaque(null, FRAMES.memory().nativeAddress(PAGES[cell]));
    }
}
