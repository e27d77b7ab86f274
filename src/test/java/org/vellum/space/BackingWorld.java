package org.vellum.space;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongUnaryOperator;
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
import org.vellum.gather.TableFrames;
import org.vellum.lock.LockRank;
import org.vellum.lock.SleepingLock;
import org.vellum.mem.Pages;
import org.vellum.mmu.SpaceEntry;
import org.vellum.mmu.SpaceTable;
import org.vellum.report.ExhaustedException;
import org.vellum.report.Listener;
import org.vellum.report.PageFaultException;

/** A small memory with files, and as little of address spaces as it takes to have pages shown: f1 to u3 of the package documentation. */
final class BackingWorld {
    final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(4).withFirstEpoch(0xFFFF_FF01L));
    final Epochs epochs = new Epochs(cpus, new Sweeper(cpus, Listener.SILENT),
        new StallDetector(cpus, Listener.SILENT, Long.MAX_VALUE));
    final FrameAllocator frames;
    final TableFrames tables;
    final Gathers gathers;
    final SpaceFiles files;
    private final AtomicLong spaces = new AtomicLong();

    BackingWorld(final int frameCount) {
        frames = new FrameAllocator(cpus, new FrameOptions((long)frameCount << 12, Math.max(64 << 10, Integer.highestOneBit(frameCount) << 10)));
        tables = new TableFrames(epochs, frames, 64, Listener.SILENT);
        gathers = new Gathers(epochs, frames, tables, new Retirements(epochs, Listener.SILENT), 1L << 30, Listener.SILENT);
        files = new SpaceFiles(epochs, frames);
    }

    /** A block of the test's own. */
    long allocate(final int order) {
        final Cpu cpu = cpus.enter();
        try {
            final long frame = frames.allocate(cpu, order);
            if (frame == PhysicalMemory.NO_FRAME) {
                throw new AssertionError("no frame");
            }
            return frame;
        } finally {
            cpu.exit();
        }
    }

    void free(final long frame, final int order) {
        final Cpu cpu = cpus.enter();
        try {
            frames.free(cpu, frame, order);
        } finally {
            cpu.exit();
        }
    }

    void put(final long frame) {
        final Cpu cpu = cpus.enter();
        try {
            frames.put(cpu, frame);
        } finally {
            cpu.exit();
        }
    }

    /** The page-table lock of a page, taken. */
    SpinLock lockOf(final SpaceTable table, final long page) {
        final SpinLock leaf = table.lockOf(page);
        leaf.acquireSurely();
        return leaf;
    }

    long word(final long frame) {
        return UnsafeApi.getLong(frames.memory().nativeAddress(frame));
    }

    /** Everything is whole, and exactly so many frames are in use, by a walk of the frame table. */
    void requireQuiet(final long allocated) {
        gathers.settle();
        gathers.verify();
        files.verify();
        frames.verify();
        cpus.verifyQuiet();
        if (frames.allocatedFrames() != allocated) {
            throw new AssertionError("allocated frames=" + frames.allocatedFrames() + " expected=" + allocated);
        }
    }

    /** An address space of few words. */
    final class Space implements FileMapper {
        final SpaceTable table;
        final RegionIndex index;
        final long id = spaces.incrementAndGet();
        private final SleepingLock lock = new SleepingLock(cpus, LockRank.SPACE, "test");
        private final SpaceFlushes flushes = new SpaceFlushes();

        Space(final long pages) {
            table = new SpaceTable(cpus, frames.memory(), pages, 4);
            index = new RegionIndex(lock, pages);
        }

        Region map(final long startPage, final long endPage, final int flags, final Backing backing, final long filePage) {
            lock.lockExclusive();
            try {
                if (backing instanceof FileBacking of) {
                    of.file().mapped(this, startPage, endPage, filePage, (flags & Region.SHARED) != 0);
                }
                return index.insert(new Region(startPage, endPage, flags, backing, filePage));
            } finally {
                lock.unlockExclusive();
            }
        }

        Region mapShared(final long startPage, final long endPage, final SpaceFile file, final long filePage) {
            return map(startPage, endPage, Region.READ | Region.WRITE | Region.SHARED, file.backing(), filePage);
        }

        /** False if another fault was faster, or the region has gone. */
        boolean fault(final long page, final boolean write) {
            final Region region = index.find(page);
            if (region == null || write && !region.has(Region.WRITE)) {
                throw new PageFaultException(page << Pages.SHIFT, "no region, page=" + page);
            }
            final Backing backing = region.backing();
            final long frame = backing.frame(region, page, write, !cpus.inSection());
            if (frame == PhysicalMemory.NO_FRAME) {
                throw new ExhaustedException(ExhaustedException.Resource.FRAMES, "page=" + page);
            }
            boolean installed = false;
            try {
                installed = install(region, page, frame);
            } finally {
                if (!installed) {
                    backing.giveBack(region, page, frame);
                }
            }
            return installed;
        }

        private boolean install(final Region region, final long page, final long frame) {
            ensureLeaf(region, page);
            final boolean mayStore = region.has(Region.WRITE) && (region.has(Region.SHARED) || !region.backing().isCopiedOnWrite());
            final long state = SpaceEntry.present(frames.memory().nativeAddress(frame), SpaceEntry.READABLE
                | (mayStore ? SpaceEntry.WRITABLE : 0) | (region.backing().isCounted() ? 0 : SpaceEntry.SPECIAL));
            final SpinLock leaf = table.lockOf(page);
            leaf.acquireSurely();
            try {
                return region.isCurrent() && table.setIfNone(page, state);
            } finally {
                leaf.unlock();
            }
        }

        private void ensureLeaf(final Region region, final long page) {
            while (!table.hasLeafFor(page) && region.isCurrent()) {
                final Cpu cpu = cpus.enter();
                try {
                    final long made = tables.allocate(cpu);
                    if (made == PhysicalMemory.NO_FRAME) {
                        throw new ExhaustedException(ExhaustedException.Resource.FRAMES, "no table");
                    }
                    final SpinLock leaf = table.lockOf(page);
                    leaf.acquireSurely();
                    final boolean had = table.hasLeafFor(page) || !region.isCurrent();
                    if (!had) {
                        table.attach(page, made);
                    }
                    leaf.unlock();
                    if (had) {
                        tables.free(cpu, made);
                    }
                } finally {
                    cpu.exit();
                }
            }
        }

        void store(final long page, final int offset, final long value) {
            access(page, true, nativePage -> {
                UnsafeApi.putLongRelease(null, nativePage + offset, value);
                return 0;
            });
        }

        long load(final long page, final int offset) {
            return access(page, false, nativePage -> UnsafeApi.getLongAcquire(null, nativePage + offset));
        }

        /** In a section, with the marks set: w1 to w3 of FileWrites. */
        long access(final long page, final boolean write, final LongUnaryOperator what) {
            final long marks = SpaceEntry.ACCESSED | (write ? SpaceEntry.DIRTY : 0);
            while (true) {
                final Cpu cpu = cpus.enter();
                try {
                    long entry = table.get(page);
                    while (SpaceEntry.isPresent(entry) && SpaceEntry.has(entry, write ? SpaceEntry.WRITABLE : SpaceEntry.READABLE)) {
                        if (SpaceEntry.has(entry, marks) || table.mark(page, entry, marks)) {
                            return what.applyAsLong(SpaceEntry.nativePage(entry));
                        }
                        entry = table.get(page);
                    }
                } finally {
                    cpu.exit();
                }
                fault(page, write);
            }
        }

        void unmap(final long startPage, final long endPage, final GatherMode mode) {
            final List<Region> gone = new ArrayList<>();
            lock.lockExclusive();
            try {
                index.remove(startPage, endPage, gone::add);
            } finally {
                lock.unlockExclusive();
            }
            try (MmuGather gather = gathers.begin(flushes, mode)) {
                for (final Region region : gone) {
                    for (long page = region.startPage(); page < region.endPage(); page++) {
                        clear(gather, region, page);
                    }
                }
            }
            for (final Region region : gone) {
                if (region.backing() instanceof FileBacking of) {
                    of.file().unmapped(this, region.startPage(), region.endPage());
                }
            }
        }

        private void clear(final MmuGather gather, final Region region, final long page) {
            final SpinLock leaf = table.lockOf(page);
            leaf.acquireSurely();
            try {
                final Cpu cpu = cpus.enter();
                try {
                    final long old = table.replaceNoFlush(page, SpaceEntry.NONE);
                    if (SpaceEntry.isCounted(old)) {
                        region.backing().cleared(region, page, old);
                        gather.remove(cpu, page, frames.memory().frameOf(SpaceEntry.nativePage(old)));
                    } else if (!SpaceEntry.isNone(old)) {
                        gather.touch(page);
                    }
                    final long frame = table.detachUnusedNoFlush(page);
                    if (frame != PhysicalMemory.NO_FRAME) {
                        gather.removeTable(cpu, page, frame);
                    }
                } finally {
                    cpu.exit();
                }
            } finally {
                leaf.unlock();
            }
            if (gather.isFull()) {
                gather.flush();
            }
        }

        @Override
        public void cleanNoFlush(final SpaceFile file, final long startPage, final long pages, final long filePage) {
            FileCleaner.cleanNoFlush(table, file, startPage, pages, filePage);
        }

        void verify() {
            table.verify(frames.table());
            index.verify();
        }
    }
}
