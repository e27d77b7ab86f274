package org.vellum.vmap;

import org.vellum.cpu.StackReserve;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mem.Pages;
import org.vellum.mmu.Address;
import org.vellum.mmu.Entry;
import org.vellum.mmu.MappedAccess;
import org.vellum.report.ExhaustedException;

/**
 * {@code vmalloc} and its relatives: memory that is contiguous to look at, over frames that are not.
 *
 * <p>Sizes are in bytes and round up to pages; one guard page follows each area unless it was declined. Addresses are Vellum
 * addresses, tagged with the area's generation. A call with address 0 that ends an area does nothing, as {@code free(NULL)}.
 *
 * <p>Thread safety: all methods may be called by any thread. Allocation waits for at most one bounded grace period when
 * something has run out, and never inside a section. Freeing never waits under the lazy policy. Under the eager policy
 * everything waits, and refuses to be called inside a section.
 */
public final class Vmalloc {
    /** Pages from which on counting the free frames costs little beside taking so many. */
    private static final long WORTH_COUNTING = 128;

    private final VmapSpace space;
    private final Reclaimer reclaimer;
    private final MappedAccess access;
    private final FrameFiller filler;
    private final AtomicFrees atomicFrees;

    /**
     * @param space the window.
     * @param reclaimer what to do on exhaustion.
     * @param access for copying on reallocation.
     * @param atomicFrees areas that callbacks freed.
     */
    public Vmalloc(
        final VmapSpace space, final Reclaimer reclaimer, final MappedAccess access, final AtomicFrees atomicFrees) {
        this.space = space;
        this.reclaimer = reclaimer;
        this.access = access;
        this.atomicFrees = atomicFrees;
        filler = new FrameFiller(space);
    }

    /**
     * Allocates; the content is undefined.
     *
     * @param size in bytes, at least 1.
     * @return the address of the first byte, page-aligned.
     * @throws IllegalArgumentException if {@code size <= 0}.
     * @throws ExhaustedException if frames or addresses have run out.
     */
    public long vmalloc(final long size) {
        return vmalloc(size, Pages.SIZE, VmallocFlags.NONE);
    }

    /**
     * Allocates zeroed memory.
     *
     * @param size in bytes, at least 1.
     * @return the address of the first byte, page-aligned.
     * @throws IllegalArgumentException if {@code size <= 0}.
     * @throws ExhaustedException if frames or addresses have run out.
     */
    public long vzalloc(final long size) {
        return vmalloc(size, Pages.SIZE, VmallocFlags.ZERO);
    }

    /**
     * Allocates zeroed memory that is meant to be shown outside (V37).
     *
     * @param size in bytes, at least 1.
     * @return the address of the first byte, page-aligned.
     * @throws IllegalArgumentException if {@code size <= 0}.
     * @throws ExhaustedException if frames or addresses have run out.
     */
    public long vmallocUser(final long size) {
        return vmalloc(size, Pages.SIZE, VmallocFlags.ZERO | VmallocFlags.USER);
    }

    /**
     * Allocates with an alignment and flags.
     *
     * @param size in bytes, at least 1.
     * @param align in bytes, a power of two; below a page it means a page.
     * @param flags of {@link VmallocFlags}, all but {@link VmallocFlags#PUT_PAGES}.
     * @return the address of the first byte.
     * @throws IllegalArgumentException if {@code size <= 0}, {@code align} is not a power of two, or a flag is unknown.
     * @throws ExhaustedException if frames or addresses have run out, or more than all memory was asked for.
     */
    public long vmalloc(final long size, final long align, final int flags) {
        return vmallocRange(size, align, flags, space.table.start(), space.table.end());
    }

    /**
     * Allocates within bounds: the lowest range that fits (V2).
     *
     * @param size in bytes, at least 1.
     * @param align in bytes, a power of two.
     * @param flags of {@link VmallocFlags}, all but {@link VmallocFlags#PUT_PAGES}.
     * @param low first address that may be used; untagged.
     * @param high exclusive end, guard included; untagged.
     * @return the address of the first byte.
     * @throws IllegalArgumentException as for {@link #vmalloc(long, long, int)}, or if the bounds are not of the window.
     * @throws ExhaustedException if frames or addresses within the bounds have run out.
     */
    public long vmallocRange(final long size, final long align, final int flags, final long low, final long high) {
        checkSize(size);
        checkAlign(align);
        VmallocFlags.check(flags, VmallocFlags.ALL & ~VmallocFlags.PUT_PAGES);
        if (low > high || low < space.table.start() || high > space.table.end()) {
            throw new IllegalArgumentException("low=" + low + " high=" + high);
        }
        final long pages = Pages.of(size);
        if (pages > space.frames.configuredFrames()) {
            throw reclaimer.exhausted("vmalloc", pages, true);
        }
        StackReserve.ensureOperation();
        final EagerFlush eager = space.eager();
        if (eager == null) {
            atomicFrees.poll(false);
            reclaimer.beforeAllocation();
            return allocate(pages, Math.max(1, align >>> Pages.SHIFT), flags, low, high, size);
        }
        eager.lock("vmalloc");
        try {
            atomicFrees.poll(false);
            return allocate(pages, Math.max(1, align >>> Pages.SHIFT), flags, low, high, size);
        } finally {
            eager.unlock();
        }
    }

