package org.vellum.alloc;

import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.FrameTable;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mem.Pages;

/**
 * Runs of frames by their addresses, whether a slot remembers them or not: who frees, measures or resizes one knows no more. What is
 * known of a run is the mark of its first frame.
 *
 * <p>Thread safety: any thread, nothing waits; methods that take a {@link Cpu} are for its occupant.
 */
final class ContiguousRuns {
    private final Cpus cpus;
    private final FrameAllocator frames;
    private final FrameTable table;
    private final DeferredRuns deferred;
    private final HeldRuns held;
    private final long bankPages;

    ContiguousRuns(final Cpus cpus, final FrameAllocator frames, final DeferredRuns deferred, final HeldRuns held) {
        this.cpus = cpus;
        this.frames = frames;
        this.deferred = deferred;
        this.held = held;
        table = frames.table();
        bankPages = 1L << frames.memory().bankShift();
    }

    /**
     * Allocates a longer run of contiguous frames.
     *
     * @param cpu the slot that the caller occupies.
     * @return the address, or {@link RawAllocator#NOTHING}: larger than a bank, or not to be had in one piece.
     */
    long allocate(final Cpu cpu, final long size, final long alignment, final int owner) {
        final long pages = Pages.of(size);
        final long aligned = Math.max(pages, alignment >>> Pages.SHIFT);
        if (aligned > bankPages) {
            return RawAllocator.NOTHING;
        }
        final long frame = frames.allocateRun(cpu, aligned, RunMark.of(RunMark.LOOSE, owner));
        if (frame == PhysicalMemory.NO_FRAME) {
            return RawAllocator.NOTHING;
        }
        if (aligned > pages) {
            frames.shrinkRun(cpu, frame, pages);
        }
        return frame << Pages.SHIFT;
    }

    /**
     * Frees a run. Never waits.
     *
     * @return what it was, packed as {@link RawAllocator} does.
     * @throws IllegalArgumentException if no run of the allocator's begins there.
     * @throws IllegalStateException if it is free already.
     */
    long free(final long address) {
        final long frame = address >>> Pages.SHIFT;
        final long word = table.marked(frame);
        final int mark = FrameTable.markOf(word);
        if (RunMark.state(mark) == RunMark.HELD && (address & Pages.OFFSET_MASK) == 0) {
            final int owner = RunMark.owner(mark);
            final long pages = owner == 0 ? 0 : table.runFrames(frame);
            // CAS: of two frees one wins, and the run's contents come before; partner: the acquire in HeldRuns.take.
            if (table.replaceMark(frame, word, RunMark.SPARE)) {
                return RawAllocator.packed(pages << Pages.SHIFT, owner);
            }
        }
        return freeAnyRun(address);
    }

    private long freeAnyRun(final long address) {
        final long frame = address >>> Pages.SHIFT;
        final int mark = table.mark(frame);
        if (!isLiveRun(address, mark)) {
            throw RunMisuse.of(table, address, mark);
        }
        // Only who has freed it knows that the length is still its own, so it is looked at before, and believed if the free succeeds.
        final long pages = table.runFrames(frame);
        if (!held.free(frame, mark)) {
            throw RunMisuse.freedMeanwhile(address);
        }
        return RawAllocator.packed(pages << Pages.SHIFT, RunMark.owner(mark));
    }

    /**
     * {@link #free} after a grace period.
     *
     * @param cpu the slot that the caller occupies, or null if it could get none.
     */
    long defer(final Cpu cpu, final long address) {
        final long frame = address >>> Pages.SHIFT;
        int mark = table.mark(frame);
        if (!isLiveRun(address, mark)) {
            throw RunMisuse.of(table, address, mark);
        }
        final int owner = RunMark.owner(mark);
        while (isLiveRun(address, mark) && RunMark.owner(mark) == owner) {
            final long pages = table.runFrames(frame);
            if (deferred.add(cpu, frame, mark)) {
                return RawAllocator.packed(pages << Pages.SHIFT, owner);
            }
            // A slot has forgotten it meanwhile, perhaps.
            mark = table.mark(frame);
        }
        throw RunMisuse.freedMeanwhile(address);
    }

    private static boolean isLiveRun(final long address, final int mark) {
        return (address & Pages.OFFSET_MASK) == 0 && RunMark.isLive(mark);
    }

    /** What is at an address, packed; throws as {@link #free}. */
    long look(final long address) {
        final int mark = table.mark(address >>> Pages.SHIFT);
        if (!isLiveRun(address, mark)) {
            throw RunMisuse.of(table, address, mark);
        }
        return RawAllocator.packed(table.runFrames(address >>> Pages.SHIFT) << Pages.SHIFT, RunMark.owner(mark));
    }

    /**
     * Makes a run of frames longer or shorter where it is.
     *
     * @param address of a live run that the caller owns.
     * @return whether it has that many pages now.
     */
    boolean resize(final long address, final long pages) {
        final long frame = address >>> Pages.SHIFT;
        final long before = table.runFrames(frame);
        final Cpu cpu = cpus.enter();
        try {
            if (pages == before) {
                return true;
            }
            if (!held.loosen(cpu, frame)) {
                return false;
            }
            if (pages < before) {
                frames.shrinkRun(cpu, frame, pages);
                return true;
            }
            return frames.growRun(cpu, frame, pages);
        } finally {
            cpu.exit();
        }
    }

    /** Live runs, and their pages, by walking the table of frames: exact when quiet. */
    long[] count() {
        final long[] sums = new long[2];
        for (int bank = 1; bank < frames.memory().bankLimit(); bank++) {
            if (frames.memory().bank(bank) != null) {
                count(bank * bankPages, (bank + 1) * bankPages, sums);
            }
        }
        return sums;
    }

    private void count(final long from, final long to, final long[] sums) {
        for (long frame = from; frame < to; frame++) {
            if (RunMark.isLive(table.mark(frame))) {
                sums[0]++;
                sums[1] += table.runFrames(frame);
            }
        }
    }

    /** Pages of the live runs of one owner: exact when quiet. */
    long pages(final int owner) {
        long pages = 0;
        for (int bank = 1; bank < frames.memory().bankLimit(); bank++) {
            if (frames.memory().bank(bank) != null) {
                pages += countPages(bank * bankPages, (bank + 1) * bankPages, owner);
            }
        }
        return pages;
    }

    private long countPages(final long from, final long to, final int owner) {
        long pages = 0;
        for (long frame = from; frame < to; frame++) {
            final int mark = table.mark(frame);
            pages += RunMark.isLive(mark) && RunMark.owner(mark) == owner ? table.runFrames(frame) : 0;
        }
        return pages;
    }
}
