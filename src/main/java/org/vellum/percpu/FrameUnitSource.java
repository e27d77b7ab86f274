package org.vellum.percpu;

import org.vellum.cpu.Cpu;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.PhysicalMemory;
import org.vellum.gather.MmuGather;
import org.vellum.mem.Pages;

/**
 * Units on contiguous frames, at their linear addresses. All memory is equally near here, so the CPU does not matter.
 *
 * <p>A block of the buddy is taken apart into single frames at once, so that any part of it can be freed for itself.
 */
final class FrameUnitSource implements UnitSource {
    private static final long REFUSED = 0;

    private final Foundation below;
    private final FrameAllocator frames;

    FrameUnitSource(final Foundation below) {
        this.below = below;
        frames = below.frames();
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
        for (int attempt = 0;; attempt++) {
            frames.grow(1L << order);
            final long block = takeBlock(order);
            if (block != PhysicalMemory.NO_FRAME) {
                final long address = block << Pages.SHIFT;
                final long surplus = ((long)Pages.SIZE << order) - bytes;
                free(address + bytes, surplus);
                return address;
            }
            if (!below.reclaimer().reclaim(attempt)) {
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
        final long[] slice = new long[(int)Math.min(MmuGather.SLICE_PAGES, bytes >>> Pages.SHIFT)];
        final long end = address + bytes >>> Pages.SHIFT;
        for (long frame = address >>> Pages.SHIFT; frame < end; frame += slice.length) {
            final int count = (int)Math.min(slice.length, end - frame);
            for (int i = 0; i < count; i++) {
                slice[i] = frame + i;
            }
            final Cpu cpu = below.cpus().enter();
            try {
                frames.freeBulk(cpu, slice, 0, count);
            } finally {
                cpu.exit();
            }
        }
    }
}