    private long allocate(
        final long pages, final long alignPages, final int flags, final long low, final long high, final long size) {
        final long lowPage = Pages.of(low - space.table.start());
        final long highPage = high - space.table.start() >>> Pages.SHIFT;
        boolean outOfFrames = false;
        if (space.frames.isShort(pages) && !space.cpus.inSection()) {
            // Here one can wait for a bank; the sections in which the frames are taken cannot.
            space.frames.grow(pages);
        }
        for (int attempt = 0;; attempt++) {
            // Frames that were taken in vain wait in limbo and are missing to everybody: better not to begin.
            final boolean inVain = pages >= WORTH_COUNTING && pages > space.frames.freeFrames();
            final long id = inVain ? VmapSpace.NONE
                : space.reserve(AreaKind.VMALLOC, flags, pages, alignPages, lowPage, highPage, size);
            outOfFrames |= inVain;
            if (id >= 0) {
                if (fill(id, flags)) {
                    return space.publish(id);
                }
                // Its addresses wait in limbo, so that a later attempt may lack addresses as well.
                outOfFrames = true;
                space.lazy.abandon(id);
            }
            if (!reclaimer.reclaim(attempt)) {
                throw id == VmapSpace.BUSY ? reclaimer.busy("vmalloc", pages)
                    : reclaimer.exhausted("vmalloc", pages, outOfFrames);
            }
        }
    }

    /** Whatever stops the filling, a reserved area does not stay behind. */
    private boolean fill(final long id, final int flags) {
        boolean settled = false;
        try {
            final boolean filled = filler.fill(id, flags);
            settled = true;
            return filled;
        } finally {
            if (!settled) {
                space.lazy.abandon(id);
            }
        }
    }

    /**
     * Frees an area. Its addresses fault at once; frames and addresses are reused after a grace period. Never waits under the
     * lazy policy, allocates nothing, may be called inside a section.
     *
     * @param address of the first byte, or 0 for nothing to do.
     * @throws IllegalArgumentException if no live area starts there: unknown, interior, foreign, of an earlier generation, freed
     *                                  already, or of another kind. Of two threads that free one address, one gets this.
     */
    public void vfree(final long address) {
        end(address, "vfree", AreaKind.VMALLOC);
    }

    void end(final long address, final String call, final AreaKind kind) {
        if (address == 0) {
            return;
        }
        StackReserve.ensureOperation();
        final EagerFlush eager = space.eager();
        if (eager == null) {
            space.lazy.retire(space.claim(address, call, kind, AreaRecords.LAZY));
            reclaimer.afterRetire();
            return;
        }
        eager.lock(call);
        try {
            space.lazy.retire(space.claim(address, call, kind, AreaRecords.LAZY));
            eager.flush();
            space.poll(false);
        } finally {
            eager.unlock();
        }
    }

    /**
     * {@link #vfree} for callbacks that may hold locks (V43): constant time, touches no entry, takes no lock. The unmapping
     * is done soon by the worker, or by the next allocation.
     *
     * @param address of the first byte, or 0 for nothing to do.
     * @throws IllegalArgumentException as {@link #vfree}.
     */
    public void vfreeAtomic(final long address) {
        if (address != 0) {
            StackReserve.ensureOperation();
            atomicFrees.push(space.claim(address, "vfreeAtomic", AreaKind.VMALLOC, AreaRecords.RETIRING));
            reclaimer.afterRetire();
        }
    }

    /**
     * Frees an area after a grace period during which it stays mapped: for memory that sections which began earlier may
     * still read (the kernel's {@code kvfree_rcu}). Never waits, allocates or fails, inside a section or out.
     *
     * @param address of the first byte, or 0 for nothing to do. Unpublish it first.
     * @throws IllegalArgumentException as {@link #vfree}.
     */
    public void retire(final long address) {
        if (address != 0) {
            StackReserve.ensureOperation();
            space.lazy.retireMapped(space.claim(address, "retire", AreaKind.VMALLOC, AreaRecords.RETIRING));
            reclaimer.afterRetire();
        }
    }

