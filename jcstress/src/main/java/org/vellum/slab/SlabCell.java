package org.vellum.slab;

import java.util.Arrays;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.Sweeper;
import org.vellum.epoch.Epochs;
import org.vellum.epoch.StallDetector;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.FrameOptions;
import org.vellum.report.Listener;

/**
 * A memory of four slabs for one state at a time; no worker, so that only the actors act.
 *
 * <p>A cell that was settled serves the next state. The harness also makes states that it never runs; their cells are collected.
 */
final class SlabCell {
    /** Four objects a slab: the window between the last but one and none is as wide as the slab. */
    static final int SIZE_CLASS = SizeClasses.of(8192);

    /** What a free returns here: it freed, or it was told. */
    static final int FREED = 1;
    static final int TOLD = 0;

    private static final int BANKS = 2;
    private static final long ADDRESS_MASK = -1L >>> Short.SIZE;
    private static final int MOST_POLLS = 8;
    private static final ConcurrentLinkedQueue<SlabCell> SETTLED = new ConcurrentLinkedQueue<>();

    final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(2).withMaxSlots(8).withCells(4));
    final Epochs epochs = new Epochs(cpus, new Sweeper(cpus, Listener.SILENT),
        new StallDetector(cpus, Listener.SILENT, Long.MAX_VALUE));
    final FrameAllocator frames =
        new FrameAllocator(cpus, new FrameOptions(BANKS * FrameOptions.MIN_BANK_BYTES, FrameOptions.MIN_BANK_BYTES));
    final SlabAllocator slabs = new SlabAllocator(epochs, frames, Listener.SILENT);
    /** The harness bounds the heap that its states take, but knows nothing of their direct memory. */
    private final byte[] ballast = new byte[BANKS * (int)FrameOptions.MIN_BANK_BYTES];

    /** All banks at once: in a section nobody waits for one that another actor is adding. */
    private SlabCell() {
        frames.grow(frames.configuredFrames());
    }

    static SlabCell take() {
        final SlabCell cell = SETTLED.poll();
        return cell == null ? new SlabCell() : cell;
    }

    /** Occupies a slot; somebody may be in it for the length of a free. */
    Cpu visit(final int slot) {
        Cpu cpu = cpus.tryVisit(slot);
        while (cpu == null) {
            Thread.onSpinWait();
            cpu = cpus.tryVisit(slot);
        }
        return cpu;
    }

    long allocate(final int slot) {
        return allocate(slot, SIZE_CLASS);
    }

    long allocate(final int slot, final int sizeClass) {
        final Cpu cpu = visit(slot);
        try {
            return slabs.allocate(cpu, sizeClass, 0);
        } finally {
            cpu.exit();
        }
    }

    void drain(final int slot) {
        final Cpu cpu = visit(slot);
        try {
            slabs.drain(cpu);
        } finally {
            cpu.exit();
        }
    }

    /**
     * @return four objects, a whole slab, which is the current one of slot 0; another slab is empty and kept, so that this one is
     *     released when it falls empty.
     */
    long[] fullSlab() {
        return fullSlab(SIZE_CLASS);
    }

    /** The same with objects of another size: the smaller they are, the longer it takes to look through the slab. */
    long[] fullSlab(final int sizeClass) {
        final int objects = SizeClasses.objects(sizeClass);
        final long[] all = new long[2 * objects];
        for (int i = 0; i < all.length; i++) {
            all[i] = allocate(0, sizeClass);
            if (all[i] == 0) {
                throw new OutOfMemoryError("object " + i + " " + frames.exhaustionReason() + ballast.length);
            }
        }
        free(Arrays.copyOf(all, objects));
        return Arrays.copyOfRange(all, objects, all.length);
    }

    void free(final long... addresses) {
        for (final long address : addresses) {
            slabs.free(address);
        }
    }

    int tryFree(final long address) {
        try {
            slabs.free(address);
            return FREED;
        } catch (final IllegalStateException e) {
            return TOLD;
        }
    }

    long nativeAddress(final long address) {
        final long linear = address & ADDRESS_MASK;
        return frames.memory().nativeAddress(linear >>> 12) + (linear & 4095);
    }

    void write(final long address, final long value) {
        UnsafeApi.putLong(nativeAddress(address), value);
    }

    static int slabOf(final long address) {
        return (int)((address & ADDRESS_MASK) >>> SlabTable.SHIFT);
    }

    /**
     * What must hold once both actors are done, before anybody tidies up.
     *
     * @return the slabs that are left, or -1 if something is wrong with one.
     */
    int slabsLeft() {
        try {
            slabs.verify();
        } catch (final AssertionError e) {
            return -1;
        }
        final int left = slabs.count().slabs();
        return frames.allocatedFrames() == (long)left << SlabTable.ORDER ? left : -1;
    }

    /** @return 1 if, with these freed and all drained, every frame is back; the cell then serves again. */
    int settle(final long... live) {
        free(live);
        for (int i = 0; i < MOST_POLLS && slabs.limboBytes() > 0; i++) {
            slabs.poll();
        }
        slabs.drainIdle();
        if (slabsLeft() != 0 || slabs.limboBytes() != 0) {
            return 0;
        }
        SETTLED.add(this);
        return 1;
    }
}
