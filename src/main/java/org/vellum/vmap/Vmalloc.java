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

    /** Of the areas that are made here, and the only ones that are ended, resized and measured here. */
    private final AreaKind kind;
    private final VmapSpace space;
    private final Reclaimer reclaimer;
    private final FrameFiller filler;
    private final AreaResizer resizer;
    private final AtomicFrees atomicFrees;

    /**
     * @param space the window.
     * @param reclaimer what to do on exhaustion.
     * @param access for zeroing on reallocation.
     * @param atomicFrees areas that callbacks freed.
     */
    public Vmalloc(
        final VmapSpace space, final Reclaimer reclaimer, final MappedAccess access, final AtomicFrees atomicFrees) {
        kind = AreaKind.VMALLOC;
        this.space = space;
        this.reclaimer = reclaimer;
        this.atomicFrees = atomicFrees;
        filler = new FrameFiller(space);
        resizer = new AreaResizer(space, reclaimer, access, filler);
    }

    private Vmalloc(final Vmalloc other, final AreaKind kind) {
        this.kind = kind;
        space = other.space;
        reclaimer = other.reclaimer;
        atomicFrees = other.atomicFrees;
        filler = other.filler;
        resizer = other.resizer;
    }

    /** The same family over the same window, whose areas are of another kind: what is made by one of the two is refused by the other. */
    Vmalloc ofKind(final AreaKind other) {
        return new Vmalloc(this, other);
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
        long fight = Fight.BEGIN;
        while (true) {
            // Frames that were taken in vain wait in limbo and are missing to everybody: better not to begin.
            final boolean inVain = isInVain(space, fight, pages);
            final long id = inVain ? VmapSpace.NONE
                : space.reserve(kind, flags, pages, alignPages, lowPage, highPage, size);
            outOfFrames |= inVain;
            if (id >= 0) {
                if (fill(id, flags)) {
                    return space.publish(id);
                }
                // Its addresses wait in limbo, so that a later attempt may lack addresses as well.
                outOfFrames = true;
                space.lazy.abandon(id);
            }
            fight = reclaimer.reclaim(fight);
            if (fight == Fight.LOST) {
                throw id == VmapSpace.BUSY ? reclaimer.busy("vmalloc", pages)
                    : reclaimer.exhausted("vmalloc", pages, outOfFrames);
            }
        }
    }

    /**
     * Whether so many frames are certainly not there. It takes a look at every slot: not asked for few, unless a try has failed already, which
     * would find what it has put into limbo itself worth waiting for, again and again.
     */
    static boolean isInVain(final VmapSpace space, final long fight, final long pages) {
        return (pages >= WORTH_COUNTING || fight != Fight.BEGIN) && pages > space.frames.freeFrames();
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
        end(address, kind.endedBy(), kind);
    }

    void end(final long address, final String call, final AreaKind ended) {
        if (address == 0) {
            return;
        }
        StackReserve.ensureOperation();
        final EagerFlush eager = space.eager();
        if (eager == null) {
            space.lazy.retire(space.claim(address, call, ended, AreaRecords.LAZY));
            reclaimer.afterRetire();
            return;
        }
        eager.lock(call);
        try {
            space.lazy.retire(space.claim(address, call, ended, AreaRecords.LAZY));
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
            atomicFrees.push(space.claim(address, "vfreeAtomic", kind, AreaRecords.RETIRING));
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
            space.lazy.retireMapped(space.claim(address, "retire", kind, AreaRecords.RETIRING));
            reclaimer.afterRetire();
        }
    }

    /**
     * The bytes that may be used of an area: those of its whole pages, which may be more than were asked for. {@link #vrealloc} keeps
     * what was asked for; of zeroed areas it keeps no more.
     *
     * @param address of the first byte.
     * @return in bytes, a multiple of the page size, at least one page.
     * @throws IllegalArgumentException if no live area of {@code vmalloc} or its relatives here starts there, as for {@link #vfree}.
     */
    public long sizeOf(final long address) {
        return space.records().pages(find(address, "sizeOf")) << Pages.SHIFT;
    }

    /** The record of a live area of this kind that starts exactly here; throws as {@link #vfree}. */
    long find(final long address, final String call) {
        final long id = space.find(address);
        if (id == VmapSpace.NONE || AreaRecords.kindOf(space.records().state(id)) != kind) {
            throw new IllegalArgumentException(VmapFaults.explain(space, address, call));
        }
        return id;
    }

    /**
     * Changes the size of an area (V42) without copying. Pages are added in place if the addresses behind the area are free; else
     * its frames move to another range, keeping alignment and flags but not the bounds of {@link #vmallocRange}: the old address
     * faults from now on, as after {@link #vfree}; what sections have translated by it stays theirs to use, and is what the
     * new address maps. With fewer pages, the frames of the last are freed after a grace period, and their addresses fault at once.
     *
     * <p>Never concurrently with itself, a free or a look-up of the same area.
     *
     * @param address of the first byte, or 0 to allocate.
     * @param size new size in bytes; 0 frees.
     * @return the address, another if it moved; 0 if it was freed. Unchanged if the number of pages did not grow.
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
        final long id = find(address, "vrealloc");
        StackReserve.ensureOperation();
        if (Pages.of(size) == space.records().pages(id)) {
            resizer.keep(id, address, size);
            return address;
        }
        final EagerFlush eager = space.eager();
        if (eager == null) {
            return resize(address, size);
        }
        eager.lock("vrealloc");
        try {
            final long resized = resize(address, size);
            eager.flush();
            space.poll(false);
            return resized;
        } finally {
            eager.unlock();
        }
    }

    private long resize(final long address, final long size) {
        atomicFrees.poll(false);
        if (space.eager() == null) {
            reclaimer.beforeAllocation();
        }
        final long id = find(address, "vrealloc");
        final long word = space.records().state(id);
        if (AreaRecords.stateOf(word) != AreaRecords.BUSY || AreaRecords.tagOf(word) != Address.tag(address)) {
            throw new IllegalArgumentException(VmapFaults.explain(space, address, "vrealloc"));
        }
        final long pages = Pages.of(size);
        long resized = address;
        if (pages < space.records().pages(id)) {
            resizer.shrink(id, word, address, size);
        } else if (pages > space.frames.configuredFrames()) {
            throw reclaimer.exhausted("vrealloc", pages, true);
        } else {
            resized = resizer.grow(id, word, address, size);
        }
        reclaimer.afterRetire();
        return resized;
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
