package org.vellum.gather;

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
import org.vellum.frame.FrameTable;
import org.vellum.frame.PhysicalMemory;
import org.vellum.lock.HoldTimes;
import org.vellum.mmu.EntryWalk;
import org.vellum.mmu.HashedTable;
import org.vellum.mmu.HashedWalk;
import org.vellum.mmu.SpaceEntry;
import org.vellum.mmu.SpaceTable;
import org.vellum.report.Listener;

/** A small memory, one space's table, and gathers; epochs begin just below their wrap. */
final class GatherWorld {
    static final long ALLOWED = SpaceEntry.READABLE | SpaceEntry.WRITABLE | SpaceEntry.ACCESSED;

    final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(4).withFirstEpoch(0xFFFF_FF01L));
    final Epochs epochs = new Epochs(cpus, new Sweeper(cpus, Listener.SILENT),
        new StallDetector(cpus, Listener.SILENT, Long.MAX_VALUE));
    final FrameAllocator frames;
    final TableFrames tables;
    final Retirements retirements = new Retirements(epochs, Listener.SILENT);
    final Gathers gathers;
    /** Null unless translations are kept in a hash, too. */
    final HashedTable hash;
    final AddressBatches batches;
    final SpaceTable table;
    /** How walkers find entries. */
    final EntryWalk walk;
    final SpaceFlushes flushes = new SpaceFlushes();
    final SpaceUnmapper unmapper;

    GatherWorld(final int frameCount, final long pages) {
        this(frameCount, pages, 1L << 30, 64);
    }

    GatherWorld(final int frameCount, final long pages, final long mostLimboBytes, final long mostTables) {
        this(frameCount, pages, mostLimboBytes, mostTables, false);
    }

    GatherWorld(final int frameCount, final long pages, final long mostLimboBytes, final long mostTables, final boolean hashed) {
        frames = new FrameAllocator(cpus, new FrameOptions((long)frameCount << 12, Math.max(64 << 10, Integer.highestOneBit(frameCount) << 10)));
        tables = new TableFrames(epochs, frames, mostTables, Listener.SILENT);
        gathers = new Gathers(epochs, frames, tables, retirements, mostLimboBytes, Listener.SILENT);
        hash = hashed ? new HashedTable(64) : null;
        batches = hashed ? new AddressBatches(hash, 4) : null;
        table = new SpaceTable(cpus, frames.memory(), pages, 4, batches);
        walk = hashed ? new HashedWalk(table, hash) : table;
        unmapper = new SpaceUnmapper(gathers, table, new HoldTimes());
    }

    long allocate() {
        final Cpu cpu = cpus.enter();
        try {
            return frames.allocate(cpu, 0);
        } finally {
            cpu.exit();
        }
    }

    long frame() {
        final long frame = allocate();
        if (frame == PhysicalMemory.NO_FRAME) {
            throw new AssertionError("no frame");
        }
        return frame;
    }

    void free(final long frame) {
        final Cpu cpu = cpus.enter();
        try {
            frames.free(cpu, frame, 0);
        } finally {
            cpu.exit();
        }
    }

    /** Gives one of several references up. */
    void drop(final long frame) {
        final Cpu cpu = cpus.enter();
        try {
            frames.put(cpu, frame);
        } finally {
            cpu.exit();
        }
    }

    boolean isAllocated(final long frame) {
        return frames.table().state(frame) == FrameTable.ALLOCATED;
    }

    private void ensureLeaf(final long page) {
        if (!tryEnsureLeaf(page)) {
            // What other slots keep in their lists is free, too.
            gathers.poll();
            frames.drainIdle();
            if (!tryEnsureLeaf(page)) {
                throw new AssertionError("no frame for a table");
            }
        }
    }

    private boolean tryEnsureLeaf(final long page) {
        final Cpu cpu = cpus.enter();
        try {
            final long leaf = tables.allocate(cpu);
            if (leaf == PhysicalMemory.NO_FRAME) {
                return false;
            }
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
            return true;
        } finally {
            cpu.exit();
        }
    }

    /** Maps a frame of which the entry gets the reference; false if something is mapped there. */
    boolean map(final long page, final long frame) {
        return set(page, SpaceEntry.present(frames.memory().nativeAddress(frame), ALLOWED));
    }

    boolean set(final long page, final long state) {
        while (true) {
            final SpinLock lock = table.lockOf(page);
            lock.acquireSurely();
            try {
                if (table.hasLeafFor(page)) {
                    return table.setIfNone(page, state);
                }
            } finally {
                lock.unlock();
                look(page);
            }
            ensureLeaf(page);
        }
    }

    /** As an accessor would: with a hash it is entered there. */
    void look(final long page) {
        final Cpu cpu = cpus.enter();
        walk.get(page, SpaceEntry.PRESENT);
        cpu.exit();
    }

    /** Maps new frames, which get their page's number for content. */
    void mapNew(final long startPage, final long endPage) {
        for (long page = startPage; page < endPage; page++) {
            final long frame = frame();
            UnsafeApi.putLongOpaque(null, frames.memory().nativeAddress(frame), page);
            if (!map(page, frame)) {
                throw new AssertionError("mapped already, page=" + page);
            }
        }
    }

    MmuGather begin(final GatherMode mode) {
        return gathers.begin(flushes, mode);
    }

    void unmap(final GatherMode mode, final long startPage, final long endPage, final boolean freeTables) {
        try (MmuGather gather = begin(mode)) {
            unmapper.unmap(gather, startPage, endPage, freeTables);
        }
    }

    long flushed(final GatherEvent event) {
        return gathers.events(event);
    }

    /** Everything is free, by a walk of the frame table, and nothing is under way. */
    void requireNothingLeft() {
        gathers.settle();
        gathers.verify();
        table.verify(frames.table());
        if (hash != null) {
            hash.verify(table);
        }
        frames.verify();
        cpus.verifyQuiet();
        if (flushes.pending() != 0 || tables.live() != table.attachedLeaves()) {
            throw new AssertionError("pending=" + flushes.pending() + " tables=" + tables.live() + " attached=" + table.attachedLeaves());
        }
    }

    void requireFramesInUse(final long expected) {
        if (frames.allocatedFrames() != expected) {
            throw new AssertionError("allocated frames=" + frames.allocatedFrames() + " expected=" + expected);
        }
    }
}
