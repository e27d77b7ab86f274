package org.vellum.vmap;

import java.util.Arrays;
import org.vellum.cpu.StackReserve;
import org.vellum.frame.FrameTable;
import org.vellum.gather.WindowGather;
import org.vellum.mem.Pages;
import org.vellum.mmu.Entry;
import org.vellum.report.ExhaustedException;

/**
 * {@code vmap} and its relatives: ranges over frames that the caller owns.
 *
 * <p>The frames stay the caller's: it may free, hand away or change one only after {@code unmapAliases()} has returned, or
 * the callback of a retirement that followed the unmap has run. Until then some section may still use the old mapping.
 *
 * <p>Thread safety: all methods may be called by any thread; waiting as {@link Vmalloc}.
 */
public final class Vmap {
    private final VmapSpace space;
    private final Reclaimer reclaimer;
    private final Vmalloc vmalloc;
    private final SparsePages sparse;

    /**
     * @param space the window.
     * @param reclaimer what to do on exhaustion.
     * @param vmalloc ends areas.
     */
    public Vmap(final VmapSpace space, final Reclaimer reclaimer, final Vmalloc vmalloc) {
        this.space = space;
        this.reclaimer = reclaimer;
        this.vmalloc = vmalloc;
        sparse = new SparsePages(space);
    }

    /**
     * Maps frames side by side.
     *
     * @param frames numbers of allocated frames, in the order in which they are to appear.
     * @param offset index of the first in the array.
     * @param count how many, at least 1.
     * @param flags {@link VmallocFlags#READ_ONLY}, {@link VmallocFlags#PUT_PAGES} (the frames become the library's, and
     *              {@code vfree} frees them, V32), or none. {@link VmallocFlags#NO_GUARD} is refused (V29): the guard behind
     *              one area is what stands before the next.
     * @return the address of the first page.
     * @throws IllegalArgumentException if the count is not positive, the array is too short, a frame is not allocated, not
     *                                  single although it is to be put, or a flag is not allowed; nothing is changed.
     * @throws ExhaustedException if addresses have run out, or the count is more than all memory.
     */
    public long vmap(final long[] frames, final int offset, final int count, final int flags) {
        VmallocFlags.check(flags, VmallocFlags.READ_ONLY | VmallocFlags.PUT_PAGES);
        if ((flags & VmallocFlags.PUT_PAGES) != 0) {
            checkSingle(frames, offset, count);
        }
        return map(AreaKind.VMAP, "vmap", frames, offset, count, flags);
    }

    /**
     * Maps frames as one area of a given kind; for {@link #vmap} and for {@code vmMapRam} of many pages.
     *
     * @param kind which call ends it.
     * @param call the method, for messages.
     * @param frames numbers of allocated frames.
     * @param offset index of the first in the array.
     * @param count how many, at least 1.
     * @param flags of the area.
     * @return the address of the first page.
     * @throws IllegalArgumentException as {@link #vmap}.
     * @throws ExhaustedException if addresses have run out.
     */
    public long map(
        final AreaKind kind, final String call, final long[] frames, final int offset, final int count, final int flags) {
        checkRange(frames, offset, count);
        if (count > space.frames.configuredFrames()) {
            throw reclaimer.exhausted(call, count, true);
        }
        StackReserve.ensureOperation();
        final EagerFlush eager = space.eager();
        if (eager == null) {
            reclaimer.beforeAllocation();
            return mapUnderLock(kind, call, frames, offset, count, flags);
        }
        eager.lock(call);
        try {
            return mapUnderLock(kind, call, frames, offset, count, flags);
        } finally {
            eager.unlock();
        }
    }

    /**
     * {@link #map} by a caller that is under the eager policy's lock already, if there is one.
     *
     * @param kind which call ends it.
     * @param call the method, for messages.
     * @param frames numbers of allocated frames.
     * @param offset index of the first in the array.
     * @param count how many, at least 1.
     * @param flags of the area.
     * @return the address of the first page.
     * @throws IllegalArgumentException as {@link #vmap}.
     * @throws ExhaustedException if addresses have run out.
     */
    public long mapUnderLock(
        final AreaKind kind, final String call, final long[] frames, final int offset, final int count, final int flags) {
        checkFrames(frames, offset, count);
        return install(reserve(kind, call, flags, count), frames, offset, count, flags);
    }

