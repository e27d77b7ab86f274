package org.vellum.vmap;

import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.SlotCounter;
import org.vellum.epoch.Epochs;
import org.vellum.epoch.Limbo;
import org.vellum.epoch.Release;
import org.vellum.frame.FrameAllocator;
import org.vellum.gather.WindowGather;
import org.vellum.mem.Pages;
import org.vellum.mmu.Entry;
import org.vellum.mmu.PageTable;
import org.vellum.report.Listener;

/**
 * Areas between their end and the reuse of their addresses and frames.
 *
 * <p>An ended area is cleared, stamped, and waits in limbo; afterwards its frames are freed, and its range goes to the slot that
 * wants it back, or to the tree. One that must stay mapped for a grace period ({@link #retireMapped}) goes through two limbos.
 *
 * <p>Thread safety: all methods may be called by any thread; none waits.
 */
final class LazyAreas {
    /** Areas that an allocation which needs one takes out of its slot's limbo in one go. */
    private static final int RECYCLED = 64;
    /** A slot that takes its ranges back itself may hold this part of the window in limbo before others look after it. */
    private static final long WINDOW_SHARE = 64;
    /** A slot that has gathered this part of what all may has enough for a flush of its own. */
    private static final long FLUSH_SHARE = 16;

    private final Epochs epochs;
    private final Cpus cpus;
    private final PageTable table;
    private final WindowGather gather;
    private final Ranges ranges;
    private final AreaRecords records;
    private final Limbo limbo;
    private final Limbo retiring;
    private final SlotCounter lazyPages;
    private final SlotCounter lazyFrames;
    private final long mostBytesPerSlot;
    private final long flushBytes;

    LazyAreas(
        final Epochs epochs, final FrameAllocator frames, final PageTable table, final VmapOptions options,
        final Ranges ranges, final Listener listener) {
        this.epochs = epochs;
        cpus = epochs.cpus();
        this.table = table;
        this.ranges = ranges;
        records = ranges.records;
        gather = new WindowGather(cpus, table, frames);
        // The bounds must not be exceeded by more than a part because slots count for themselves; small ones are exact.
        final long parts = 4L * cpus.cachedSlots();
        final long batchPages = Math.max(1, options.lazyMaxPages() / parts);
        lazyPages = new SlotCounter(cpus, batchPages);
        lazyFrames = new SlotCounter(cpus, Math.max(1, frames.configuredFrames() / Reclaimer.LIMBO_SHARE / parts));
        limbo = limbo(epochs, batchPages, new ReleaseArea(), listener);
        retiring = limbo(epochs, batchPages, new UnmapArea(), listener);
        flushBytes = Math.max(1, options.lazyMaxPages() / FLUSH_SHARE) << Pages.SHIFT;
        mostBytesPerSlot = table.pages() / WINDOW_SHARE << Pages.SHIFT;
    }

    private Limbo limbo(final Epochs epochs, final long batchPages, final Release release, final Listener listener) {
        return new Limbo(epochs, records.words(), AreaRecords.STRIDE_WORDS, AreaRecords.LINK, AreaRecords.STAMP,
            batchPages << Pages.SHIFT, release, listener);
    }

    /**
     * Clears the entries of a claimed area and hands it to limbo. Never waits, allocates or fails.
     *
     * @param id claimed: lazy, or reserved and given up.
     */
    void retire(final long id) {
        retire(id, false);
    }

    /** {@link #retire} of an area that was counted as lazy when it was claimed. */
    void retireCounted(final long id) {
        retire(id, true);
    }

    private void retire(final long id, final boolean counted) {
        final long start = records.start(id);
        final long pages = records.pages(id);
        for (long done = WindowGather.SLICE_PAGES; done < pages; done += WindowGather.SLICE_PAGES) {
            final Cpu cpu = cpus.tryEnter();
            gather.clearNoFlush(start + done, Math.min(WindowGather.SLICE_PAGES, pages - done));
            exit(cpu);
        }
        final Cpu cpu = cpus.tryEnter();
        try {
            if (!counted) {
                count(cpu, id, 1);
            }
            gather.clearNoFlush(start, Math.min(WindowGather.SLICE_PAGES, pages));
            cpus.noteClear(cpu);
            limbo.retire(cpu, id);
        } finally {
            exit(cpu);
        }
    }

    private static void exit(final Cpu cpu) {
        if (cpu != null) {
            cpu.exit();
        }
    }

