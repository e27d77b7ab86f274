package org.vellum.space;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicLong;
import org.agrona.UnsafeApi;
import org.vellum.Stagger;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.SpinLock;
import org.vellum.cpu.Sweeper;
import org.vellum.epoch.Epochs;
import org.vellum.epoch.StallDetector;
import org.vellum.file.FileIo;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.FrameOptions;
import org.vellum.mem.Pages;
import org.vellum.mmu.SpaceEntry;
import org.vellum.mmu.SpaceTable;
import org.vellum.report.Listener;

/** A file of one page, and an entry that shows it and is dirty, for one state; the entries of all states are in one table. */
final class FileCell implements FileMapper, FileIo {
    static final Cpus CPUS = new Cpus(CpuOptions.forThisMachine().withCachedSlots(8));
    static final FrameAllocator FRAMES = new FrameAllocator(CPUS, FrameOptions.of(256 << 20));
    private static final Epochs EPOCHS = new Epochs(CPUS, new Sweeper(CPUS, Listener.SILENT),
        new StallDetector(CPUS, Listener.SILENT, Long.MAX_VALUE));
    private static final SpaceFiles FILES = new SpaceFiles(EPOCHS, FRAMES);
    private static final int LEAVES = 256;
    private static final int PAGES = LEAVES * SpaceTable.LEAF_PAGES;
    private static final SpaceTable TABLE = new SpaceTable(CPUS, FRAMES.memory(), PAGES, LEAVES);
    private static final AtomicLong NEXT = new AtomicLong();

    static {
        attachAll();
    }

    private final long page;
    private final long frame;
    private final SpaceFile file;
    /** What the file has. Plain: written by who syncs, read at the end. */
    private long content;
    private volatile long size;

    FileCell(final boolean flushes) {
        final long number = NEXT.getAndIncrement();
        page = number % LEAVES * SpaceTable.LEAF_PAGES + number / LEAVES % SpaceTable.LEAF_PAGES;
        try {
            file = FILES.open("cell", Pages.SIZE, this, this,
                flushes ? () -> EPOCHS.awaitPassed(EPOCHS.stamp(), Long.MAX_VALUE) : () -> { });
        } catch (final IOException e) {
            throw new AssertionError(e);
        }
        file.mapped(this, page, page + 1, 0, true);
        frame = file.frame(0, 0, true);
        final SpinLock lock = lock();
        TABLE.setIfNone(page, SpaceEntry.present(FRAMES.memory().nativeAddress(frame),
            SpaceEntry.READABLE | SpaceEntry.WRITABLE | SpaceEntry.ACCESSED | SpaceEntry.DIRTY));
        lock.unlock();
    }

    private static void attachAll() {
        final Cpu cpu = CPUS.enter();
        try {
            for (long leaf = 0; leaf < LEAVES; leaf++) {
                final long made = FRAMES.allocate(cpu, 0);
                UnsafeApi.setMemory(FRAMES.memory().nativeAddress(made), Pages.SIZE, (byte)0);
                final SpinLock lock = TABLE.lockOf(leaf << SpaceTable.LEAF_SHIFT);
                lock.acquireSurely();
                TABLE.attach(leaf << SpaceTable.LEAF_SHIFT, made);
                lock.unlock();
            }
        } finally {
            cpu.exit();
        }
    }

    private SpinLock lock() {
        final SpinLock lock = TABLE.lockOf(page);
        lock.acquireSurely();
        return lock;
    }

    /** w1 to w3 of FileWrites, with a while between w1 and w2; 0 if the page has gone. */
    int store(final long value, final Stagger between) {
        final Cpu cpu = CPUS.enter();
        try {
            long entry = TABLE.get(page);
            while (SpaceEntry.isPresent(entry)) {
                if (SpaceEntry.has(entry, SpaceEntry.DIRTY) || TABLE.mark(page, entry, SpaceEntry.DIRTY)) {
                    between.one();
                    UnsafeApi.putLongOpaque(null, SpaceEntry.nativePage(entry), value);
                    return 1;
                }
                entry = TABLE.get(page);
            }
            return 0;
        } finally {
            cpu.exit();
        }
    }

    void sync() {
        file.sync();
    }

    /** The entry goes, and says what it knows; its reference is given up when all is quiet. */
    void unmap() {
        final SpinLock lock = lock();
        final long old = TABLE.replaceNoFlush(page, SpaceEntry.NONE);
        if (SpaceEntry.has(old, SpaceEntry.DIRTY)) {
            file.dirtied(0);
        }
        lock.unlock();
    }

    /** When all is quiet: 1 if the page passes for clean, and the file has something else. */
    int lost() {
        final boolean clean = file.dirtyPages() == 0 && !SpaceEntry.has(TABLE.get(page), SpaceEntry.DIRTY);
        final int lost = clean && content != UnsafeApi.getLong(FRAMES.memory().nativeAddress(frame)) ? 1 : 0;
        unmap();
        file.unmapped(this, page, page + 1);
        file.giveBack(frame);
        file.close();
        return lost;
    }

    @Override
    public void cleanNoFlush(final SpaceFile of, final long startPage, final long pages, final long filePage) {
        FileCleaner.cleanNoFlush(TABLE, of, startPage, pages, filePage);
    }

    @Override
    public int read(final ByteBuffer target, final long position) {
        return -1;
    }

    @Override
    public int write(final ByteBuffer source, final long position) {
        content = source.order(ByteOrder.nativeOrder()).getLong(source.position());
        final int bytes = source.remaining();
        source.position(source.limit());
        size = Pages.SIZE;
        return bytes;
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public void force() {
        // There is no device.
    }

    @Override
    public void close() {
        // There is nothing to be closed.
    }
}
