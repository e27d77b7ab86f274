package org.vellum.alloc;

import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.epoch.Epochs;
import org.vellum.epoch.Limbo;
import org.vellum.epoch.Release;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.FrameTable;
import org.vellum.mem.Pages;
import org.vellum.report.Listener;

/**
 * Runs of frames that are freed after a grace period. Limbo links and stamps them in the words of the frame table that serve
 * free blocks: a run that is DEFERRED is allocated, as far as the frames are concerned.
 */
final class DeferredRuns implements Release {
    private static final int BATCH_BYTES = 1 << 20;

    private final Cpus cpus;
    private final FrameAllocator frames;
    private final FrameTable table;
    private final Limbo limbo;

    DeferredRuns(final Epochs epochs, final FrameAllocator frames, final Listener listener) {
        cpus = epochs.cpus();
        this.frames = frames;
        table = frames.table();
        limbo = new Limbo(epochs, table.records(), FrameTable.RECORD_WORDS, FrameTable.LINK, FrameTable.STAMP, BATCH_BYTES, this,
            listener);
    }

    /**
     * Retires a live run. Never waits, allocates or fails otherwise.
     *
     * @param cpu the slot that the caller occupies, or null if it could get none.
     * @param mark as it was seen: LOOSE or HELD.
     * @return false, with nothing changed, if the mark is another by now.
     */
    boolean add(final Cpu cpu, final long frame, final int mark) {
        final int waiting = RunMark.state(mark) == RunMark.HELD ? RunMark.PARTING : RunMark.DEFERRED;
        if (!table.changeMark(frame, mark, waiting)) {
            return false;
        }
        limbo.retire(cpu, frame);
        return true;
    }

    int poll() {
        return limbo.pollAll();
    }

    long bytes() {
        return limbo.bytes();
    }

    /** For one load, off by less than a batch a slot. */
    long bytesEstimate() {
        return limbo.bytesEstimate();
    }

    @Override
    public String kind() {
        return "run of frames";
    }

    @Override
    public long bytes(final long frame) {
        return table.runFrames(frame) << Pages.SHIFT;
    }

    @Override
    public boolean release(final Cpu own, final long frame) {
        // CAS: the slot that remembers it finds it spare, or has forgotten it, perhaps just now.
        if (table.changeMark(frame, RunMark.PARTING, RunMark.SPARE)) {
            return true;
        }
        final Cpu cpu = own == null ? cpus.tryEnter() : own;
        if (cpu == null) {
            return false;
        }
        try {
            frames.freeRun(cpu, frame, RunMark.DEFERRED);
            return true;
        } finally {
            if (own == null) {
                cpu.exit();
            }
        }
    }
}