    /**
     * {@link #mapUnderLock} that tries once.
     *
     * @param kind as there.
     * @param frames as there.
     * @param offset as there.
     * @param count as there.
     * @return the address of the first page, or 0 if there is no room for it.
     * @throws IllegalArgumentException as there.
     */
    public long tryMapUnderLock(final AreaKind kind, final long[] frames, final int offset, final int count) {
        checkFrames(frames, offset, count);
        final long id = space.reserve(kind, VmallocFlags.NONE, count, 1, 0, space.table.pages(), (long)count << Pages.SHIFT);
        return id < 0 ? 0 : install(id, frames, offset, count, VmallocFlags.NONE);
    }

    private long install(final long id, final long[] frames, final int offset, final int count, final int flags) {
        final long page = space.records().start(id);
        final long tag = space.tag(id);
        long bits = (flags & VmallocFlags.READ_ONLY) != 0 ? 0 : Entry.WRITABLE;
        bits |= (flags & VmallocFlags.PUT_PAGES) != 0 ? Entry.OWNED : 0;
        for (int i = 0; i < count; i++) {
            space.table.set(page + i, Entry.present(space.frames.memory().nativeAddress(frames[offset + i]), tag, bits));
        }
        return space.publish(id);
    }

    private long reserve(final AreaKind kind, final String call, final int flags, final long pages) {
        long fight = Fight.BEGIN;
        while (true) {
            final long id = space.reserve(kind, flags, pages, 1, 0, space.table.pages(), pages << Pages.SHIFT);
            if (id >= 0) {
                return id;
            }
            fight = reclaimer.reclaim(fight);
            if (fight == Fight.LOST) {
                throw id == VmapSpace.BUSY ? reclaimer.busy(call, pages) : reclaimer.exhausted(call, pages, false);
            }
        }
    }

    private static void checkRange(final long[] frames, final int offset, final int count) {
        if (count <= 0 || offset < 0 || offset > frames.length - count) {
            throw new IllegalArgumentException("offset=" + offset + " count=" + count + " frames.length=" + frames.length);
        }
    }

    private void checkFrames(final long[] frames, final int offset, final int count) {
        checkRange(frames, offset, count);
        for (int i = offset; i < offset + count; i++) {
            if (!isAllocated(frames[i])) {
                throw new IllegalArgumentException("not an allocated frame: frames[" + i + "]=" + frames[i]);
            }
        }
    }

    /** Frames that are to be freed one by one must have been allocated one by one. */
    private void checkSingle(final long[] frames, final int offset, final int count) {
        checkFrames(frames, offset, count);
        for (int i = offset; i < offset + count; i++) {
            if (space.frames.table().state(frames[i]) != FrameTable.ALLOCATED || space.frames.table().order(frames[i]) != 0) {
                throw new IllegalArgumentException("of a larger block, cannot be put: frames[" + i + "]=" + frames[i]);
            }
        }
    }

    private boolean isAllocated(final long frame) {
        final int state = space.frames.table().state(frame);
        return state == FrameTable.ALLOCATED || state == FrameTable.TAIL;
    }

    /**
     * Unmaps an area of {@link #vmap}, unless its frames were put, or of {@link #sparseArea}. Its addresses fault at once and are reused after a grace period;
     * the frames are the caller's throughout. Never waits under the lazy policy.
     *
     * @param address of the first page, or 0 for nothing to do.
     * @throws IllegalArgumentException if no live area of these kinds starts there.
     */
    public void vunmap(final long address) {
        vmalloc.end(address, "vunmap", AreaKind.VMAP);
    }

    /**
     * Unmaps an area of {@code vmMapRam} that no block serves.
     *
     * @param address of the first page.
     * @param count pages it was mapped with.
     * @throws IllegalArgumentException if no such area starts there, or the count differs (V20).
     */
    public void unmapRam(final long address, final int count) {
        final long id = space.find(address);
        if (id != VmapSpace.NONE && AreaRecords.kindOf(space.records().state(id)) == AreaKind.RAM
            && space.records().pages(id) != count) {
            throw new IllegalArgumentException("vmUnmapRam: count=" + count + ", mapped with "
                + space.records().pages(id) + ": address=0x" + Long.toHexString(address));
        }
        if (address == 0) {
            throw new IllegalArgumentException("vmUnmapRam: address=0x0 count=" + count);
        }
        vmalloc.end(address, "vmUnmapRam", AreaKind.RAM);
    }

