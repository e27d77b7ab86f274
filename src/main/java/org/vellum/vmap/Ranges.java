package org.vellum.vmap;

import java.util.function.LongConsumer;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.SpinLock;
import org.vellum.mem.Pages;
import org.vellum.mmu.PageTable;

/**
 * Which ranges of the window are free, and the records of those that are not.
 *
 * <p>One lock guards the tree of free ranges, the index and the pool of records; it is held for a tree operation at a time
 * and never across a wait. In front of it each slot keeps some ranges ({@link RangeCache}).
 *
 * <p>Thread safety: all methods may be called by any thread.
 */
final class Ranges {
    /** There is no range or no record to be had. */
    static final long NONE = -1;
    /** Inside a section somebody else held the lock for too long. */
    static final long BUSY = -2;

    final AreaIndex index;
    final AreaRecords records;

    private final Cpus cpus;
    private final PageTable table;
    private final SpinLock lock;
    /** In absolute pages of Vellum's layout, so that an alignment is one of addresses; all else counts from the window's start. */
    private final AreaTree tree;
    private final long firstPage;
    private final RangeCache cache;

    Ranges(final Cpus cpus, final PageTable table, final long mostAreas, final boolean caches) {
        this.cpus = cpus;
        this.table = table;
        lock = new SpinLock(cpus);
        firstPage = table.start() >>> Pages.SHIFT;
        tree = new AreaTree(firstPage, firstPage + table.pages());
        index = new AreaIndex(0, table.pages());
        records = new AreaRecords(mostAreas);
        cache = caches ? new RangeCache(cpus, records, table.pages()) : null;
    }

    /** Pages with the guard behind them. */
    static long span(final long pages, final int flags) {
        return pages + ((flags & VmallocFlags.NO_GUARD) != 0 ? 0 : 1);
    }

    /** Whether slots keep ranges that serve a request like this: anywhere in the window, not too long. */
    boolean isKept(final long span, final long alignPages, final long low, final long high) {
        return cache != null && alignPages == 1 && low == 0 && high == table.pages() && span <= RangeCache.MAX_SPAN;
    }

    /** A range that the caller's slot keeps, reserved, or {@link #NONE}. By the slot's occupant. */
    long takeKept(final Cpu cpu, final AreaKind kind, final int flags, final long pages, final long bytes) {
        final long id = cache.take(cpu, span(pages, flags));
        if (id != RangeCache.NONE) {
            records.renew(id, cache.generation(cpu), kind, flags, pages);
            records.size(id, bytes);
        }
        return id;
    }

    /** Notes that the caller's slot is no longer short of ranges of that length. By the slot's occupant. */
    void relieved(final Cpu cpu, final long span) {
        cache.relieved(cpu, span);
    }

    /** Keeps a released range on the caller's slot. Whether it did. By the slot's occupant, and the owner of the area. */
    boolean keep(final Cpu cpu, final long id) {
        if (cache == null) {
            return false;
        }
        final int state = AreaRecords.stateOf(records.state(id));
        // Before it is found there: whoever takes it must find it cached.
        records.become(id, AreaRecords.CACHED);
        if (cache.put(cpu, records.span(id), id)) {
            return true;
        }
        records.become(id, state);
        return false;
    }

