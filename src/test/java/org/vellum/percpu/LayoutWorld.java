package org.vellum.percpu;

import org.agrona.UnsafeApi;
import org.vellum.SmallMemory;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.Sweeper;
import org.vellum.epoch.Epochs;
import org.vellum.epoch.StallDetector;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.FrameOptions;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mmu.MappedAccess;
import org.vellum.mmu.PageTable;
import org.vellum.report.Listener;
import org.vellum.vmap.AtomicFrees;
import org.vellum.vmap.Reclaimer;
import org.vellum.vmap.Vmalloc;
import org.vellum.vmap.Vmap;
import org.vellum.vmap.VmapOptions;
import org.vellum.vmap.VmapSpace;

/** The rooms below percpu, without a worker, with an ear for what is reported. */
final class LayoutWorld {
    static final int PAGE = SmallMemory.PAGE;
    static final long MIB = 1L << 20;

    final SmallMemory.Ear ear = new SmallMemory.Ear();
    final Cpus cpus;
    final Epochs epochs;
    final FrameAllocator frames;
    final PageTable table;
    final MappedAccess access;
    final VmapSpace space;
    final Reclaimer reclaimer;
    final Vmap vmap;
    final Foundation below;

    /** All memory in one bank. */
    LayoutWorld(final int slots, final long memoryBytes, final long windowBytes) {
        this(slots, memoryBytes, memoryBytes, windowBytes, SmallMemory.PATIENT_NANOS);
    }

    LayoutWorld(final int slots, final long memoryBytes, final long bankBytes, final long windowBytes, final long graceNanos) {
        this(CpuOptions.forThisMachine().withCachedSlots(slots), memoryBytes, bankBytes, windowBytes, graceNanos);
    }

    LayoutWorld(final CpuOptions slots, final long memoryBytes, final long bankBytes, final long windowBytes, final long graceNanos) {
        cpus = new Cpus(slots.withFirstEpoch(SmallMemory.NEAR_WRAP));
        epochs = new Epochs(cpus, new Sweeper(cpus, Listener.SILENT), new StallDetector(cpus, Listener.SILENT, Long.MAX_VALUE));
        frames = new FrameAllocator(cpus, new FrameOptions(memoryBytes, bankBytes));
        final VmapOptions options = VmapOptions.of(memoryBytes).withWindowPages(windowBytes / PAGE).withGraceNanos(graceNanos)
            .withRangeCaches(false);
        final long align = 4 * MIB;
        table = new PageTable((frames.memory().physEnd() + align - 1) & -align, options.windowPages());
        access = new MappedAccess(table, frames.memory(), cpus);
        space = new VmapSpace(epochs, frames, table, options, Listener.SILENT);
        reclaimer = new Reclaimer(space, null);
        vmap = new Vmap(space, reclaimer, new Vmalloc(space, reclaimer, access, new AtomicFrees(space, null)));
        below = new Foundation(epochs, frames, access, space, reclaimer, vmap, ear);
    }

    /** Contiguous frames, each for itself. */
    long takeBlock(final int order) {
        final Cpu cpu = cpus.enter();
        try {
            final long block = frames.allocate(cpu, order);
            if (block == PhysicalMemory.NO_FRAME) {
                throw new AssertionError("no block of order " + order);
            }
            frames.split(block, order);
            return block;
        } finally {
            cpu.exit();
        }
    }

    void free(final long frame, final long count) {
        final Cpu cpu = cpus.enter();
        try {
            for (long i = 0; i < count; i++) {
                frames.free(cpu, frame + i, 0);
            }
        } finally {
            cpu.exit();
        }
    }

    /** Leaves rubbish in all of the bank. */
    void dirty(final int bankOrder) {
        final long block = takeBlock(bankOrder);
        UnsafeApi.setMemory(frames.memory().nativeAddress(block), (long)PAGE << bankOrder, (byte)0xA5);
        free(block, 1L << bankOrder);
        frames.drainIdle();
    }

    /** Nothing in limbo, structures whole, and just so much in use. */
    void requireQuiet(final long allocatedFrames, final long liveAreas) {
        for (int i = 0; i < 2; i++) {
            epochs.synchronize();
            reclaimer.poll(true);
        }
        cpus.verifyQuiet();
        space.verify();
        frames.verify();
        if (frames.allocatedFrames() != allocatedFrames || space.liveAreas() != liveAreas || space.limboBytes() != 0) {
            throw new AssertionError("frames=" + frames.allocatedFrames() + " expected=" + allocatedFrames + " areas="
                + space.liveAreas() + " expected=" + liveAreas + " limbo=" + space.limboBytes());
        }
    }
}
