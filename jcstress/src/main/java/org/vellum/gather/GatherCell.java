package org.vellum.gather;

import java.util.concurrent.atomic.AtomicLong;
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
import org.vellum.lock.HoldTimes;
import org.vellum.mmu.SpaceEntry;
import org.vellum.mmu.SpaceTable;
import org.vellum.report.Listener;

/** One page that is mapped, for one state. */
final class GatherCell {
    private static final Cpus CPUS = new Cpus(CpuOptions.forThisMachine().withCachedSlots(8));
    private static final Epochs EPOCHS = new Epochs(CPUS, new Sweeper(CPUS, Listener.SILENT),
        new StallDetector(CPUS, Listener.SILENT, Long.MAX_VALUE));
    private static final FrameAllocator FRAMES = new FrameAllocator(CPUS, FrameOptions.of(256 << 20));
    private static final TableFrames TABLES = new TableFrames(EPOCHS, FRAMES, 1024, Listener.SILENT);
    private static final Gathers GATHERS = new Gathers(EPOCHS, FRAMES, TABLES, new Retirements(EPOCHS, Listener.SILENT), 1 << 30,
        Listener.SILENT);
    private static final int LEAVES = 64;
    private static final SpaceTable TABLE = new SpaceTable(CPUS, FRAMES.memory(), (long)LEAVES * SpaceTable.LEAF_PAGES, LEAVES);
    private static final SpaceUnmapper UNMAPPER = new SpaceUnmapper(GATHERS, TABLE, new HoldTimes());
    private static final AtomicLong NEXT = new AtomicLong();
    private static final int LOOKS = 30;
    private static final long OLD = 1;
    private static final long NEW = 2;

    private final SpaceFlushes flushes = new SpaceFlushes();
    private final long page;
    private final long frame;
    /** 1 while a section that has seen the page is open. */
    private volatile int looking;

    GatherCell() {
        final long number = NEXT.getAndIncrement();
        page = number % LEAVES * SpaceTable.LEAF_PAGES + number / LEAVES % SpaceTable.LEAF_PAGES;
        // What the state before has left.
        try (MmuGather gather = GATHERS.begin(flushes, GatherMode.RETIRE)) {
            UNMAPPER.unmap(gather, page, page + 1, false);
        }
        final Cpu cpu = CPUS.enter();
        frame = FRAMES.allocate(cpu, 0);
        UnsafeApi.putLongOpaque(null, FRAMES.memory().nativeAddress(frame), OLD);
        final SpinLock lock = TABLE.lockOf(page);
        lock.acquireSurely();
        if (!TABLE.hasLeafFor(page)) {
            TABLE.attach(page, TABLES.allocate(cpu));
        }
        TABLE.setIfNone(page, SpaceEntry.present(FRAMES.memory().nativeAddress(frame), SpaceEntry.READABLE | SpaceEntry.ACCESSED));
        lock.unlock();
        cpu.exit();
    }

    boolean isMapped() {
        return !SpaceEntry.isNone(TABLE.get(page));
    }

    /** Looks at the page for a while, in a section: 0 nothing there, 1 its own content, 2 another's. */
    int walk() {
        final Cpu cpu = CPUS.enter();
        try {
            final long entry = TABLE.get(page);
            if (SpaceEntry.isNone(entry)) {
                return 0;
            }
            long seen = 0;
            for (int i = 0; i < LOOKS; i++) {
                seen |= UnsafeApi.getLongOpaque(null, SpaceEntry.nativePage(entry));
            }
            return seen == OLD ? 1 : 2;
        } finally {
            cpu.exit();
        }
    }

    /** Sees the page in a section, clears it there, says for a while that it is inside still, and flushes when it has left. */
    int lookAndUnmap() {
        try (MmuGather gather = GATHERS.begin(flushes, GatherMode.WAIT)) {
            final Cpu cpu = CPUS.enter();
            try {
                if (SpaceEntry.isNone(TABLE.get(page))) {
                    return 0;
                }
                looking = 1;
                UNMAPPER.slice(gather, page, page + 1, false, ClearedEntries.ANY);
                for (int i = 0; i < LOOKS; i++) {
                    Thread.onSpinWait();
                }
                looking = 0;
                return 1;
            } finally {
                cpu.exit();
            }
        }
    }

    private void unmap() {
        try (MmuGather gather = GATHERS.begin(flushes, GatherMode.WAIT)) {
            UNMAPPER.unmap(gather, page, page + 1, false);
        }
    }

    /** Unmaps, and is the next owner of the frame if it is free; 1 if so. */
    int unmapAndReuse() {
        unmap();
        final Cpu cpu = CPUS.enter();
        try {
            // Last in, first out: the frame just freed, unless another slot got it.
            final long next = FRAMES.allocate(cpu, 0);
            UnsafeApi.putLongOpaque(null, FRAMES.memory().nativeAddress(next), NEW);
            FRAMES.free(cpu, next, 0);
            return isMapped() ? 0 : 1;
        } finally {
            cpu.exit();
        }
    }

    /** Unmaps; 1 if no section that had seen the page is open by then. */
    int unmapAndLook() {
        unmap();
        return looking == 0 ? 1 : 0;
    }
}
