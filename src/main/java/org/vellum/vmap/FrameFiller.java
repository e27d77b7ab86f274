package org.vellum.vmap;

import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.PhysicalMemory;
import org.vellum.gather.WindowGather;
import org.vellum.mem.Pages;
import org.vellum.mmu.Entry;
import org.vellum.mmu.PageTable;

/**
 * Puts frames of the library's under a reserved area, in sections of bounded length.
 *
 * <p>A contiguous backing is a preference: one block of the buddy, taken apart into single frames so that the release need not
 * know (the kernel learned this the hard way: backing must be split pages), else scattered frames.
 */
final class FrameFiller {
    private final VmapSpace space;
    private final FrameAllocator frames;
    private final PageTable table;

    FrameFiller(final VmapSpace space) {
        this.space = space;
        frames = space.frames;
        table = space.table;
    }

    /**
     * Fills a whole area.
     *
     * @param id reserved.
     * @param flags of the area.
     * @return whether all pages have frames; if not, some may, and the caller gives the area up.
     */
    boolean fill(final long id, final int flags) {
        return fill(space.records().start(id), space.records().pages(id), space.tag(id), flags);
    }

    /**
     * Fills pages of a range that the caller has reserved, from the first on.
     *
     * @param first without entries, as all of them.
     * @param pages how many, at least 1.
     * @param tag of the area they are to be part of.
     * @param flags of that area.
     * @return whether all pages have frames; if not, some may.
     */
    boolean fill(final long first, final long pages, final long tag, final int flags) {
        long done = 0;
        if ((flags & VmallocFlags.CONTIGUOUS) != 0 && fillContiguous(first, pages, tag, flags)) {
            done = pages;
        }
        while (done < pages) {
            final long count = Math.min(WindowGather.SLICE_PAGES, pages - done);
            if (!fillSlice(first + done, count, tag, flags)) {
                return false;
            }
            done += count;
        }
        return true;
    }

    private boolean fillSlice(final long page, final long count, final long tag, final int flags) {
        final Cpu cpu = space.cpus.enter();
        try {
            for (long i = page, end = page + count; i < end; i++) {
                final long frame = frames.allocate(cpu, 0);
                if (frame == PhysicalMemory.NO_FRAME) {
                    return false;
                }
                install(i, frame, tag, flags);
            }
            return true;
        } finally {
            cpu.exit();
        }
    }

    private boolean fillContiguous(final long page, final long pages, final long tag, final int flags) {
        final int order = Long.SIZE - Long.numberOfLeadingZeros(pages - 1);
        final Cpu cpu = space.cpus.enter();
        try {
            final long block = frames.allocate(cpu, order);
            if (block == PhysicalMemory.NO_FRAME) {
                return false;
            }
            frames.split(block, order);
            for (long i = 0; i < 1L << order; i++) {
                if (i < pages) {
                    install(page + i, block + i, tag, flags);
                } else {
                    frames.free(cpu, block + i, 0);
                }
            }
            return true;
        } finally {
            cpu.exit();
        }
    }

    private void install(final long page, final long frame, final long tag, final int flags) {
        final long address = frames.memory().nativeAddress(frame);
        if ((flags & (VmallocFlags.ZERO | VmallocFlags.USER)) != 0) {
            UnsafeApi.setMemory(address, Pages.SIZE, (byte)0);
        }
        final long bits = (flags & VmallocFlags.READ_ONLY) != 0 ? Entry.OWNED : Entry.OWNED | Entry.WRITABLE;
        table.set(page, Entry.present(address, tag, bits));
    }
}
