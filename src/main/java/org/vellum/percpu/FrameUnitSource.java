package org.vellum.percpu;

import org.vellum.cpu.Cpu;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mem.Pages;
import org.vellum.vmap.Fight;

/**
 * Units on contiguous frames, at their linear addresses. All memory is equally near here, so the CPU does not matter.
 *
 * <p>A block of the buddy is taken apart into single frames at once, so that any part of it can be freed for itself. Freeing does without a slot,
 * if none is to be had: it is what undoes a failure, and that may have been it.
 */
final class FrameUnitSource implements UnitSource {
    private static final long REFUSED = 0;

    private final Foundation below;
    private final FrameAllocator frames;
    private final PendingFrames pending;
    /** Whether others poll what is pending: not before there is something. */
    private boolean polled;

    FrameUnitSource(final Foundation below) {
        this.below = below;
        frames = below.frames();
        pending = new PendingFrames(below);
    }

    @Override
    public boolean freesParts() {
        return true;
    }

    @Override
    public long allocate(final int cpu, final long bytes, final long align) {
        // A block is aligned to its size.
        final long pages = Math.max(Pages.of(bytes), align >>> Pages.SHIFT);
        final int order = Long.SIZE - Long.numberOfLeadingZeros(pages - 1);
        if (order > frames.memory().bankShift()) {
            return REFUSED;
        }
        // Before there is anything that could be lost.
        final FrameBatch surplus = new FrameBatch((int)((1L << order) - Pages.of(bytes)));
        long fight = Fight.BEGIN;
        while (true) {
            frames.grow(1L << order);
            final long block = takeBlock(order);
            if (block != PhysicalMemory.NO_FRAME) {
                free(block + Pages.of(bytes), surplus);
                return block << Pages.SHIFT;
            }
            fight = below.reclaimer().reclaim(fight);
            if (fight == Fight.LOST) {
                return REFUSED;
            }
        }
    }

    private long takeBlock(final int order) {
        final Cpu cpu = below.cpus().enter();
        try {
            final long block = frames.allocate(cpu, order);
            if (block != PhysicalMemory.NO_FRAME) {
                frames.split(block, order);
            }
            return block;
        } finally {
            cpu.exit();
        }
    }

    @Override
    public void free(final long address, final long bytes) {
        free(address >>> Pages.SHIFT, new FrameBatch((int)(bytes >>> Pages.SHIFT)));
    }

    private void free(final long first, final FrameBatch batch) {
        for (int i = 0; i < batch.frames.length; i++) {
            batch.add(first + i);
        }
        pending.freeNow(batch);
        if (pending.frames() > 0 && !polled) {
            polled = true;
            below.reclaimer().add(pending);
        }
    }
}
