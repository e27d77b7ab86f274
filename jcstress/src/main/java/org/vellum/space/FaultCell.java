package org.vellum.space;

import java.util.concurrent.atomic.AtomicLong;
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
import org.vellum.mem.Pages;
import org.vellum.mmu.SpaceEntry;
import org.vellum.mmu.SpaceTable;
import org.vellum.report.Listener;
import org.vellum.report.PageFaultException;

/** One page of one address space that all states share; nobody is next to anybody, so that no regions are joined. */
final class FaultCell {
    /** Not mapped, or not allowed. */
    static final int FAULT = -1;

    private static final Cpus CPUS = new Cpus(CpuOptions.forThisMachine().withCachedSlots(8));
    private static final Epochs EPOCHS =
        new Epochs(CPUS, new Sweeper(CPUS, Listener.SILENT), new StallDetector(CPUS, Listener.SILENT, Long.MAX_VALUE));
    private static final FrameAllocator FRAMES = new FrameAllocator(CPUS, FrameOptions.of(512 << 20));
    private static final long GRACE_NANOS = 1_000_000_000L;
    private static final Spaces SPACES = new Spaces(EPOCHS, FRAMES, new Retirements(EPOCHS, Listener.SILENT), null, FaultCell::relieve,
        GRACE_NANOS, Listener.SILENT);
    private static final int LEAVES = 256;
    /** Pages from one to the next in a leaf: more states than the harness has under way, and fewer than fill the memory. */
    private static final int STRIDE = 8;
    private static final int IN_LEAF = SpaceTable.LEAF_PAGES / STRIDE;
    private static final AddressSpace SPACE =
        SPACES.create(SpaceOptions.of((long)LEAVES * SpaceTable.LEAF_PAGES * Pages.SIZE).withLockCount(LEAVES));
    private static final AtomicLong NEXT = new AtomicLong();

    /** States that follow each other lie in different leaves, so that they do not wait for each other's page-table locks. */
    private final long address;

    FaultCell() {
        final long number = NEXT.getAndIncrement();
        final long page = number % LEAVES * SpaceTable.LEAF_PAGES + number / LEAVES % IN_LEAF * STRIDE + 1;
        address = page << Pages.SHIFT;
        SPACE.unmap(address, Pages.SIZE);
        SPACE.mapFixed(address, Pages.SIZE, MapOptions.DEFAULT);
    }

    private static long relieve(final long fight) {
        if (!CPUS.inSection()) {
            EPOCHS.awaitPassed(EPOCHS.stamp(), GRACE_NANOS);
        }
        SPACES.poll();
        FRAMES.drainIdle();
        return fight < 3 ? fight + 1 : Relief.LOST;
    }

    /** A store to a word of the page: 1 if it was made, 0 if it was refused. */
    int store(final int word, final int value) {
        try {
            SPACE.access().putInt(address + word * 8L, value);
            return 1;
        } catch (final PageFaultException e) {
            return 0;
        }
    }

    int load(final int word) {
        try {
            return SPACE.access().getInt(address + word * 8L);
        } catch (final PageFaultException e) {
            return FAULT;
        }
    }

    void unmap() {
        SPACE.unmap(address, Pages.SIZE);
    }

    void protect() {
        SPACE.protect(address, Pages.SIZE, Region.READ);
    }

    void discard() {
        SPACE.advise(address, Pages.SIZE, Advice.DONTNEED);
    }

    /** 1 if it was mapped, 0 if it still is. */
    int map() {
        try {
            SPACE.mapFixed(address, Pages.SIZE, MapOptions.DEFAULT);
            return 1;
        } catch (final IllegalArgumentException e) {
            return 0;
        }
    }

    /** The last look at the cell: whether an entry is left where no region is. */
    int left() {
        final long page = address >>> Pages.SHIFT;
        return SPACE.region(address) == null && !SpaceEntry.isNone(SPACE.descriptor().table.get(page)) ? 1 : 0;
    }

    /** A fault without f3: installs the zero frame, to read from, in whatever is there by now. */
    int faultUnchecked() {
        final MemoryDescriptor mm = SPACE.descriptor();
        final long page = address >>> Pages.SHIFT;
        final Region region = mm.index.find(page);
        if (region == null || region.isDying() || !mm.table.hasLeafFor(page)) {
            return 0;
        }
        final SpinLock lock = mm.table.lockOf(page);
        final Cpu cpu = CPUS.enter();
        final long state = SPACES.zeroFrame.state(cpu);
        cpu.exit();
        lock.acquireSurely();
        try {
            return mm.table.hasLeafFor(page) && mm.table.setIfNone(page, state) ? 1 : 0;
        } finally {
            lock.unlock();
        }
    }

    /** A neighbour in the same leaf, so that there is a table whatever happens to this page. */
    void keepTable() {
        final long beside = address + STRIDE / 2 * Pages.SIZE;
        if (SPACE.region(beside) == null) {
            SPACE.mapFixed(beside, Pages.SIZE, MapOptions.DEFAULT);
        }
        SPACE.access().putInt(beside, 1);
    }
}
