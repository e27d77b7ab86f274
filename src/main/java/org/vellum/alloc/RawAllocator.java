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
import org.vellum.report.Events;
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
    private final ContiguousRuns contiguous;
    private final AllocationAreas areas;
    private final long physEnd;
    private final long smallBytes;
    private final long mostInLimbo;
    private final AtomicLong pollAbove;

    RawAllocator(
        final Epochs epochs, final FrameAllocator frames, final Vmalloc vmalloc, final Listener listener, final Events events) {
        cpus = epochs.cpus();
        areas = new AllocationAreas(vmalloc);
        this.frames = frames;
        table = frames.table();
        slabs = new SlabAllocator(epochs, frames, listener, events);
        deferred = new DeferredRuns(epochs, frames, listener);
        runs = new HeldRuns(cpus, frames, deferred);
        contiguous = new ContiguousRuns(cpus, frames, deferred, runs);
        physEnd = frames.memory().physEnd();
        mostInLimbo = Math.max(LEAST_IN_LIMBO, (frames.configuredFrames() << Pages.SHIFT) / LIMBO_SHARE);
        pollAbove = new AtomicLong(mostInLimbo);
        smallBytes = Math.min(RunSizes.MAX_PAGES, 1L << frames.memory().bankShift()) << Pages.SHIFT;
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
     * Allocates a run of frames for owner 0.
     *
     * @param cpu the slot that the caller occupies.
     * @param size as {@link #isSmall(long)} wants it, beyond what slabs have.
     * @return the address, or {@link #NOTHING}.
     */
    long allocateRun(final Cpu cpu, final long size) {
        return takeRun(cpu, RunSizes.of((int)Pages.of(size)), 0);
    }

    private long takeRun(final Cpu cpu, final int runClass, final int owner) {
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
        return takeRun(cpu, runClass(size, alignment), owner);
    }

    /** See {@link #awaitBank}. */
    long banksAdded() {
        return frames.banksAdded();
    }

    /**
     * Waits for a bank, if that is what a request lacks; outside sections unless the caller is in one of its own.
     *
     * @param seen {@link #banksAdded} before it was tried.
     * @return whether it is worth trying again.
     */
    boolean awaitBank(final long size, final long alignment, final long seen) {
        return frames.awaitBank(framesFor(size, alignment), seen);
    }

    /** {@link #awaitBank} before it is tried, but only if too few frames are free in the banks that are present. */
    void growFor(final long size, final long alignment) {
        if (frames.isShort(framesFor(size, alignment))) {
            awaitBank(size, alignment, banksAdded());
        }
    }

    private long framesFor(final long size, final long alignment) {
        final long bytes = Math.max(footprint(size, alignment), SlabAllocator.SLAB_BYTES);
        return Math.max(Pages.of(bytes), alignment >>> Pages.SHIFT);
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
     * Frees what has a tag and lies in no slab: an area. Never waits. Runs have no tag, see {@link ContiguousRuns#free}.
     *
     * @return what it was, packed.
     * @throws IllegalArgumentException if nothing of the allocator's begins there.
     * @throws IllegalStateException if it is free already.
     */
    long freeArea(final long address) {
        if (!isArea(address)) {
            throw RunMisuse.of(table, address, -1);
        }
        return areas.free(address, false);
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
                return contiguous.defer(cpu, address);
            }
        } finally {
            if (cpu != null) {
                cpu.exit();
            }
        }
        return areas.free(address, true);
    }

    /**
     * Looks at an allocation.
     *
     * @return what it is, packed.
     * @throws IllegalArgumentException as {@link #freeArea}.
     * @throws IllegalStateException as {@link #freeArea}.
     */
    long look(final long address) {
        final long found = slabs.look(address);
        if (found != SlabAllocator.NOT_HERE) {
            return found;
        }
        if (isArea(address)) {
            return areas.look(address);
        }
        return contiguous.look(address);
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

    /** Bytes of runs that wait for a grace period. */
    long deferredRunBytes() {
        return deferred.bytes();
    }

    long limboBytes() {
        return slabs.limboBytes() + deferred.bytes();
    }

    /** Bytes of all that is live and one owner's, by walking every table: exact when quiet. */
    long liveBytes(final int owner) {
        return slabs.liveBytes(owner) + (contiguous.pages(owner) << Pages.SHIFT) + areas.bytes(owner);
    }

    /** Areas that are live: exact when quiet. */
    int areas() {
        return (int)areas.count();
    }

    /** Bytes of the areas that are live. */
    long areaBytes() {
        return areas.bytes(-1);
    }

    /** Runs by address, of any length. */
    ContiguousRuns contiguous() {
        return contiguous;
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
