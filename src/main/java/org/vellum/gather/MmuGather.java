package org.vellum.gather;

import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mmu.Entry;
import org.vellum.mmu.PageTable;

/**
 * Unmaps ranges of the vmap window before their flush, and frees their frames after it.
 *
 * <p>Thread safety: each range has one owner at a time, who calls; different ranges are independent. Nothing here waits.
 */
public final class MmuGather {
    /** Pages done in one section: long ranges must not hold up the horizon. Some 10 µs of work. */
    public static final int SLICE_PAGES = 1024;

    private final Cpus cpus;
    private final PageTable table;
    private final FrameAllocator frames;

    /**
     * @param cpus whose slots carry the frame lists.
     * @param table the window.
     * @param frames where owned frames go back to.
     */
    public MmuGather(final Cpus cpus, final PageTable table, final FrameAllocator frames) {
        this.cpus = cpus;
        this.table = table;
        this.frames = frames;
    }

    /**
     * Makes entries dead: they no longer translate, but keep their frames. The caller owes a flush before
     * {@link #freeFrames} of the range, which is what limbo is for.
     *
     * @param page first page.
     * @param count how many; those without a mapping are skipped.
     */
    public void clearNoFlush(final long page, final long count) {
        for (long i = page, end = page + count; i < end; i++) {
            final long entry = table.get(i);
            if (entry != Entry.NONE) {
                table.set(i, Entry.dead(entry));
            }
        }
    }

    /**
     * Frees the owned frames of dead entries and forgets the entries. The grace period of the clear must have ended. May be
     * repeated: what is forgotten is skipped. Works in slices, each in a section of its own.
     *
     * @param page first page.
     * @param count how many.
     * @return whether all are free; false if no slot was to be had: to be repeated later, since this does not wait.
     */
    public boolean freeFrames(final long page, final long count) {
        final long end = page + count;
        for (long from = page; from < end; from += SLICE_PAGES) {
            final Cpu cpu = cpus.tryEnter();
            if (cpu == null) {
                return false;
            }
            try {
                freeSlice(cpu, from, Math.min(end, from + SLICE_PAGES));
            } finally {
                cpu.exit();
            }
        }
        return true;
    }

    private void free(final Cpu cpu, final long page, final long entry, final long frame) {
        try {
            frames.free(cpu, frame, 0);
        } catch (final StackOverflowError e) {
            // It struck before anything was changed. Remembered again, or the frame would be lost: a later poll frees it.
            table.set(page, entry);
            throw e;
        }
    }

    private void freeSlice(final Cpu cpu, final long page, final long end) {
        for (long i = page; i < end; i++) {
            final long entry = table.get(i);
            if (entry == Entry.NONE) {
                continue;
            }
            assert !Entry.isPresent(entry) : "freeing under a present entry, page=" + i;
            // Forgotten first: a frame that is free must not be named by any entry.
            table.set(i, Entry.NONE);
            if (Entry.isOwned(entry)) {
                final long frame = frames.memory().frameOf(Entry.nativePage(entry));
                assert frame != PhysicalMemory.NO_FRAME : "an entry names no frame, page=" + i;
                free(cpu, i, entry, frame);
            }
        }
    }
}
