package org.vellum.frame;

import org.vellum.mem.Pages;

/**
 * How many frames there are, by where they are. Exact when quiet; while others run, what is under way may be missed or seen twice.
 *
 * <p>Thread safety: all methods may be called by any thread; none waits.
 */
final class FrameTotals {
    private final PhysicalMemory memory;
    private final FrameTable table;
    private final Banks banks;
    private final SlotLists lists;
    private final Depot depot;
    private final Counters counters;
    private final long configuredFrames;

    FrameTotals(
        final PhysicalMemory memory,
        final FrameTable table,
        final Banks banks,
        final SlotLists lists,
        final Depot depot,
        final Counters counters,
        final long configuredFrames) {
        this.memory = memory;
        this.table = table;
        this.banks = banks;
        this.lists = lists;
        this.depot = depot;
        this.counters = counters;
        this.configuredFrames = configuredFrames;
    }

    long configuredFrames() {
        return configuredFrames;
    }

    long presentFrames() {
        return memory.presentBytes() >>> Pages.SHIFT;
    }

    long mostPresentBytes() {
        return banks.mostPresentBytes();
    }

    long residentBytes() {
        return banks.held() << memory.bankShift() + Pages.SHIFT;
    }

    long mostUsedFrames() {
        return counters.mostUsedFrames();
    }

    /** Free in the banks that are present, no matter in whose list. */
    long freePresentFrames() {
        return counters.buddyFrames() + counters.overflowFrames() + cachedFrames();
    }

    /** Whether fewer than so many are free in the banks that are present. Nobody's lists are looked at if the buddy has as many. */
    boolean isShort(final long frames) {
        return counters.buddyFrames() + counters.overflowFrames() < frames && freePresentFrames() < frames;
    }

    /** Free in lists and in the depot: ready for allocation, but not to be joined. */
    long cachedFrames() {
        return lists.frames() + depot.frames();
    }

    /** Free frames that every slot can get at in any size, those of banks not yet added among them. */
    long sharedFreeFrames() {
        return counters.buddyFrames() + counters.overflowFrames()
            + (banks.refusal() == null ? configuredFrames - presentFrames() : 0);
    }

    long freeFrames() {
        return sharedFreeFrames() + cachedFrames();
    }

    /** In allocated blocks, by a walk of the table. */
    long allocatedFrames() {
        long frames = 0;
        for (int number = 1; number < memory.bankLimit(); number++) {
            final MemoryBank bank = memory.bank(number);
            final long end = bank == null ? 0 : bank.firstFrame() + bank.frames();
            for (long frame = bank == null ? 0 : bank.firstFrame(); frame < end;) {
                final long word = table.word(frame);
                final long size = 1L << FrameWord.order(word);
                frames += FrameWord.state(word) == FrameTable.ALLOCATED ? size : 0;
                frame += size;
            }
        }
        return frames;
    }
}
