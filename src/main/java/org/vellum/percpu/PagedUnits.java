package org.vellum.percpu;

import org.vellum.cpu.Cpu;
import org.vellum.gather.MmuGather;
import org.vellum.mem.Pages;

/**
 * Units on single frames, mapped page by page into one area of the window: what always works, at the price of a translation. One group,
 * since all frames are equally near.
 */
final class PagedUnits implements UnitMemory {
    private final Foundation below;
    private final Layout layout;
    private final long area;
    /** By slot and page. */
    private final long[] frames;

    /**
     * Gets memory for all units, filled and mapped.
     *
     * @param options whose plan is for one group and atoms of a page here.
     * @param below the rooms.
     * @throws org.vellum.report.ExhaustedException if frames or addresses have run out; nothing has changed.
     */
    PagedUnits(final PercpuOptions options, final Foundation below) {
        this.below = below;
        final int slots = below.cpus().cachedSlots();
        layout = new Layout(options.plan(slots, Pages.SIZE, null), options.idsOf(slots));
        frames = allocateFrames(slots * pages());
        // Before they are mapped: whoever is handed an address finds it filled.
        final byte[] image = options.staticImage();
        for (int i = 0; i < frames.length; i++) {
            UnitMemory.fill(below.frames().memory().nativeAddress(frames[i]), i % pages() << Pages.SHIFT, Pages.SIZE, image);
        }
        area = allocateArea();
        for (int slot = 0; slot < slots; slot++) {
            below.vmap().mapPages(area, area + layout.unitOffset(slot), frames, slot * pages(), pages());
        }
    }

    private int pages() {
        return layout.firstBytes() >>> Pages.SHIFT;
    }

    private long[] allocateFrames(final int count) {
        final long[] taken = new long[count];
        int got = 0;
        for (int attempt = 0; got < count; attempt++) {
            below.frames().grow(count - got);
            got += allocateSlices(taken, got);
            if (got < count && !below.reclaimer().reclaim(attempt)) {
                free(taken, got);
                throw below.reclaimer().exhausted("percpu first chunk", count, true);
            }
        }
        return taken;
    }

    /** As many as there are. */
    private int allocateSlices(final long[] taken, final int from) {
        int got = from;
        int last = -1;
        while (got < taken.length && got != last) {
            last = got;
            final Cpu cpu = below.cpus().enter();
            try {
                got += below.frames().allocateBulk(cpu, taken, got, Math.min(MmuGather.SLICE_PAGES, taken.length - got));
            } finally {
                cpu.exit();
            }
        }
        return got - from;
    }

    private long allocateArea() {
        try {
            return below.vmap().congruentAreas(layout.groupOffsets(), layout.groupBytes(), layout.areaAlign())[0];
        } catch (final RuntimeException e) {
            // Never mapped, so no grace period is needed.
            free(frames, frames.length);
            throw e;
        }
    }

    private void free(final long[] taken, final int count) {
        for (int done = 0; done < count; done += MmuGather.SLICE_PAGES) {
            final Cpu cpu = below.cpus().enter();
            try {
                below.frames().freeBulk(cpu, taken, done, Math.min(MmuGather.SLICE_PAGES, count - done));
            } finally {
                cpu.exit();
            }
        }
    }

    @Override
    public Layout layout() {
        return layout;
    }

    @Override
    public long base() {
        return area;
    }

    @Override
    public long bytes() {
        return (long)frames.length << Pages.SHIFT;
    }

    @Override
    public void retire() {
        below.vmap().vunmap(area);
    }

    @Override
    public void free() {
        free(frames, frames.length);
    }
}
