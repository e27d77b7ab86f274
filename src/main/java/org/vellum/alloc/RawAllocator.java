package org.vellum.alloc;

import java.util.concurrent.atomic.AtomicLong;
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
import org.vellum.vmap.AllocationAreas;
import org.vellum.vmap.Vmalloc;

/**
 * Finds memory of any size and takes it back: which room serves what, and nothing else. Owners are numbers here, exhaustion is a
 * return value.
 *
 * <p>What ends an allocation says what it was, packed: {@code bytes << 8 | owner}. For owner 0, to whom nothing is charged, the bytes may be left
 * out.
 */
final class RawAllocator {
    /** Nothing was allocated. */
    static final long NOTHING = 0;

    static final int MAX_OWNER = SlabAllocator.MAX_OWNER;

    private static final int OWNER_BITS = 8;

    /** What waits for grace periods is polled for beyond this part of memory, or this many bytes: the price of a look at every slot. */
    private static final int LIMBO_SHARE = 64;
    private static final long LEAST_IN_LIMBO = 1 << 20;

    private final Cpus cpus;
    private final FrameAllocator frames;
    private final FrameTable table;
    private final SlabAllocator slabs;
    private final DeferredRuns deferred;
    private final HeldRuns runs;
    private final AllocationAreas areas;
    private final long physEnd;
    private final long bankPages;
    private final long smallBytes;
    private final long mostInLimbo;
    private final AtomicLong pollAbove;

