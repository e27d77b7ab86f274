package org.vellum.vmap;

import org.vellum.cpu.Cpu;
import org.vellum.gather.WindowGather;
import org.vellum.mem.Pages;
import org.vellum.mmu.Address;
import org.vellum.mmu.Entry;

/**
 * The pages of sparse areas: mapped and unmapped one by one, by the owner of the range (V44).
 *
 * <p>Many pages take several sections, so that none holds up others' grace periods for long; and behind each of them a slot may be
 * refused.
 */
final class SparsePages {
    private final VmapSpace space;

    SparsePages(final VmapSpace space) {
        this.space = space;
    }

    /** See {@link Vmap#mapPages}; the frames have been checked. */
    void map(final long area, final long address, final long[] frames, final int offset, final int count) {
        checkUnmapped(area, address, count);
        int mapped = 0;
        try {
            while (mapped < count) {
                final int slice = Math.min(WindowGather.SLICE_PAGES, count - mapped);
                mapSlice(area, address + ((long)mapped << Pages.SHIFT), frames, offset + mapped, slice);
                mapped += slice;
            }
        } finally {
            if (mapped < count) {
                takeBack(area, address, mapped);
            }
        }
    }

    private void mapSlice(final long area, final long address, final long[] frames, final int offset, final int count) {
        final Cpu cpu = space.cpus.enter();
        try {
            // Looked up inside the section that stores: were the area ended meanwhile, its range could not be reused under us.
            final long page = check(area, address, count);
            for (int i = 0; i < count; i++) {
                space.table.set(page + i,
                    Entry.present(space.frames.memory().nativeAddress(frames[offset + i]), Address.tag(area), Entry.WRITABLE));
            }
        } finally {
            cpu.exit();
        }
    }

    /** What was mapped before a slot was refused. Without one, if need be: the range is still its owner's, who waits for us. */
    private void takeBack(final long area, final long address, final int count) {
        for (int done = 0; done < count && space.find(area) != VmapSpace.NONE; done += WindowGather.SLICE_PAGES) {
            final Cpu cpu = space.cpus.tryEnter();
            try {
                // Slices that were mapped were whole ones.
                clear(cpu, space.table.pageOf(address) + done, WindowGather.SLICE_PAGES);
            } finally {
                if (cpu != null) {
                    cpu.exit();
                }
            }
        }
    }

    /** See {@link Vmap#unmapPages}. */
    void unmap(final long area, final long address, final int count) {
        check(area, address, count);
        for (int done = 0; done < count; done += WindowGather.SLICE_PAGES) {
            final int slice = Math.min(WindowGather.SLICE_PAGES, count - done);
            final Cpu cpu = space.cpus.enter();
            try {
                // As in mapSlice: the look-up and the stores are one section.
                clear(cpu, check(area, address + ((long)done << Pages.SHIFT), slice), slice);
            } finally {
                cpu.exit();
            }
        }
    }

    private void clear(final Cpu cpu, final long page, final int count) {
        for (int i = 0; i < count; i++) {
            space.table.set(page + i, Entry.NONE);
        }
        space.cpus.noteClear(cpu);
    }

    private void checkUnmapped(final long area, final long address, final int count) {
        final long page = check(area, address, count);
        for (int i = 0; i < count; i++) {
            if (Entry.isPresent(space.table.get(page + i))) {
                throw new IllegalArgumentException("mapped already: address=0x" + Long.toHexString(address) + " page=" + i);
            }
        }
    }

    private long check(final long area, final long address, final int count) {
        final long id = space.find(area);
        if (id == VmapSpace.NONE || AreaRecords.kindOf(space.records().state(id)) != AreaKind.SPARSE) {
            throw new IllegalArgumentException(VmapFaults.explain(space, area, "sparse area"));
        }
        final long page = space.table.pageOf(address);
        final long first = space.records().start(id);
        if (count <= 0 || (address & Pages.OFFSET_MASK) != 0 || Address.tag(address) != Address.tag(area) || page < first
            || count > first + space.records().pages(id) - page) {
            throw new IllegalArgumentException("outside the area: address=0x" + Long.toHexString(address) + " count="
                + count + " area=0x" + Long.toHexString(area));
        }
        return page;
    }
}
