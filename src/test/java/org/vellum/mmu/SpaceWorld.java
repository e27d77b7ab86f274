package org.vellum.mmu;

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
import org.vellum.frame.PhysicalMemory;
import org.vellum.gather.AddressBatches;
import org.vellum.report.Listener;

/** A small memory and one page table in it. */
final class SpaceWorld {
    final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(4));
    final Epochs epochs = new Epochs(cpus, new Sweeper(cpus, Listener.SILENT),
        new StallDetector(cpus, Listener.SILENT, Long.MAX_VALUE));
    final FrameAllocator frames = new FrameAllocator(cpus, new FrameOptions(4 << 20, 1 << 20));
    /** Null unless translations are kept in a hash, too. */
    final HashedTable hash;
    final AddressBatches batches;
    final SpaceTable table;

    SpaceWorld(final long pages, final int locks) {
        this(pages, locks, false);
    }

    SpaceWorld(final long pages, final int locks, final boolean hashed) {
        hash = hashed ? new HashedTable(16) : null;
        batches = hashed ? new AddressBatches(hash, locks) : null;
        table = new SpaceTable(cpus, frames.memory(), pages, locks, batches);
    }

    /** As an accessor would that finds no copy. */
    void look(final long page) {
        if (hash != null) {
            final Cpu cpu = cpus.enter();
            hash.enter(table, page);
            cpu.exit();
        }
    }

    long newFrame(final long fill) {
        final Cpu cpu = cpus.enter();
        try {
            final long frame = frames.allocate(cpu, 0);
            if (frame == PhysicalMemory.NO_FRAME) {
                throw new AssertionError("no frame");
            }
            fill(frame, fill);
            return frame;
        } finally {
            cpu.exit();
        }
    }

    void fill(final long frame, final long word) {
        for (int i = 0; i < SpaceTable.LEAF_PAGES; i++) {
            UnsafeApi.putLongOpaque(null, frames.memory().nativeAddress(frame) + 8L * i, word);
        }
    }

    void free(final long frame) {
        final Cpu cpu = cpus.enter();
        try {
            frames.free(cpu, frame, 0);
        } finally {
            cpu.exit();
        }
    }

    long present(final long frame, final long bits) {
        return SpaceEntry.present(frames.memory().nativeAddress(frame), bits);
    }

    private SpinLock lock(final long page) {
        final SpinLock lock = table.lockOf(page);
        // Surely: faults of a section take it, too, and whoever holds it is about to give it back.
        lock.acquireSurely();
        return lock;
    }

    void attach(final long page, final long frame) {
        final SpinLock lock = lock(page);
        table.attach(page, frame);
        lock.unlock();
    }

    long detach(final long page) {
        final SpinLock lock = lock(page);
        final long frame = table.detachUnusedNoFlush(page);
        lock.unlock();
        return frame;
    }

    boolean set(final long page, final long state) {
        final SpinLock lock = lock(page);
        final boolean set = table.setIfNone(page, state);
        lock.unlock();
        look(page);
        return set;
    }

    long replace(final long page, final long state) {
        final SpinLock lock = lock(page);
        final long old = table.replaceNoFlush(page, state);
        lock.unlock();
        look(page);
        return old;
    }

    boolean mark(final long page, final long seen, final long bits) {
        final Cpu cpu = cpus.enter();
        try {
            return table.mark(page, seen, bits);
        } finally {
            cpu.exit();
        }
    }
}
