package org.vellum.space;

import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.SpinLock;
import org.vellum.cpu.StackReserve;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.PhysicalMemory;
import org.vellum.gather.GatherMode;
import org.vellum.gather.MmuGather;
import org.vellum.mem.Pages;
import org.vellum.mmu.SpaceEntry;
import org.vellum.mmu.SpaceFaults;
import org.vellum.report.PageFaultException;
import org.vellum.report.WouldWaitException;
import org.vellum.space.PageInstaller.Outcome;

/**
 * Makes pages accessible: f1 to f5 of the package documentation. Takes no lock but the page-table lock of one leaf, so faults of different
 * pages run in parallel, whatever else is done to the space.
 *
 * <p>Each step works in a section of its own, in which it only tries the lock. Who does not get it leaves the section, waits, and begins anew with
 * the look-up. Inside a section of the user's, which cannot be left, a fault neither waits for anybody nor fights for memory: it tries for a
 * bounded time, and then says so.
 *
 * <p>Thread safety: any thread. Makes no garbage, unless the region has a {@link Backing} that does.
 */
final class Faults implements SpaceFaults {
    private final MemoryDescriptor mm;
    private final FrameAllocator frames;
    private final PageInstaller installer;
    private final Growth growth;

    Faults(final MemoryDescriptor mm) {
        this.mm = mm;
        frames = mm.spaces.frames;
        installer = new PageInstaller(mm);
        growth = new Growth(mm);
    }

    /**
     * {@inheritDoc}
     *
     * @throws PageFaultException if no region allows the access, or what its pages come from has none there.
     * @throws org.vellum.report.ExhaustedException if there is no memory for the page, or its table.
     * @throws WouldWaitException if the user has a section open, and it would have to wait.
     */
    @Override
    public void fault(final long page, final boolean write) {
        faultAt(page << Pages.SHIFT, write);
    }

    @Override
    public void faultAt(final long address, final boolean write) {
        StackReserve.ensureOperation();
        final long page = address >>> Pages.SHIFT;
        final boolean mayWait = !mm.cpus.inSection();
        long fight = Relief.BEGIN;
        while (true) {
            final Region region = mm.index.find(page);
            if (region == null || region.isDying()) {
                if (!growth.grow(page, mayWait)) {
                    throw mm.noRegion(address, write);
                }
                continue;
            }
            if (!region.has(write ? Region.WRITE : Region.READ)) {
                throw mm.notAllowed(region, address, write);
            }
            final Outcome outcome = write && !isOfFamily(region, mayWait) ? Outcome.AGAIN : step(region, address, write, mayWait);
            if (outcome == Outcome.DONE) {
                return;
            } else if (outcome == Outcome.LOCKED) {
                awaitLock(page, mayWait);
            } else if (outcome == Outcome.NO_MEMORY) {
                fight = mm.spaces.relieve(fight, mayWait);
                if (fight == Relief.LOST) {
                    throw mm.noMemory(page, write);
                }
            }
        }
    }

    /**
     * Whether a region whose pages may be anonymous has its {@link org.vellum.rmap.AnonVma}: so it is before the first of them is there. False if it has
     * ended. The first time it takes the space lock, shared.
     */
    private boolean isOfFamily(final Region region, final boolean mayWait) {
        final Backing backing = region.backing();
        return backing != null && (!backing.isCopiedOnWrite() || region.has(Region.SHARED)) || mm.anonVmas.prepare(region, mayWait) != null;
    }

    /** Leaves the lock to others; the look-up has to be done anew in any case. */
    private void awaitLock(final long page, final boolean mayWait) {
        final SpinLock lock = mm.table.lockOf(page);
        if (lock.acquire()) {
            lock.unlock();
        } else {
            assert !mayWait : "outside sections it is had for certain";
            throw new WouldWaitException("page table of page=" + page + " of " + mm + " is in use: touch it outside sections first");
        }
    }

    private Outcome step(final Region region, final long address, final boolean write, final boolean mayWait) {
        try {
            return stepAt(region, address >>> Pages.SHIFT, write, mayWait);
        } catch (final PageFaultException e) {
            // The backing has nothing there. If that is because the region has ended, what came instead says what is there.
            if (region.isCurrent()) {
                throw mm.notShown(region, address, write, e);
            }
            return Outcome.AGAIN;
        }
    }

    private Outcome stepAt(final Region region, final long page, final boolean write, final boolean mayWait) {
        final Cpu cpu = mm.cpus.enter();
        try {
            final long entry = mm.table.get(page);
            if (SpaceEntry.isPresent(entry)) {
                return write ? makeWritable(cpu, region, page, entry) : makeReadable(region, page, entry);
            } else if (region.backing() == null) {
                return write ? newPage(cpu, region, page) : zeroPage(cpu, region, page);
            }
        } finally {
            cpu.exit();
        }
        return backed(region, page, write, mayWait);
    }

    private static long permissions(final Region region) {
        return (region.has(Region.READ) ? SpaceEntry.READABLE : 0) | (region.has(Region.WRITE) ? SpaceEntry.WRITABLE : 0);
    }

