package org.vellum.space;

import java.util.concurrent.atomic.AtomicLong;
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
import org.vellum.gather.GatherMode;
import org.vellum.gather.Gathers;
import org.vellum.gather.MmuGather;
import org.vellum.gather.SpaceFlushes;
import org.vellum.gather.SpaceUnmapper;
import org.vellum.gather.TableFrames;
import org.vellum.lock.HoldTimes;
import org.vellum.mmu.SpaceEntry;
import org.vellum.mmu.SpaceTable;
import org.vellum.report.Listener;

/** One page that is mapped, for one state. */
final class PinCell {
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
    private static final UserPages PINS = new UserPages(CPUS, FRAMES, TABLE, (page, write) -> {
        throw new IllegalStateException("page=" + page);
    }, (mapper, frame) -> { }, new LongAdder());
    private static final AtomicLong NEXT = new AtomicLong();
    private static final long OLD = 1;
    private static final long NEW = 2;

    private final SpaceFlushes flushes = new SpaceFlushes();
    private final long page;
    private final long frame;
    private final long[] pinned = new long[1];

    PinCell() {
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

    /** 0 not pinned, 1 pinned as it was, 2 pinned as another's. */
    int pin() {
        if (PINS.pinFast(page, 1, false, pinned, 0) == 0) {
            return 0;
        }
        return UnsafeApi.getLongOpaque(null, FRAMES.memory().nativeAddress(pinned[0])) == OLD ? 1 : 2;
    }

    void unpin() {
        PINS.unpin(pinned, 0, 1, false);
    }

    /** u1 and u2: clears the entry, and looks at the count at once; 1 if it is alone with the frame. */
    int isAloneAfterClear() {
        final SpinLock lock = TABLE.lockOf(page);
        lock.acquireSurely();
        TABLE.replaceNoFlush(page, SpaceEntry.NONE);
        final int count = FRAMES.table().count(frame);
        lock.unlock();
        return count == 1 ? 1 : 0;
    }

    /** Gives the reference of the entry up that was cleared so. */
    void drop() {
        final Cpu cpu = CPUS.enter();
        FRAMES.put(cpu, frame);
        cpu.exit();
    }

    /** Unmaps, and is the next owner of the frame if it is free: 1; -1 if that owner cannot free what is its own. */
    int unmapAndReuse() {
        try (MmuGather gather = GATHERS.begin(flushes, GatherMode.WAIT)) {
            UNMAPPER.unmap(gather, page, page + 1, false);
        }
        final Cpu cpu = CPUS.enter();
        try {
            // Last in, first out: the frame just freed, unless another slot got it.
            final long next = FRAMES.allocate(cpu, 0);
            UnsafeApi.putLongOpaque(null, FRAMES.memory().nativeAddress(next), NEW);
            FRAMES.free(cpu, next, 0);
            return 1;
        } catch (final IllegalStateException e) {
            return -1;
        } finally {
            cpu.exit();
        }
    }
}
