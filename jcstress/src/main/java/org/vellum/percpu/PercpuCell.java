package org.vellum.percpu;

import java.util.concurrent.ConcurrentLinkedQueue;
import org.agrona.UnsafeApi;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.Sweeper;
import org.vellum.epoch.Epochs;
import org.vellum.epoch.StallDetector;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.FrameOptions;
import org.vellum.mmu.MappedAccess;
import org.vellum.mmu.PageTable;
import org.vellum.report.Listener;
import org.vellum.report.PageFaultException;
import org.vellum.vmap.AtomicFrees;
import org.vellum.vmap.Reclaimer;
import org.vellum.vmap.Vmalloc;
import org.vellum.vmap.Vmap;
import org.vellum.vmap.VmapOptions;
import org.vellum.vmap.VmapSpace;

/**
 * An allocator for one state at a time, over rooms that all share. Two CPUs, units of eight pages, of which the first chunk uses
 * six: one that is taken, and five that are empty, so that others may be given back.
 */
final class PercpuCell {
    /** What a look at an allocation shows. */
    static final int NONE = 0;
    static final int RIGHT = 1;
    static final int WRONG = 2;

    static final int PAGE = 4096;

    private static final long MEMORY = 2L << 30;
    private static final int SLOTS = 2;
    private static final Cpus CPUS = new Cpus(CpuOptions.forThisMachine().withCachedSlots(SLOTS));
    private static final Epochs EPOCHS = new Epochs(CPUS, new Sweeper(CPUS, Listener.SILENT),
        new StallDetector(CPUS, Listener.SILENT, Long.MAX_VALUE));
    private static final FrameAllocator FRAMES = new FrameAllocator(CPUS, new FrameOptions(MEMORY, 4L << 20));
    private static final VmapOptions OPTIONS = VmapOptions.of(MEMORY).withWindowPages(1 << 20);
    private static final PageTable TABLE = new PageTable(1L << 40, OPTIONS.windowPages());
    private static final MappedAccess ACCESS = new MappedAccess(TABLE, FRAMES.memory(), CPUS);
    private static final VmapSpace SPACE = new VmapSpace(EPOCHS, FRAMES, TABLE, OPTIONS, Listener.SILENT);
    private static final Reclaimer RECLAIMER = new Reclaimer(SPACE, null);
    private static final Vmap VMAP =
        new Vmap(SPACE, RECLAIMER, new Vmalloc(SPACE, RECLAIMER, ACCESS, new AtomicFrees(SPACE, null)));
    private static final PercpuOptions SHAPE = PercpuOptions.DEFAULT.withDynamicBytes(6 * PAGE - 64);
    private static final ConcurrentLinkedQueue<PercpuCell> SETTLED = new ConcurrentLinkedQueue<>();

    final PercpuAllocator percpu;
    private final long held;

    private PercpuCell() {
        percpu = new PercpuAllocator(EPOCHS, FRAMES, ACCESS, SPACE, new Reclaimer(SPACE, null), VMAP, null, SHAPE, Listener.SILENT);
        held = percpu.allocate(PAGE - 64, 4);
    }

    /** As it is when nothing else is allocated. */
    static PercpuCell take() {
        final PercpuCell cell = SETTLED.poll();
        return cell == null ? new PercpuCell() : cell;
    }

    /** Takes all pages of the first chunk, so that allocations go to others. */
    long takeFirst() {
        return percpu.allocate(5 * PAGE, 4);
    }

    /** Whether all copies are there, and zero, all the while it looks; they are left with a pattern. */
    int look(final long pointer, final int bytes) {
        if (pointer == 0) {
            return NONE;
        }
        try {
            boolean zero = true;
            for (int cpu = 0; cpu < SLOTS; cpu++) {
                final long copy = percpu.access().address(pointer, cpu);
                for (int i = 0; i < bytes; i += 256) {
                    zero &= UnsafeApi.getLongOpaque(null, ACCESS.writable(copy + i)) == 0;
                    UnsafeApi.putLongOpaque(null, ACCESS.writable(copy + i), pointer | cpu);
                }
            }
            return zero && isIntact(pointer, bytes) ? RIGHT : WRONG;
        } catch (final PageFaultException e) {
            return WRONG;
        }
    }

    /** Whether the pattern is still there. */
    boolean isIntact(final long pointer, final int bytes) {
        boolean intact = true;
        for (int cpu = 0; cpu < SLOTS; cpu++) {
            final long copy = percpu.access().address(pointer, cpu);
            for (int i = 0; i < bytes; i += 256) {
                intact &= UnsafeApi.getLongOpaque(null, ACCESS.readable(copy + i)) == (pointer | cpu);
            }
        }
        return intact;
    }

    /** 1 if it was this call that freed it. */
    int free(final long pointer) {
        try {
            percpu.free(pointer);
            return 1;
        } catch (final IllegalStateException e) {
            return 0;
        }
    }

    /** Frees what is given; 1 if all is whole then, and nothing else allocated. Then it serves the next state. */
    int settle(final long... pointers) {
        for (final long pointer : pointers) {
            percpu.free(pointer);
        }
        try {
            percpu.verify();
        } catch (final AssertionError e) {
            return 0;
        }
        if (percpu.stats().areas() != 1 || percpu.stats().bytes() != PAGE - 64 || held == 0) {
            return 0;
        }
        percpu.balance();
        // Without a chunk to spare, the next state begins as the first one did.
        SETTLED.add(this);
        return 1;
    }
}
