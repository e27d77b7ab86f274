package org.vellum.alloc;

import java.util.concurrent.ConcurrentHashMap;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.epoch.Epochs;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.FrameTable;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mem.Pages;
import org.vellum.mmu.Address;
import org.vellum.report.Listener;
import org.vellum.slab.SizeClasses;
import org.vellum.slab.SlabAllocator;
import org.vellum.vmap.Vmalloc;
import org.vellum.vmap.VmallocFlags;

/**
 * Finds memory of any size and takes it back: which room serves what, and nothing else. Owners are numbers here, exhaustion is a
 * return value.
 *
 * <p>What ends an allocation says what it was, packed: {@code bytes << 8 | owner}.
 */
final class RawAllocator {
    /** Nothing was allocated. */
    static final long NOTHING = 0;

    static final int MAX_OWNER = SlabAllocator.MAX_OWNER;

    private static final int OWNER_BITS = 8;

    private final Cpus cpus;
    private final FrameAllocator frames;
    private final FrameTable table;
    private final SlabAllocator slabs;
    private final DeferredRuns deferred;
    private final HeldRuns runs;
    private final Vmalloc vmalloc;
    private final long physEnd;
    private final long bankPages;
    private final long smallBytes;

    /** Of areas that are not the root budget's; they are long, and few. */
    private final ConcurrentHashMap<Long, Integer> areaOwners = new ConcurrentHashMap<>();

    RawAllocator(final Epochs epochs, final FrameAllocator frames, final Vmalloc vmalloc, final Listener listener) {
        cpus = epochs.cpus();
        this.frames = frames;
        this.vmalloc = vmalloc;
        table = frames.table();
        slabs = new SlabAllocator(epochs, frames, listener);
        deferred = new DeferredRuns(epochs, frames, listener);
        runs = new HeldRuns(cpus, frames, deferred);
        physEnd = frames.memory().physEnd();
        bankPages = 1L << frames.memory().bankShift();
        smallBytes = Math.min(RunSizes.MAX_PAGES, bankPages) << Pages.SHIFT;
    }

    static long packed(final long bytes, final int owner) {
        return bytes << OWNER_BITS | owner;
    }

    static long bytesOf(final long packed) {
        return packed >>> OWNER_BITS;
    }

    static int ownerOf(final long packed) {
        return (int)packed & (1 << OWNER_BITS) - 1;
    }

    /** Whether memory of that size comes from slabs or the slots' runs: inside one section, and at once. */
    boolean isSmall(final long size, final long alignment) {
        return size <= smallBytes && alignment <= smallBytes;
    }

    /** What a request will take, in bytes. */
    long footprint(final long size, final long alignment) {
        if (size <= SizeClasses.MAX_SIZE && alignment <= SizeClasses.MAX_SIZE) {
            return SizeClasses.size(SizeClasses.of((int)size, (int)alignment));
        }
        return isSmall(size, alignment) ? (long)RunSizes.pages(runClass(size, alignment)) << Pages.SHIFT
            : Pages.of(size) << Pages.SHIFT;
    }

    private static int runClass(final long size, final long alignment) {
        // A run is aligned to the power of two at or above its length.
        return RunSizes.of((int)Math.max(Pages.of(size), alignment >>> Pages.SHIFT));
    }

    /**
     * Allocates an object of a slab.
     *
     * @param cpu the slot that the caller occupies.
     * @param size 1 to {@link SizeClasses#MAX_SIZE}.
     * @return the address, or {@link #NOTHING}.
     */
    long allocateObject(final Cpu cpu, final int size, final int owner) {
        return slabs.allocate(cpu, SizeClasses.of(size), owner);
    }

    /**
     * Allocates what {@link #isSmall} says.
     *
     * @param cpu the slot that the caller occupies.
     * @return the address, or {@link #NOTHING}.
     */
    long allocateSmall(final Cpu cpu, final long size, final long alignment, final int owner) {
        if (size <= SizeClasses.MAX_SIZE && alignment <= SizeClasses.MAX_SIZE) {
            return slabs.allocate(cpu, SizeClasses.of((int)size, (int)alignment), owner);
        }
        final long frame = runs.take(cpu, runClass(size, alignment), owner);
        return frame == PhysicalMemory.NO_FRAME ? NOTHING : frame << Pages.SHIFT;
    }

    /**
     * Allocates a longer run of contiguous frames.
     *
     * @param cpu the slot that the caller occupies.
     * @return the address, or {@link #NOTHING}: larger than a bank, or not to be had in one piece.
     */
    long allocateContiguous(final Cpu cpu, final long size, final long alignment, final int owner) {
        final long pages = Math.max(Pages.of(size), alignment >>> Pages.SHIFT);
        if (pages > bankPages) {
            return NOTHING;
        }
        final long frame = frames.allocateRun(cpu, pages, RunMark.of(RunMark.LOOSE, owner));
        return frame == PhysicalMemory.NO_FRAME ? NOTHING : frame << Pages.SHIFT;
    }

    /**
     * Allocates an area over scattered frames. May wait, outside sections.
     *
     * @throws org.vellum.report.ExhaustedException if there is no room.
     */
    long allocateArea(final long size, final long alignment, final int owner, final boolean zeroed) {
        final long address = vmalloc.vmalloc(size, Math.max(alignment, Pages.SIZE),
            zeroed ? VmallocFlags.ZERO : VmallocFlags.NONE);
        if (owner != 0) {
            areaOwners.put(address, owner);
        }
        return address;
    }

    boolean isArea(final long address) {
        return (address & Address.MASK) >= physEnd;
    }

