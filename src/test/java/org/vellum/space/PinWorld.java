package org.vellum.space;

import java.util.BitSet;
import java.util.concurrent.atomic.LongAdder;
import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.SpinLock;
import org.vellum.cpu.Sweeper;
import org.vellum.epoch.Epochs;
import org.vellum.epoch.Retirements;
import org.vellum.epoch.StallDetector;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.FrameOptions;
import org.vellum.frame.PhysicalMemory;
import org.vellum.gather.GatherMode;
import org.vellum.gather.Gathers;
import org.vellum.gather.MmuGather;
import org.vellum.gather.SpaceFlushes;
import org.vellum.gather.SpaceUnmapper;
import org.vellum.gather.TableFrames;
import org.vellum.lock.HoldTimes;
import org.vellum.mem.Pages;
import org.vellum.mmu.SpaceEntry;
import org.vellum.mmu.SpaceFaults;
import org.vellum.mmu.SpaceTable;
import org.vellum.mmu.ZeroFrame;
import org.vellum.report.Listener;
import org.vellum.report.PageFaultException;

/** A space of one table without regions: a page that may be written gets a frame with its number in it, one that may be read zeroes. */
final class PinWorld implements SpaceFaults {
    static final long ALLOWED = SpaceEntry.READABLE | SpaceEntry.WRITABLE;

    final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(8).withFirstEpoch(0xFFFF_FF01L));
    final Epochs epochs = new Epochs(cpus, new Sweeper(cpus, Listener.SILENT),
        new StallDetector(cpus, Listener.SILENT, Long.MAX_VALUE));
    final FrameAllocator frames;
    final TableFrames tables;
    final Gathers gathers;
    final SpaceTable table;
    final SpaceFlushes flushes = new SpaceFlushes();
    final SpaceUnmapper unmapper;
    final ZeroFrame zeroes;
    final LongAdder pinned = new LongAdder();
    final UserPages userPages;
    /** Where faults are resolved. Set before other threads begin. */
    final BitSet readable = new BitSet();
    final BitSet writable = new BitSet();
    final StringBuilder told = new StringBuilder();
    volatile long faulted;

    PinWorld(final int frameCount, final long pages) {
        frames = new FrameAllocator(cpus,
            new FrameOptions((long)frameCount << Pages.SHIFT, Math.max(64 << 10, Integer.highestOneBit(frameCount) << 10)));
        tables = new TableFrames(epochs, frames, 64, Listener.SILENT);
        gathers = new Gathers(epochs, frames, tables, new Retirements(epochs, Listener.SILENT), 1L << 30, Listener.SILENT);
        table = new SpaceTable(cpus, frames.memory(), pages, 4);
        unmapper = new SpaceUnmapper(gathers, table, new HoldTimes());
        zeroes = new ZeroFrame(frames);
        userPages = new UserPages(cpus, frames, table, this,
            (mapper, frame) -> told.append(mapper).append(':').append(frame).append(' '), pinned);
    }

    @Override
    public void fault(final long page, final boolean write) {
        faulted++;
        if (!(write ? writable : readable).get((int)page)) {
            throw new PageFaultException(page << Pages.SHIFT, "page=" + page + " write=" + write);
        }
        if (write) {
            final long frame = newFrame(page);
            if (!install(page, present(frame, ALLOWED))) {
                put(frame);
            }
        } else {
            final Cpu cpu = cpus.enter();
            final long state = zeroes.state(cpu);
            cpu.exit();
            install(page, state);
        }
    }

    long present(final long frame, final long bits) {
        return SpaceEntry.present(frames.memory().nativeAddress(frame), bits);
    }

    long newFrame(final long content) {
        long frame = allocate();
        for (int i = 0; i < 100 && frame == PhysicalMemory.NO_FRAME; i++) {
            // What is in limbo, and in lists of other slots, is free, too.
            gathers.settle();
            frames.drainIdle();
            frame = allocate();
        }
        if (frame == PhysicalMemory.NO_FRAME) {
            throw new AssertionError("no frame");
        }
        UnsafeApi.putLongOpaque(null, frames.memory().nativeAddress(frame), content);
        return frame;
    }

    private long allocate() {
        final Cpu cpu = cpus.enter();
        try {
            return frames.allocate(cpu, 0);
        } finally {
            cpu.exit();
        }
    }

    long content(final long frame) {
        return UnsafeApi.getLongOpaque(null, frames.memory().nativeAddress(frame));
    }

    void put(final long frame) {
        final Cpu cpu = cpus.enter();
        frames.put(cpu, frame);
        cpu.exit();
    }

    /** Sets an entry where there is none, or none but zeroes; makes the leaf if need be. */
    boolean install(final long page, final long state) {
        while (true) {
            final SpinLock lock = table.lockOf(page);
            lock.acquireSurely();
            try {
                if (table.hasLeafFor(page)) {
                    if (SpaceEntry.has(table.get(page), SpaceEntry.ZERO) && (state & SpaceEntry.ZERO) == 0) {
                        table.replaceNoFlush(page, state);
                        return true;
                    }
                    return table.setIfNone(page, state);
                }
            } finally {
                lock.unlock();
            }
            attach(page);
        }
    }

    private void attach(final long page) {
        final Cpu cpu = cpus.enter();
        final long leaf = tables.allocate(cpu);
        if (leaf != PhysicalMemory.NO_FRAME) {
            final SpinLock lock = table.lockOf(page);
            lock.acquireSurely();
            final boolean had = table.hasLeafFor(page);
            if (!had) {
                table.attach(page, leaf);
            }
            lock.unlock();
            if (had) {
                tables.free(cpu, leaf);
            }
        }
        cpu.exit();
        if (leaf == PhysicalMemory.NO_FRAME) {
            gathers.settle();
        }
    }

    /** Changes the permissions of a page; what it was. */
    long replace(final long page, final long state) {
        final SpinLock lock = table.lockOf(page);
        lock.acquireSurely();
        try {
            return table.replaceNoFlush(page, state);
        } finally {
            lock.unlock();
        }
    }

    void mapNew(final long startPage, final long endPage) {
        for (long page = startPage; page < endPage; page++) {
            readable.set((int)page);
            writable.set((int)page);
            fault(page, true);
        }
    }

    long frameAt(final long page) {
        return frames.memory().frameOf(SpaceEntry.nativePage(table.get(page)));
    }

    int count(final long frame) {
        return frames.table().count(frame);
    }

    void unmap(final GatherMode mode, final long startPage, final long endPage) {
        try (MmuGather gather = gathers.begin(flushes, mode)) {
            unmapper.unmap(gather, startPage, endPage, true);
        }
    }

    /** Nothing mapped, pinned or on its way, by a walk of the frame table. */
    void requireNothingLeft() {
        unmap(GatherMode.WAIT, 0, table.pages());
        gathers.settle();
        gathers.verify();
        final Cpu cpu = cpus.enter();
        zeroes.release(cpu);
        cpu.exit();
        if (frames.allocatedFrames() != 0 || userPages.outstanding() != 0 || pinned.sum() != 0 || table.attachedLeaves() != 0) {
            throw new AssertionError("frames=" + frames.allocatedFrames() + " pins=" + userPages.outstanding() + " of all=" + pinned.sum()
                + " leaves=" + table.attachedLeaves());
        }
        frames.verify();
        cpus.verifyQuiet();
    }
}