    /** Counts an area as lazy, or no longer: from the claim that ended it until its frames and addresses are back. */
    void count(final Cpu cpu, final long id, final int sign) {
        lazyPages.add(cpu, sign * records.span(id));
        final long owned = ownedPages(id);
        if (owned != 0) {
            lazyFrames.add(cpu, sign * owned);
        }
    }

    private long ownedPages(final long id) {
        final long word = records.state(id);
        return AreaRecords.kindOf(word).ownsFrames() || (AreaRecords.flagsOf(word) & VmallocFlags.PUT_PAGES) != 0
            ? records.pages(id) : 0;
    }

    /** Gives up a reserved area that could not be filled. It was never visible, but its entries were. */
    void abandon(final long id) {
        abandon(id, 0);
    }

    /**
     * {@link #abandon(long)} of an area that was filled from a page in its middle on. What is there is put side by side at its
     * start: an area remembers its frames by their number.
     *
     * @param id reserved.
     * @param from pages that have no entry, before the first that may.
     */
    void abandon(final long id, final long from) {
        final long start = records.start(id);
        final long most = records.pages(id) - from;
        long filled = 0;
        while (filled < most && Entry.isPresent(table.get(start + from + filled))) {
            if (from != 0) {
                gather.carryNoFlush(start + from + filled, start + filled);
            }
            filled++;
        }
        // So that limbo is not said to hold more frames than it does.
        records.pages(id, filled);
        records.become(id, AreaRecords.LAZY);
        retire(id);
    }

    /** Leaves the area mapped until a grace period has ended, then unmaps it. The claim moved it to retiring. */
    void retireMapped(final long id) {
        final Cpu cpu = cpus.tryEnter();
        try {
            count(cpu, id, 1);
            retiring.retire(cpu, id);
        } finally {
            exit(cpu);
        }
    }

    /** Gives the ranges that slots keep back to the tree; those that it cannot take now wait in limbo once more. */
    int giveBackKept() {
        return ranges.giveBackKept(id -> {
            records.become(id, AreaRecords.LAZY);
            retire(id);
        });
    }

    /** Takes what has passed of the caller's slot back for it, some of it. By the slot's occupant. Whether there was any. */
    boolean recycle(final Cpu cpu) {
        return limbo.releaseOwn(cpu, RECYCLED, flushBytes) > 0;
    }

    /** Of the window, as far as slots have told. */
    long lazyPages() {
        return lazyPages.estimate();
    }

    /** Owned frames in limbo, as far as slots have told. */
    long lazyFrames() {
        return lazyFrames.estimate();
    }

    long exactLazyPages() {
        return lazyPages.sum();
    }

    long exactLazyFrames() {
        return lazyFrames.sum();
    }

    /** Releases what has passed, of every slot that is idle, or only of the caller's own. Never waits. */
    int poll(final boolean all) {
        return all ? retiring.pollAll() + limbo.pollAll() : retiring.poll() + limbo.poll();
    }

    /** One flush, and what has passed of all that nobody takes back for himself. */
    int drain() {
        epochs.advanceFrom(epochs.now());
        return retiring.drain(0) + limbo.drain(mostBytesPerSlot);
    }

    /** Releases what has passed of the caller's own slot, without asking for a flush. */
    void releasePassed() {
        limbo.releasePassed();
    }

    long unmappedBytes() {
        return limbo.bytes();
    }

    long bytes() {
        return limbo.bytes() + retiring.bytes();
    }

    private boolean release(final Cpu own, final long id) {
        if (!gather.freeFrames(records.start(id), records.pages(id))) {
            return false;
        }
        final long span = records.span(id);
        final long owned = ownedPages(id);
        if ((own == null || !ranges.keep(own, id)) && !ranges.giveBack(id)) {
            return false;
        }
        // The record may be another area's by now.
        lazyPages.add(own, -span);
        if (owned != 0) {
            lazyFrames.add(own, -owned);
        }
        return true;
    }

    /** The end of an unmapped area's grace period. */
    private final class ReleaseArea implements Release {
        @Override
        public String kind() {
            return "area";
        }

        @Override
        public long bytes(final long id) {
            return records.span(id) << Pages.SHIFT;
        }

        @Override
        public boolean release(final Cpu own, final long id) {
            return LazyAreas.this.release(own, id);
        }
    }

    /** The end of the first grace period of an area that stayed mapped for it. */
    private final class UnmapArea implements Release {
        @Override
        public String kind() {
            return "retired area";
        }

        @Override
        public long bytes(final long id) {
            return records.span(id) << Pages.SHIFT;
        }

        @Override
        public boolean release(final Cpu own, final long id) {
            records.become(id, AreaRecords.LAZY);
            retireCounted(id);
            return true;
        }
    }
}