    /** Cuts the lowest range that fits out of the window: reserved, or {@link #NONE}, or {@link #BUSY}. */
    long carve(
        final AreaKind kind, final int flags, final long pages, final long alignPages, final long low, final long high,
        final long bytes) {
        if (!lock.acquire()) {
            return BUSY;
        }
        try {
            final long span = span(pages, flags);
            final long start = tree.allocate(span, alignPages, firstPage + low, firstPage + high);
            return start == AreaTree.NONE ? NONE : enter(kind, flags, start - firstPage, pages, span, alignPages, bytes);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Cuts ranges for the caller's slot to keep, side by side, as many as it has lately been short of: while sections hold limbo
     * up nothing comes back, and one visit to the tree must serve many requests. By the slot's occupant, so it only tries.
     *
     * @return whether there are some now.
     */
    boolean stockUp(final Cpu cpu, final long span) {
        final int count = cache.shortage(cpu, span);
        if (count <= 0 || !lock.tryLock()) {
            return false;
        }
        try {
            final long start = tree.allocate(span * count, 1, firstPage, firstPage + table.pages());
            if (start == AreaTree.NONE) {
                return false;
            }
            if (!tree.splitArea(count - 1)) {
                tree.free(start, span * count);
                return false;
            }
            split(cpu, start, span, count);
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Under the lock. */
    private void split(final Cpu cpu, final long start, final long span, final int count) {
        for (int i = 0; i < count; i++) {
            final long id = enter(AreaKind.VMAP, VmallocFlags.NONE, start - firstPage + i * span, span - 1, span, 1, 0);
            if (id == NONE) {
                // Out of records: the tree has this range back, and gets the others.
                if (i + 1 < count) {
                    tree.free(start + (i + 1) * span, (count - i - 1) * span, count - i - 1);
                }
                return;
            }
            if (!keep(cpu, id)) {
                takeOut(id);
            }
        }
    }

    /**
     * Gives the ranges that slots keep back to the tree, of every slot that is idle or the caller's own. Never waits.
     *
     * @param refused gets those for which the lock was not to be had.
     * @return how many.
     */
    int giveBackKept(final LongConsumer refused) {
        int given = 0;
        for (int i = 0; cache != null && i < cpus.usedCachedSlots(); i++) {
            for (long id = takeFrom(i); id != RangeCache.NONE; id = takeFrom(i)) {
                if (!giveBack(id)) {
                    refused.accept(id);
                    break;
                }
                given++;
            }
        }
        return given;
    }

    /** Leaves the slot with each range: the lock that it goes back under may want to park, and a visit must not. */
    private long takeFrom(final int slot) {
        final Cpu own = cpus.current();
        final Cpu cpu = own != null && own.index() == slot ? cpus.enter(own) : cpus.tryVisit(slot);
        if (cpu == null) {
            return RangeCache.NONE;
        }
        try {
            return cache.takeAny(cpu);
        } finally {
            cpu.exit();
        }
    }

    /** Under the lock. */
    private long enter(
        final AreaKind kind, final int flags, final long start, final long pages, final long span, final long alignPages,
        final long bytes) {
        return enter(records.nextGeneration(), kind, flags, start, pages, span, alignPages, bytes);
    }

    private long enter(
        final long generation, final AreaKind kind, final int flags, final long start, final long pages, final long span,
        final long alignPages, final long bytes) {
        final long id = records.take(generation, kind, flags, start, pages, span);
        if (id == AreaRecords.NONE) {
            tree.free(firstPage + start, span);
            return NONE;
        }
        records.size(id, bytes);
        records.align(id, alignPages);
        table.extendOver(start, start + span);
        index.put(start, (int)id + 1);
        return id;
    }

    /**
     * Areas at fixed distances from one base, all or none (V45). They share a generation: then their tagged addresses lie at these
     * distances, too, and one that is moved by the distance of two areas is an address of the other. Inside a section it does not wait
     * for the lock.
     *
     * @param offsets of the areas from the base, in pages, ascending.
     * @param sizes in pages.
     * @param alignPages of the base, a power of two.
     * @param ids receives the numbers of the areas, reserved.
     * @return whether there was room.
     */
    boolean carveCongruent(final long[] offsets, final long[] sizes, final long alignPages, final long[] ids) {
        if (!lock.acquire()) {
            return false;
        }
        try {
            final long base = CongruentAreas.allocate(tree, offsets, sizes, ids.length, alignPages);
            if (base == AreaTree.NONE) {
                return false;
            }
            final long generation = records.nextGeneration();
            for (int i = 0; i < ids.length; i++) {
                ids[i] = enter(generation, AreaKind.SPARSE, VmallocFlags.NO_GUARD, base - firstPage + offsets[i], sizes[i], sizes[i],
                    alignPages, sizes[i] << Pages.SHIFT);
                if (ids[i] == NONE) {
                    undo(base, offsets, sizes, ids, i);
                    return false;
                }
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Out of records in the middle: nothing was published, so nothing needs a grace period. Under the lock. */
    private void undo(final long base, final long[] offsets, final long[] sizes, final long[] ids, final int done) {
        for (int i = 0; i < done; i++) {
            takeOut(ids[i]);
        }
        for (int i = done + 1; i < ids.length; i++) {
            tree.free(base + offsets[i], sizes[i]);
        }
    }

    /**
     * Makes an area longer by the one right behind it, whose record goes. Both reserved by the caller. Inside a section it only
     * tries for the lock.
     *
     * @return whether it was done; if not, nothing has changed.
     */
    boolean join(final long id, final long behind) {
        if (!lock.acquire()) {
            return false;
        }
        try {
            final long added = records.span(behind);
            assert records.start(id) + records.span(id) == records.start(behind) : "not side by side";
            index.remove(records.start(behind));
            tree.joinAreas(1);
            records.pages(id, records.pages(id) + added);
            records.span(id, records.span(id) + added);
            records.give(behind);
        } finally {
            lock.unlock();
        }
        return true;
    }

    /**
     * Cuts the end off an area that the caller has reserved, as an area of its own: as long as there are pages to be unmapped, and
     * without a guard, because the first of the area keeps one.
     *
     * @param pages that stay mapped, at least 1, fewer than now.
     * @return the number of the end, reserved; or {@link #NONE}, or {@link #BUSY}, with nothing changed.
     */
    long cutOff(final long id, final long pages) {
        if (!lock.acquire()) {
            return BUSY;
        }
        try {
            final long cut = records.pages(id) - pages;
            final long start = records.start(id) + records.span(id) - cut;
            if (!tree.splitArea(1)) {
                return NONE;
            }
            final long end = records.take(
                AreaRecords.kindOf(records.state(id)), VmallocFlags.NO_GUARD, start, cut, cut);
            if (end == AreaRecords.NONE) {
                tree.joinAreas(1);
                return NONE;
            }
            records.size(end, cut << Pages.SHIFT);
            records.pages(id, pages);
            records.span(id, records.span(id) - cut);
            index.put(start, (int)end + 1);
            return end;
        } finally {
            lock.unlock();
        }
    }

    /** Ends an area at once whose mappings are gone and whose grace period is over. Inside a section it only tries. */
    boolean giveBack(final long id) {
        if (!lock.acquire()) {
            return false;
        }
        try {
            takeOut(id);
        } finally {
            lock.unlock();
        }
        return true;
    }

    /** Under the lock. */
    private void takeOut(final long id) {
        final long start = records.start(id);
        index.remove(start);
        tree.free(firstPage + start, records.span(id));
        records.give(id);
    }

    long freePages() {
        return tree.freePages();
    }

    long largestFree() {
        return tree.largestFree();
    }

    void verify(final VmapSpace space) {
        lock.lock();
        try {
            new VmapVerifier(space, tree).verify();
        } finally {
            lock.unlock();
        }
    }
}