    /**
     * Changes the size of an area, in place if its pages suffice, else by allocating, copying and freeing (V42). Never
     * concurrently with itself or a free of the same area.
     *
     * @param address of the first byte, or 0 to allocate.
     * @param size new size in bytes; 0 frees.
     * @return the address, perhaps another; 0 if it was freed.
     * @throws IllegalArgumentException if {@code size < 0}, or as {@link #vfree}; the area stays valid.
     * @throws ExhaustedException if there is no room to grow; the area stays valid.
     */
    public long vrealloc(final long address, final long size) {
        if (size < 0) {
            throw new IllegalArgumentException("size=" + size);
        }
        if (address == 0) {
            return size == 0 ? 0 : vmalloc(size);
        }
        if (size == 0) {
            vfree(address);
            return 0;
        }
        final long id = space.find(address);
        if (id == VmapSpace.NONE || AreaRecords.kindOf(space.records().state(id)) != AreaKind.VMALLOC) {
            throw new IllegalArgumentException(VmapFaults.explain(space, address, "vrealloc"));
        }
        return size <= space.records().pages(id) << Pages.SHIFT ? resize(id, address, size) : move(id, address, size);
    }

    /**
     * How much may be used of an area.
     *
     * @param address of the first byte.
     * @return bytes from there, whole pages.
     * @throws IllegalArgumentException as {@link #vfree}.
     */
    public long sizeOf(final long address) {
        final long id = space.find(address);
        if (id == VmapSpace.NONE || AreaRecords.kindOf(space.records().state(id)) != AreaKind.VMALLOC) {
            throw new IllegalArgumentException(VmapFaults.explain(space, address, "sizeOf"));
        }
        return space.records().pages(id) << Pages.SHIFT;
    }

    private long resize(final long id, final long address, final long size) {
        final long old = space.records().size(id);
        final int flags = AreaRecords.flagsOf(space.records().state(id));
        // What nobody could write is zero still.
        if ((flags & (VmallocFlags.ZERO | VmallocFlags.USER)) != 0 && (flags & VmallocFlags.READ_ONLY) == 0) {
            // What is cut off now may come back by a later growth, and must be zero then.
            final long from = Math.min(old, size);
            access.setMemory(address + from, (space.records().pages(id) << Pages.SHIFT) - from, (byte)0);
        }
        space.records().size(id, size);
        return address;
    }

    private long move(final long id, final long address, final long size) {
        final int flags = AreaRecords.flagsOf(space.records().state(id));
        final long old = space.records().size(id);
        final long moved = vmalloc(size, space.records().align(id) << Pages.SHIFT, flags);
        boolean copied = false;
        try {
            copy(address, moved, old);
            copied = true;
        } finally {
            if (!copied) {
                vfree(moved);
            }
        }
        vfree(address);
        return moved;
    }

    /** By the linear map: the target may be read-only to everybody else. */
    private void copy(final long source, final long target, final long bytes) {
        for (long done = 0; done < bytes; done += Pages.SIZE) {
            final long linear = vmallocToFrame(target + done) << Pages.SHIFT;
            access.copyMemory(source + done, linear, Math.min(Pages.SIZE, bytes - done));
        }
    }

    /**
     * The frame behind an address (V38).
     *
     * @param address in the window, tagged.
     * @return the frame, or {@link PhysicalMemory#NO_FRAME} if nothing is mapped there for that tag.
     */
    public long vmallocToFrame(final long address) {
        if (!isVmallocAddress(address)) {
            return PhysicalMemory.NO_FRAME;
        }
        final long entry = space.table.get(space.table.pageOf(address));
        return Entry.isPresent(entry) && Entry.tag(entry) == Address.tag(address)
            ? space.frames.memory().frameOf(Entry.nativePage(entry)) : PhysicalMemory.NO_FRAME;
    }

    /**
     * A range test only (V38): says nothing of what is mapped.
     *
     * @param address any.
     * @return whether the vmap window contains it.
     */
    public boolean isVmallocAddress(final long address) {
        return space.table.contains(address);
    }

    /** For tests that must prove their own coverage. */
    VmapSpace space() {
        return space;
    }

    /** For tests that must prove their own coverage. */
    Reclaimer reclaimer() {
        return reclaimer;
    }

    static void checkSize(final long size) {
        if (size <= 0) {
            throw new IllegalArgumentException("size=" + size);
        }
    }

    static void checkAlign(final long align) {
        if (align <= 0 || Long.bitCount(align) != 1) {
            throw new IllegalArgumentException("align=" + align);
        }
    }
}
