package org.vellum.percpu;

import org.vellum.cpu.Cpu;
import org.vellum.gather.WindowGather;
import org.vellum.mem.Pages;
import org.vellum.vmap.Fight;

/**
 * Units on single frames, mapped page by page into one area of the window: what always works, at the price of a translation. One group,
 * since all frames are equally near.
 */
final class PagedUnits implements UnitMemory {
    private final Foundation below;
    private final Layout layout;
    /** By slot and page. */
    private final FrameBatch frames;
    private final Runnable beforeStep;
    private long area;

    /**
     * Gets memory for all units, filled and mapped.
     *
     * @param options whose plan is for one group and atoms of a page here.
     * @param below the rooms.
     * @param beforeStep runs before each step: the frames of a slice, the area, the mapping of a unit. For tests.
     * @throws org.vellum.report.ExhaustedException if frames or addresses have run out; nothing has changed.
     */
    PagedUnits(final PercpuOptions options, final Foundation below, final Runnable beforeStep) {
        this.below = below;
        this.beforeStep = beforeStep;
        final int slots = below.cpus().cachedSlots();
        layout = new Layout(options.plan(slots, Pages.SIZE, null), options.idsOf(slots));
        frames = new FrameBatch(slots * pages());
        try {
            obtain(options.staticImage());
        } catch (final RuntimeException | Error e) {
            UnitMemory.alsoAfter(e, this::giveBack);
            throw e;
        }
    }

    private void obtain(final byte[] image) {
        allocateFrames();
        // Before they are mapped: whoever is handed an address finds it filled.
        for (int i = 0; i < frames.count; i++) {
            UnitMemory.fill(below.frames().memory().nativeAddress(frames.frames[i]), i % pages() << Pages.SHIFT, Pages.SIZE, image);
        }
        beforeStep.run();
        area = below.vmap().congruentAreas(layout.groupOffsets(), layout.groupBytes(), layout.areaAlign())[0];
        for (int slot = 0; slot < layout.slots(); slot++) {
            beforeStep.run();
            below.vmap().mapPages(area, area + layout.unitOffset(slot), frames.frames, slot * pages(), pages());
        }
    }

    private int pages() {
        return layout.firstBytes() >>> Pages.SHIFT;
    }

    private void allocateFrames() {
        final int wanted = frames.frames.length;
        long fight = Fight.BEGIN;
        while (frames.count < wanted) {
            below.frames().grow(wanted - frames.count);
            allocateSlices();
            fight = frames.count < wanted ? below.reclaimer().reclaim(fight) : fight;
            if (fight == Fight.LOST) {
                throw below.reclaimer().exhausted("percpu first chunk", wanted, true);
            }
        }
    }

    /** As many as there are. */
    private void allocateSlices() {
        int last = -1;
        while (frames.count < frames.frames.length && frames.count != last) {
            last = frames.count;
            beforeStep.run();
            final Cpu cpu = below.cpus().enter();
            try {
                frames.count += below.frames().allocateBulk(cpu, frames.frames, frames.count,
                    Math.min(WindowGather.SLICE_PAGES, frames.frames.length - frames.count));
            } finally {
                cpu.exit();
            }
        }
    }

    /** Undoes what was done until something failed: for that no slot is needed, of which there may be none. */
    private void giveBack() {
        final PendingFrames pending = new PendingFrames(below);
        if (area == 0) {
            pending.freeNow(frames);
        } else {
            below.vmap().vunmap(area);
            // Some may have been mapped; and the address may be guessed.
            pending.add(frames);
            below.reclaimer().awaitGrace();
            pending.poll(true);
        }
        if (pending.frames() > 0) {
            below.reclaimer().add(pending);
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
        return (long)frames.count << Pages.SHIFT;
    }

    @Override
    public void retire() {
        below.vmap().vunmap(area);
    }

    @Override
    public void free() {
        while (frames.freed < frames.count) {
            final int slice = Math.min(WindowGather.SLICE_PAGES, frames.count - frames.freed);
            final Cpu cpu = below.cpus().enter();
            try {
                below.frames().freeBulk(cpu, frames.frames, frames.freed, slice);
                frames.freed += slice;
            } finally {
                cpu.exit();
            }
        }
    }
}