    /**
     * Frees anything. Never waits.
     *
     * @return what it was, packed.
     * @throws IllegalArgumentException if nothing of the allocator's begins there.
     * @throws IllegalStateException if it is free already.
     */
    long free(final long address) {
        final long freed = slabs.free(address);
        return freed != SlabAllocator.NOT_HERE ? freed : isArea(address) ? freeArea(address, false) : freeRun(address);
    }

    /**
     * Frees anything after a grace period. Never waits.
     *
     * @return what it was, packed.
     */
    long freeDeferred(final long address) {
        final Cpu cpu = cpus.tryEnter();
        try {
            final long freed = slabs.freeDeferred(cpu, address);
            if (freed != SlabAllocator.NOT_HERE) {
                return freed;
            }
            if (!isArea(address)) {
                return deferRun(cpu, address);
            }
        } finally {
            if (cpu != null) {
                cpu.exit();
            }
        }
        return freeArea(address, true);
    }

    private long freeRun(final long address) {
        final long frame = address >>> Pages.SHIFT;
        final int mark = table.mark(frame);
        if (!isRun(address, mark)) {
            throw RunMisuse.of(table, address, mark);
        }
        // Only who has freed it knows that the length is still its own, so it is looked at before, and believed if the free succeeds.
        final long pages = table.runFrames(frame);
        if (!runs.free(frame, mark)) {
            throw RunMisuse.of(table, address, table.mark(frame));
        }
        return packed(pages << Pages.SHIFT, RunMark.owner(mark));
    }

    private long deferRun(final Cpu cpu, final long address) {
        final long frame = address >>> Pages.SHIFT;
        int mark = table.mark(frame);
        while (isRun(address, mark)) {
            final long pages = table.runFrames(frame);
            if (deferred.add(cpu, frame, mark)) {
                return packed(pages << Pages.SHIFT, RunMark.owner(mark));
            }
            // A slot has forgotten it meanwhile, perhaps.
            mark = table.mark(frame);
        }
        throw RunMisuse.of(table, address, mark);
    }

    private static boolean isRun(final long address, final int mark) {
        return (address & Pages.OFFSET_MASK) == 0 && RunMark.isLive(mark);
    }

    private long freeArea(final long address, final boolean afterGrace) {
        final long bytes = vmalloc.sizeOf(address);
        if (afterGrace) {
            vmalloc.retire(address);
        } else {
            vmalloc.vfree(address);
        }
        // Only now, by the one who has freed it; the tag keeps the address from naming another area.
        final Integer owner = areaOwners.isEmpty() ? null : areaOwners.remove(address);
        return packed(bytes, owner == null ? 0 : owner);
    }

    /**
     * Looks at an allocation.
     *
     * @return what it is, packed.
     * @throws IllegalArgumentException as {@link #free}.
     * @throws IllegalStateException as {@link #free}.
     */
    long look(final long address) {
        final long found = slabs.look(address);
        if (found != SlabAllocator.NOT_HERE) {
            return found;
        }
        if (isArea(address)) {
            return packed(vmalloc.sizeOf(address), areaOwners.getOrDefault(address, 0));
        }
        final int mark = table.mark(address >>> Pages.SHIFT);
        if (!isRun(address, mark)) {
            throw RunMisuse.of(table, address, mark);
        }
        return packed(table.runFrames(address >>> Pages.SHIFT) << Pages.SHIFT, RunMark.owner(mark));
    }

    /**
     * Makes a run of frames longer or shorter where it is.
     *
     * @param address of a live run that the caller owns.
     * @return whether it has that many pages now.
     */
    boolean resizeRun(final long address, final long pages) {
        final long frame = address >>> Pages.SHIFT;
        final long before = table.runFrames(frame);
        final Cpu cpu = cpus.enter();
        try {
            if (pages == before) {
                return true;
            }
            if (!runs.loosen(cpu, frame)) {
                return false;
            }
            if (pages < before) {
                frames.shrinkRun(cpu, frame, pages);
                return true;
            }
            return frames.growRun(cpu, frame, pages);
        } finally {
            cpu.exit();
        }
    }

    /**
     * Changes the size of an area.
     *
     * @return its address, perhaps another.
     * @throws org.vellum.report.ExhaustedException if there is no room; the area is as it was.
     */
    long reallocateArea(final long address, final long size) {
        final long moved = vmalloc.vrealloc(address, size);
        if (moved != address && !areaOwners.isEmpty()) {
            final Integer owner = areaOwners.remove(address);
            if (owner != null) {
                areaOwners.put(moved, owner);
            }
        }
        return moved;
    }

    /** Releases what has passed. Never waits. */
    int poll() {
        return slabs.poll() + deferred.poll();
    }

    /** Gives up what the caller's slot and idle ones hold. */
    void drainIdle() {
        slabs.drainIdle();
        runs.drainIdle();
    }

    long limboBytes() {
        return slabs.limboBytes() + deferred.bytes();
    }

    /** Live runs, and their pages, by walking the table of frames: exact when quiet. */
    long[] countRuns() {
        final long[] sums = new long[2];
        for (int bank = 1; bank < frames.memory().bankLimit(); bank++) {
            if (frames.memory().bank(bank) != null) {
                countRuns(bank * bankPages, (bank + 1) * bankPages, sums);
            }
        }
        return sums;
    }

    private void countRuns(final long from, final long to, final long[] sums) {
        for (long frame = from; frame < to; frame++) {
            if (RunMark.isLive(table.mark(frame))) {
                sums[0]++;
                sums[1] += table.runFrames(frame);
            }
        }
    }

    SlabAllocator slabs() {
        return slabs;
    }

    HeldRuns runs() {
        return runs;
    }

    void verify() {
        slabs.verify();
        runs.verify();
    }
}