    private Outcome makeReadable(final Region region, final long page, final long entry) {
        if (SpaceEntry.has(entry, SpaceEntry.READABLE)) {
            // If it is another by now, the access finds that out.
            mm.table.mark(page, entry, SpaceEntry.ACCESSED);
            return Outcome.DONE;
        }
        return installer.raise(region, page, entry, SpaceEntry.READABLE | SpaceEntry.ACCESSED);
    }

    private Outcome makeWritable(final Cpu cpu, final Region region, final long page, final long entry) {
        if (SpaceEntry.has(entry, SpaceEntry.WRITABLE)) {
            mm.table.mark(page, entry, SpaceEntry.ACCESSED | SpaceEntry.DIRTY);
            return Outcome.DONE;
        }
        final boolean inPlace = !SpaceEntry.has(entry, SpaceEntry.ZERO)
            && (region.has(Region.SHARED) || (entry & (SpaceEntry.EXCLUSIVE | SpaceEntry.SPECIAL)) != 0);
        return inPlace ? installer.raise(region, page, entry, permissions(region) | SpaceEntry.ACCESSED | SpaceEntry.DIRTY)
            : copy(cpu, region, page, entry);
    }

    /** What a page of the region's own looks like that is about to be stored to; its frame is the space's from now on. */
    private long ownState(final Region region, final long frame) {
        frames.memory().keepBank(frame);
        frames.table().putMapper(frame, mm.number);
        return SpaceEntry.present(frames.memory().nativeAddress(frame),
            permissions(region) | SpaceEntry.ACCESSED | SpaceEntry.DIRTY | SpaceEntry.EXCLUSIVE);
    }

    private Outcome newPage(final Cpu cpu, final Region region, final long page) {
        final long frame = frames.allocate(cpu, 0);
        if (frame == PhysicalMemory.NO_FRAME) {
            return Outcome.NO_MEMORY;
        }
        frames.zero(frame, 0);
        final Outcome outcome = installer.install(cpu, region, page, ownState(region, frame));
        if (outcome != Outcome.DONE) {
            frames.put(cpu, frame);
        }
        return outcome;
    }

    private Outcome zeroPage(final Cpu cpu, final Region region, final long page) {
        final long state = mm.spaces.zeroFrame.state(cpu);
        return state == SpaceEntry.NONE ? Outcome.NO_MEMORY : installer.install(cpu, region, page, state);
    }

    /** The content of a frame that is not this region's alone, or zeroes, in one that is. */
    private Outcome copy(final Cpu cpu, final Region region, final long page, final long entry) {
        if (!SpaceEntry.isCounted(entry)) {
            return replace(cpu, region, page, entry);
        }
        // Begun before anything changes. The reference of the entry that is replaced: sections may still have its translation.
        try (MmuGather gather = mm.gathers.begin(mm.flushes, GatherMode.RETIRE_AT_ONCE)) {
            final Outcome outcome = replace(cpu, region, page, entry);
            if (outcome == Outcome.DONE) {
                gather.remove(cpu, page, frames.memory().frameOf(SpaceEntry.nativePage(entry)));
            }
            return outcome;
        }
    }

    private Outcome replace(final Cpu cpu, final Region region, final long page, final long entry) {
        final long frame = frames.allocate(cpu, 0);
        if (frame == PhysicalMemory.NO_FRAME) {
            return Outcome.NO_MEMORY;
        }
        if (SpaceEntry.has(entry, SpaceEntry.ZERO)) {
            frames.zero(frame, 0);
        } else {
            UnsafeApi.copyMemory(SpaceEntry.nativePage(entry), frames.memory().nativeAddress(frame), Pages.SIZE);
        }
        final Outcome outcome = installer.replace(region, page, entry, ownState(region, frame));
        if (outcome != Outcome.DONE) {
            frames.put(cpu, frame);
        }
        return outcome;
    }

    /** From a file, or a handler of the user's: outside of this fault's own section, since it may take its time. */
    private Outcome backed(final Region region, final long page, final boolean write, final boolean mayWait) {
        final Backing backing = region.backing();
        final long frame = backing.frame(region, page, write, mayWait);
        if (frame == PhysicalMemory.NO_FRAME) {
            return Outcome.NO_MEMORY;
        }
        Outcome outcome = Outcome.AGAIN;
        try {
            final Cpu cpu = mm.cpus.enter();
            try {
                outcome = installer.install(cpu, region, page, backedState(region, frame, write));
            } finally {
                cpu.exit();
            }
        } finally {
            if (outcome != Outcome.DONE) {
                backing.giveBack(region, page, frame);
            }
        }
        return outcome;
    }

    private long backedState(final Region region, final long frame, final boolean write) {
        final Backing backing = region.backing();
        frames.memory().keepBank(frame);
        final boolean copied = backing.isCopiedOnWrite() && !region.has(Region.SHARED);
        final long allowed = permissions(region) & (copied ? ~SpaceEntry.WRITABLE : -1L);
        final boolean stored = write && (allowed & SpaceEntry.WRITABLE) != 0;
        return SpaceEntry.present(frames.memory().nativeAddress(frame), allowed | SpaceEntry.ACCESSED | (stored ? SpaceEntry.DIRTY : 0)
            | (backing.isCounted() ? 0 : SpaceEntry.SPECIAL) | (copied || !backing.isCounted() ? 0 : SpaceEntry.EXCLUSIVE));
    }
}