    /**
     * Reserves addresses without frames, to be mapped page by page (V44).
     *
     * @param size in bytes, at least 1; rounds up to pages.
     * @return the address of the first page; {@link #vunmap} ends it.
     * @throws IllegalArgumentException if {@code size <= 0}.
     * @throws ExhaustedException if addresses have run out.
     */
    public long sparseArea(final long size) {
        Vmalloc.checkSize(size);
        StackReserve.ensureOperation();
        return space.publish(reserve(AreaKind.SPARSE, "sparseArea", VmallocFlags.NONE, Pages.of(size)));
    }

    /**
     * Areas at fixed distances from one base, as high as they fit: one offset then means the same in each (V45). Each is a
     * sparse area of its own, but they share a tag: their addresses, tags included, lie at just these distances.
     *
     * @param offsets of the areas from the base, in bytes, ascending, multiples of {@code align}.
     * @param sizes in bytes, multiples of {@code align}.
     * @param align in bytes, a power of two, at least a page.
     * @return the addresses of the areas, each ended by {@link #vunmap}.
     * @throws IllegalArgumentException if an argument breaks these rules, or the areas overlap.
     * @throws ExhaustedException if they do not fit.
     */
    public long[] congruentAreas(final long[] offsets, final long[] sizes, final long align) {
        Vmalloc.checkAlign(align);
        if (offsets.length != sizes.length || align < Pages.SIZE) {
            throw new IllegalArgumentException("offsets.length=" + offsets.length + " sizes.length=" + sizes.length
                + " align=" + align);
        }
        StackReserve.ensureOperation();
        final long[] offsetPages = pagesOf("offsets", offsets, align);
        final long[] sizePages = pagesOf("sizes", sizes, align);
        final long[] ids = new long[offsets.length];
        long fight = Fight.BEGIN;
        while (!space.reserveCongruent(offsetPages, sizePages, align >>> Pages.SHIFT, ids)) {
            fight = reclaimer.reclaim(fight);
            if (fight == Fight.LOST) {
                throw reclaimer.exhausted("congruentAreas", Arrays.stream(sizePages).sum(), false);
            }
        }
        for (int i = 0; i < ids.length; i++) {
            ids[i] = space.publish(ids[i]);
        }
        return ids;
    }

    private static long[] pagesOf(final String name, final long[] bytes, final long align) {
        final long[] pages = new long[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            if (bytes[i] < 0 || (bytes[i] & align - 1) != 0) {
                throw new IllegalArgumentException(name + "[" + i + "]=" + bytes[i] + " align=" + align);
            }
            pages[i] = bytes[i] >>> Pages.SHIFT;
        }
        return pages;
    }

    /**
     * Maps frames into a sparse area (V44). Each range of the area has one owner at a time: not for two
     * threads at once.
     *
     * @param area address of the area's first page.
     * @param address where to map, page-aligned, within the area; nothing may be mapped there.
     * @param frames numbers of allocated frames.
     * @param offset index of the first in the array.
     * @param count how many, at least 1.
     * @throws IllegalArgumentException if it is not a sparse area, the range leaves it or is mapped already, or a frame is not
     *                                  allocated; nothing is changed.
     * @throws ExhaustedException if no slot became idle in time. Nothing is mapped; but of more than {@link WindowGather#SLICE_PAGES} pages
     *     some may have been, so that the frames are to be kept as after {@link #unmapPages}.
     */
    public void mapPages(final long area, final long address, final long[] frames, final int offset, final int count) {
        checkFrames(frames, offset, count);
        StackReserve.ensureOperation();
        sparse.map(area, address, frames, offset, count);
    }

    /**
     * Unmaps pages of a sparse area; those not mapped are skipped. The caller keeps the frames until {@code unmapAliases()}
     * has returned.
     *
     * @param area address of the area's first page.
     * @param address of the first page to unmap, within the area.
     * @param count how many, at least 1.
     * @throws IllegalArgumentException if it is not a sparse area or the range leaves it; nothing is changed.
     * @throws ExhaustedException if no slot became idle in time: of more than {@link WindowGather#SLICE_PAGES} pages some may be unmapped by then,
     *     and the call may be repeated.
     */
    public void unmapPages(final long area, final long address, final int count) {
        StackReserve.ensureOperation();
        sparse.unmap(area, address, count);
    }
}
