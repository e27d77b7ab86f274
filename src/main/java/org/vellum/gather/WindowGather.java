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
public final class WindowGather {
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
    public WindowGather(final Cpus cpus, final PageTable table, final FrameAllocator frames) {
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
     * Lets another page name the frame of this one, dead: the page itself forgets it. For a range that gives its frames up to
     * another that is retired with it: a flush is owed before {@link #freeFrames} of that one.
     *
     * @param from page that names the frame, or none.
     * @param to page without an entry, of the same owner.
     */
    public void carryNoFlush(final long from, final long to) {
        final long entry = table.get(from);
        assert table.get(to) == Entry.NONE : "carrying onto an entry, page=" + to;
        table.set(to, Entry.dead(entry));
        table.set(from, Entry.NONE);
    }

    /**
     * Moves mappings to other pages; frames and permissions stay. From now on the old pages fault, and no flush is owed for
     * the frames, which live on: whoever still holds a translation of an old page looks at what the new one maps. The addresses of
     * the old pages must not be reused before a flush.
     *
     * @param from first page, present.
     * @param to first page of those that get the mappings, without entries, of the same owner; no page may be of both ranges.
     * @param count how many.
     * @param tag of the new pages, in the bits of {@link org.vellum.mmu.Address#TAG_MASK}.
     */
    public void move(final long from, final long to, final long count, final long tag) {
        for (long i = 0; i < count; i++) {
            final long entry = table.get(from + i);
            assert Entry.isPresent(entry) : "moving what is not mapped, page=" + (from + i);
            assert table.get(to + i) == Entry.NONE : "moving onto an entry, page=" + (to + i);
            // The new one first: whoever looks by page number finds the frame at every moment.
            table.set(to + i, Entry.present(Entry.nativePage(entry), tag, entry & (Entry.WRITABLE | Entry.OWNED)));
            table.set(from + i, Entry.NONE);
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
