package org.vellum.alloc;

import java.util.concurrent.ConcurrentLinkedQueue;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.Sweeper;
import org.vellum.epoch.Epochs;
import org.vellum.epoch.StallDetector;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.FrameOptions;
import org.vellum.report.Listener;

/** A memory of one bank for one state at a time, whose slot 0 holds as many runs of a page as it can. A cell that was settled serves the next state. */
final class RunCell {
    private static final int RUN_CLASS = RunSizes.of(1);
    static final int RUNS = RunSizes.held(RUN_CLASS);

    private static final int SLOTS = 2;
    private static final int MOST_POLLS = 4;
    private static final ConcurrentLinkedQueue<RunCell> SETTLED = new ConcurrentLinkedQueue<>();

    private final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(SLOTS).withMaxSlots(8).withCells(4));
    private final Epochs epochs = new Epochs(cpus, new Sweeper(cpus, Listener.SILENT),
        new StallDetector(cpus, Listener.SILENT, Long.MAX_VALUE));
    private final FrameAllocator frames =
        new FrameAllocator(cpus, new FrameOptions(2 * FrameOptions.MIN_BANK_BYTES, FrameOptions.MIN_BANK_BYTES));
    private final DeferredRuns deferred = new DeferredRuns(epochs, frames, Listener.SILENT);
    private final HeldRuns runs = new HeldRuns(cpus, frames, deferred);
    /** The harness bounds the heap that its states take, but knows nothing of their direct memory. */
    private final byte[] ballast = new byte[2 * (int)FrameOptions.MIN_BANK_BYTES];

    /** All banks at once: in a section nobody waits for one that another actor is adding. */
    private RunCell() {
        frames.grow(frames.configuredFrames());
    }

    static RunCell take() {
        final RunCell cell = SETTLED.poll();
        return cell == null ? new RunCell() : cell;
    }

    private Cpu visit(final int slot) {
        Cpu cpu = cpus.tryVisit(slot);
        while (cpu == null) {
            Thread.onSpinWait();
            cpu = cpus.tryVisit(slot);
        }
        return cpu;
    }

    /** Runs that slot 0 holds, in the order in which it forgets them. */
    long[] held() {
        final long[] held = new long[RUNS];
        final Cpu cpu = visit(0);
        try {
            for (int i = 0; i < RUNS; i++) {
                held[i] = runs.take(cpu, RUN_CLASS, 0);
            }
        } finally {
            cpu.exit();
        }
        return held;
    }

    /** Whether it was this free that freed it. */
    boolean free(final long frame) {
        final int mark = frames.table().mark(frame);
        return RunMark.isLive(mark) && runs.free(frame, mark);
    }

    /** Whether it was this call that deferred its free. */
    boolean defer(final long frame) {
        int mark = frames.table().mark(frame);
        while (RunMark.isLive(mark)) {
            if (deferred.add(null, frame, mark)) {
                return true;
            }
            mark = frames.table().mark(frame);
        }
        return false;
    }

    void drain(final int slot) {
        final Cpu cpu = visit(slot);
        try {
            runs.drain(cpu);
        } finally {
            cpu.exit();
        }
    }

    /** Frames that are out though all was freed; the cell serves again if there are none. */
    int settle() {
        for (int i = 0; i < MOST_POLLS && deferred.bytes() > 0; i++) {
            epochs.synchronize();
            deferred.poll();
        }
        for (int slot = 0; slot < SLOTS; slot++) {
            drain(slot);
        }
        final int out = (int)frames.allocatedFrames();
        if (out == 0 && ballast.length > 0) {
            SETTLED.add(this);
        }
        return out;
    }
}
