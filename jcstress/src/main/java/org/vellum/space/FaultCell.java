package org.vellum.space;

import java.util.concurrent.atomic.AtomicLong;
import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.SpinLock;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.FrameOptions;
import org.vellum.lock.LockRank;
import org.vellum.lock.SleepingLock;
import org.vellum.mem.Pages;
import org.vellum.mmu.SpaceEntry;
import org.vellum.mmu.SpaceTable;

/** One page with a region of its own, for one state; the entries of all states are in one table. */
final class FaultCell {
    private static final Cpus CPUS = new Cpus(CpuOptions.forThisMachine().withCachedSlots(8));
    private static final FrameAllocator FRAMES = new FrameAllocator(CPUS, FrameOptions.of(8 << 20));
    private static final int LEAVES = 256;
    private static final int PAGES = LEAVES * SpaceTable.LEAF_PAGES;
    private static final SpaceTable TABLE = new SpaceTable(CPUS, FRAMES.memory(), PAGES, LEAVES);
    private static final AtomicLong NEXT = new AtomicLong();
    private static final long FRAME = attachAll();

    private final SleepingLock lock = new SleepingLock(CPUS, LockRank.SPACE, "cell");
    private final RegionIndex index = new RegionIndex(lock, PAGES);
    /** Neighbours lie in different leaves, so that states do not wait for each other's locks. */
    private final long page;

    FaultCell() {
        final long number = NEXT.getAndIncrement();
        page = number % LEAVES * SpaceTable.LEAF_PAGES + number / LEAVES % SpaceTable.LEAF_PAGES;
        clear();
        lock.lockExclusive();
        index.insert(new Region(page, page + 1, Region.READ | Region.WRITE, null, page));
        lock.unlockExclusive();
    }

    private static long attachAll() {
        final Cpu cpu = CPUS.enter();
        try {
            for (long leaf = 0; leaf < LEAVES; leaf++) {
                final long frame = FRAMES.allocate(cpu, 0);
                UnsafeApi.setMemory(FRAMES.memory().nativeAddress(frame), Pages.SIZE, (byte)0);
                final SpinLock lock = TABLE.lockOf(leaf << SpaceTable.LEAF_SHIFT);
                lock.acquireSurely();
                TABLE.attach(leaf << SpaceTable.LEAF_SHIFT, frame);
                lock.unlock();
            }
            return FRAMES.allocate(cpu, 0);
        } finally {
            cpu.exit();
        }
    }

    /** f1 to f5: whether an entry was installed. */
    int fault(final boolean checked) {
        while (true) {
            final Region region = index.find(page);
            if (region == null || !region.has(Region.WRITE)) {
                return 0;
            }
            final SpinLock tableLock = TABLE.lockOf(page);
            tableLock.acquireSurely();
            try {
                if (!checked || region.isCurrent()) {
                    TABLE.setIfNone(page, SpaceEntry.present(FRAMES.memory().nativeAddress(FRAME),
                        SpaceEntry.READABLE | SpaceEntry.WRITABLE | SpaceEntry.SPECIAL));
                    return 1;
                }
            } finally {
                tableLock.unlock();
            }
        }
    }

    private void clear() {
        final SpinLock tableLock = TABLE.lockOf(page);
        tableLock.acquireSurely();
        TABLE.replaceNoFlush(page, SpaceEntry.NONE);
        tableLock.unlock();
    }

    /** u1 to u3. */
    void unmap() {
        lock.lockExclusive();
        index.remove(page, page + 1, piece -> { });
        lock.downgrade();
        clear();
        lock.unlockShared();
    }

    /** The same with a lower permission. */
    void protect() {
        lock.lockExclusive();
        index.changeFlags(page, page + 1, Region.WRITE, 0, piece -> { });
        lock.downgrade();
        final SpinLock tableLock = TABLE.lockOf(page);
        tableLock.acquireSurely();
        TABLE.replaceNoFlush(page, SpaceEntry.present(FRAMES.memory().nativeAddress(FRAME), SpaceEntry.READABLE | SpaceEntry.SPECIAL));
        tableLock.unlock();
        lock.unlockShared();
    }

    /** 0 nothing, 1 read-only, 2 writable: of a page without a writable region anything but 0 and 1 is wrong, without a region anything but 0. */
    int entry() {
        final long entry = TABLE.get(page);
        if (SpaceEntry.isNone(entry)) {
            return 0;
        }
        return SpaceEntry.has(entry, SpaceEntry.WRITABLE) ? index.find(page) == null ? 1 : 2 : 1;
    }
}