    RawAllocator(final Epochs epochs, final FrameAllocator frames, final Vmalloc vmalloc, final Listener listener) {
        cpus = epochs.cpus();
        this.frames = frames;
        areas = new AllocationAreas(vmalloc);
        table = frames.table();
        slabs = new SlabAllocator(epochs, frames, listener);
        deferred = new DeferredRuns(epochs, frames, listener);
        runs = new HeldRuns(cpus, frames, deferred);
        physEnd = frames.memory().physEnd();
        bankPages = 1L << frames.memory().bankShift();
        mostInLimbo = Math.max(LEAST_IN_LIMBO, (frames.configuredFrames() << Pages.SHIFT) / LIMBO_SHARE);
        pollAbove = new AtomicLong(mostInLimbo);
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

    /** What memory that is there would take at another size: a run of frames is cut to whole pages, never to the size of an object. */
    long footprintAt(final long address, final long size) {
        final long bytes = footprint(size, 1);
        return isRun(address) && size <= SizeClasses.MAX_SIZE && bytes >= Pages.SIZE ? Pages.of(size) << Pages.SHIFT : bytes;
    }

    private static int runClass(final long size, final long alignment) {
        // A run is aligned to the power of two at or above its length.
        return RunSizes.of((int)Math.max(Pages.of(size), alignment >>> Pages.SHIFT));
    }

    /** Whether memory of that size is small, and the size is one at all; without an alignment. */
    boolean isSmall(final long size) {
        return size > 0 && size <= smallBytes;
    }

    /**
     * Allocates what {@link #isSmall(long)} says.
     *
     * @param cpu the slot that the caller occupies.
     * @return the address, or {@link #NOTHING}.
     */
    long allocateSmall(final Cpu cpu, final long size, final int owner) {
        return size <= SizeClasses.MAX_SIZE ? slabs.allocate(cpu, SizeClasses.of((int)size), owner)
            : allocateRun(cpu, RunSizes.of((int)Pages.of(size)), owner);
    }

    private long allocateRun(final Cpu cpu, final int runClass, final int owner) {
        final long frame = runs.take(cpu, runClass, owner);
        return frame == PhysicalMemory.NO_FRAME ? NOTHING : frame << Pages.SHIFT;
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
        return allocateRun(cpu, runClass(size, alignment), owner);
    }

    /**
     * Allocates a longer run of contiguous frames.
     *
     * @param cpu the slot that the caller occupies.
     * @return the address, or {@link #NOTHING}: larger than a bank, or not to be had in one piece.
     */
    long allocateContiguous(final Cpu cpu, final long size, final long alignment, final int owner) {
        final long pages = Pages.of(size);
        final long aligned = Math.max(pages, alignment >>> Pages.SHIFT);
        if (aligned > bankPages) {
            return NOTHING;
        }
        final long frame = frames.allocateRun(cpu, aligned, RunMark.of(RunMark.LOOSE, owner));
        if (frame == PhysicalMemory.NO_FRAME) {
            return NOTHING;
        }
        if (aligned > pages) {
            frames.shrinkRun(cpu, frame, pages);
        }
        return frame << Pages.SHIFT;
    }

    /**
     * Allocates an area over scattered frames. May wait, outside sections.
     *
     * @throws org.vellum.report.ExhaustedException if there is no room.
     */
    long allocateArea(final long size, final long alignment, final int owner, final boolean zeroed) {
        return areas.allocate(size, Math.max(alignment, Pages.SIZE), owner, zeroed);
    }

    boolean isArea(final long address) {
        return (address & Address.MASK) >= physEnd;
    }

    /** Whether an address of live memory is that of a run of frames. */
    boolean isRun(final long address) {
        return Address.tag(address) == 0 && !isArea(address);
    }

    /**
     * Frees anything. Never waits.
     *
     * @return what it was, packed.
     * @throws IllegalArgumentException if nothing of the allocator's begins there.
     * @throws IllegalStateException if it is free already.
     */
    long free(final long address) {
        // Objects of slabs have tags, runs have none, areas lie beyond both.
        if (isArea(address)) {
            return areas.free(address, false);
        }
        if (Address.tag(address) == 0) {
            return freeRun(address);
        }
        final long freed = slabs.free(address);
        if (freed == SlabAllocator.NOT_HERE) {
            throw RunMisuse.of(table, address, -1);
        }
        return freed;
    }

    /**
     * Frees anything after a grace period. Never waits.
     *
     * @return what it was, packed.
     */
    long freeDeferred(final long address) {
        final long freed = defer(address);
        pollWhenDue();
        return freed;
    }

    private long defer(final long address) {
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
        return areas.free(address, true);
    }

    private long freeRun(final long address) {
        final long frame = address >>> Pages.SHIFT;
        final long word = table.marked(frame);
        final int mark = FrameTable.markOf(word);
        if (RunMark.state(mark) == RunMark.HELD && (address & Pages.OFFSET_MASK) == 0) {
            final int owner = RunMark.owner(mark);
            final long pages = owner == 0 ? 0 : table.runFrames(frame);
            // CAS: of two frees one wins, and the run's contents come before; partner: the acquire in HeldRuns.take.
            if (table.replaceMark(frame, word, RunMark.SPARE)) {
                return packed(pages << Pages.SHIFT, owner);
            }
        }
        return freeAnyRun(address);
    }

    private long freeAnyRun(final long address) {
        final long frame = address >>> Pages.SHIFT;
        final int mark = table.mark(frame);
        if (!isLiveRun(address, mark)) {
            throw RunMisuse.of(table, address, mark);
        }
        // Only who has freed it knows that the length is still its own, so it is looked at before, and believed if the free succeeds.
        final long pages = table.runFrames(frame);
        if (!runs.free(frame, mark)) {
            throw RunMisuse.freedMeanwhile(address);
        }
        return packed(pages << Pages.SHIFT, RunMark.owner(mark));
    }

    private long deferRun(final Cpu cpu, final long address) {
        final long frame = address >>> Pages.SHIFT;
        int mark = table.mark(frame);
        if (!isLiveRun(address, mark)) {
            throw RunMisuse.of(table, address, mark);
        }
        final int owner = RunMark.owner(mark);
        while (isLiveRun(address, mark) && RunMark.owner(mark) == owner) {
            final long pages = table.runFrames(frame);
            if (deferred.add(cpu, frame, mark)) {
                return packed(pages << Pages.SHIFT, owner);
            }
            // A slot has forgotten it meanwhile, perhaps.
            mark = table.mark(frame);
        }
        throw RunMisuse.freedMeanwhile(address);
    }

    private static boolean isLiveRun(final long address, final int mark) {
        return (address & Pages.OFFSET_MASK) == 0 && RunMark.isLive(mark);
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
            return areas.look(address);
        }
        final int mark = table.mark(address >>> Pages.SHIFT);
        if (!isLiveRun(address, mark)) {
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
        return areas.reallocate(address, size);
    }

    /** Releases what has passed. Never waits. */
    int poll() {
        return slabs.poll() + deferred.poll();
    }

    /**
     * Releases what has passed once much has gathered, so that a stream of deferred frees lives on what comes back. If a reader holds
     * it up, not again before half as much has come on top.
     */
    private void pollWhenDue() {
        final long due = pollAbove.get();
        // CAS: one polls, the others go on; partner: the store below.
        if (limboBytesEstimate() > due && pollAbove.compareAndSet(due, Long.MAX_VALUE)) {
            try {
                poll();
            } finally {
                pollAbove.set(Math.max(mostInLimbo, limboBytesEstimate() + mostInLimbo / 2));
            }
        }
    }

    private long limboBytesEstimate() {
        return slabs.limboBytesEstimate() + deferred.bytesEstimate();
    }

    /** Gives up what the caller's slot and idle ones hold. */
    void drainIdle() {
        slabs.drainIdle();
        runs.drainIdle();
    }

    /** Free bytes of slabs, and of the runs that slots hold. */
    long cachedBytes() {
        return slabs.count().freeBytes() + (runs.sparePages() << Pages.SHIFT);
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

    /** Bytes of all that is live and one owner's, by walking every table: exact when quiet. */
    long liveBytes(final int owner) {
        long pages = 0;
        for (int bank = 1; bank < frames.memory().bankLimit(); bank++) {
            if (frames.memory().bank(bank) != null) {
                pages += countPages(bank * bankPages, (bank + 1) * bankPages, owner);
            }
        }
        return slabs.liveBytes(owner) + (pages << Pages.SHIFT) + areas.bytes(owner);
    }

    private long countPages(final long from, final long to, final int owner) {
        long pages = 0;
        for (long frame = from; frame < to; frame++) {
            final int mark = table.mark(frame);
            pages += RunMark.isLive(mark) && RunMark.owner(mark) == owner ? table.runFrames(frame) : 0;
        }
        return pages;
    }

    /** Areas that are live: exact when quiet. */
    int areas() {
        return (int)areas.count();
    }

    /** Bytes of the areas that are live. */
    long areaBytes() {
        return areas.bytes(-1);
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
