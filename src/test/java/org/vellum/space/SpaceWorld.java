package org.vellum.space;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.Sweeper;
import org.vellum.cpu.Worker;
import org.vellum.epoch.Epochs;
import org.vellum.epoch.Retirements;
import org.vellum.epoch.StallDetector;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.FrameOptions;
import org.vellum.frame.PhysicalMemory;
import org.vellum.gather.GatherMode;
import org.vellum.mem.Pages;
import org.vellum.report.Listener;

/** A small memory and its spaces; epochs begin just below their wrap. */
final class SpaceWorld implements AutoCloseable {
    static final long PAGE = Pages.SIZE;
    private static final long GRACE_NANOS = 200_000_000L;

    final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(4).withFirstEpoch(0xFFFF_FF01L));
    final Epochs epochs = new Epochs(cpus, new Sweeper(cpus, Listener.SILENT),
        new StallDetector(cpus, Listener.SILENT, Long.MAX_VALUE));
    final FrameAllocator frames;
    final Retirements retirements = new Retirements(epochs, Listener.SILENT);
    final Worker worker;
    final Spaces spaces;
    private int hashGroups;

    SpaceWorld(final int frameCount) {
        this(frameCount, false);
    }

    SpaceWorld(final int frameCount, final boolean withWorker) {
        frames = new FrameAllocator(cpus,
            new FrameOptions((long)frameCount << Pages.SHIFT, Math.max(64 << 10, Integer.highestOneBit(frameCount) << 10)));
        worker = withWorker ? new Worker("space-worker", Listener.SILENT) : null;
        spaces = new Spaces(epochs, frames, retirements, worker, this::relieve, GRACE_NANOS, Listener.SILENT);
    }

    private long relieve(final long fight) {
        retirements.poll();
        spaces.poll();
        if (cpus.inSection()) {
            return fight == Relief.BEGIN ? 1 : Relief.LOST;
        }
        epochs.awaitPassed(epochs.stamp(), GRACE_NANOS);
        spaces.poll();
        frames.drainIdle();
        return fight < 2 ? fight + 1 : Relief.LOST;
    }

    /** Translations of its spaces are kept in a hash, too; 0 groups: they are not. */
    SpaceWorld hashed(final int groups) {
        hashGroups = groups;
        return this;
    }

    AddressSpace space(final long pages) {
        return spaces.create(SpaceOptions.of(pages * PAGE).withHash(hashGroups));
    }

    AddressSpace space(final long pages, final GatherMode mode, final UnmapPolicy policy) {
        return spaces.create(SpaceOptions.of(pages * PAGE).withMode(mode).withPolicy(policy).withHash(hashGroups));
    }

    /** A frame of the test's own, or {@link org.vellum.frame.PhysicalMemory#NO_FRAME}. */
    long allocate() {
        final Cpu cpu = cpus.enter();
        try {
            return frames.allocate(cpu, 0);
        } finally {
            cpu.exit();
        }
    }

    void free(final long frame) {
        final Cpu cpu = cpus.enter();
        try {
            frames.free(cpu, frame, 0);
        } finally {
            cpu.exit();
        }
    }

    /** Takes frames until only so many are left. */
    List<Long> takeAllBut(final long left) {
        frames.drainIdle();
        final List<Long> taken = new ArrayList<>();
        while (frames.freeFrames() > left) {
            final long frame = allocate();
            if (frame == PhysicalMemory.NO_FRAME) {
                throw new AssertionError("free=" + frames.freeFrames() + " left=" + left);
            }
            taken.add(frame);
        }
        return taken;
    }

    /** All that went is free; returns how many frames are in use. */
    long settledFrames() {
        if (worker != null) {
            worker.quiesce();
        }
        do {
            epochs.synchronize();
        } while (retirements.poll() + spaces.poll() > 0);
        spaces.gathers().settle();
        return frames.allocatedFrames();
    }

    /** Nothing is in use but what open spaces have, and the zero frame if there is one. */
    void requireFramesInUse(final long expected) {
        assertEquals(expected, settledFrames(), () -> "frames in use");
        spaces.verify();
        frames.verify();
    }

    @Override
    public void close() {
        spaces.close(Listener.SILENT);
        settledFrames();
        if (worker != null) {
            worker.close();
        }
        assertEquals(0, frames.allocatedFrames(), "frames left when all spaces are closed");
        frames.verify();
    }
}
