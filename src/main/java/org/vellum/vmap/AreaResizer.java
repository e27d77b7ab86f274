package org.vellum.vmap;

import org.vellum.gather.WindowGather;
import org.vellum.mem.Pages;
import org.vellum.mmu.MappedAccess;
import org.vellum.report.ExhaustedException;

/**
 * Changes the number of pages of an area without copying: frames are added behind, moved to a longer range, or cut off.
 *
 * <pre>
 *   longer, free behind     [ a b c | - ][ d e ]           added as an area of its own, filled, joined:
 *                           [ a b c   e   d | - ]          what fell on the old guard page's place moves to it from the end
 *   longer, elsewhere       [ a b c | - ]    [ . . . d e | - ]     the added pages first, where they are to be
 *                           [ . . . | - ]    [ a b c d e | - ]     then the others: entries move, frames stay
 *   shorter                 [ a b | - ][ d c ]             the end becomes an area of its own and is retired with its frames;
 *                                                          the frame on the new guard page's place goes with it
 * </pre>
 *
 * <b>The area that is to grow stays busy, mapped and untouched until nothing can fail any more</b>: first come addresses and frames,
 * and with them all that waits, calls back or throws. Then one CAS of the state word as it was at the beginning makes this thread the
 * owner, unless somebody ended the area meanwhile (a callback, or a free that the caller should not have let happen): then what was
 * added is given up. What follows only stores entries and records.
 *
 * <p><b>Grace periods.</b> The frames that move are never without an owner, so no reader can meet somebody else's data: a
 * translation of the old address that a section holds leads to the frame, which the new address maps. When that one is freed, its stamp is
 * later than the clear of the old entries too, and covers both. The old addresses are quarantined as if freed, but by a record that
 * says it has no pages: its release finds no frame to free.
 *
 * <p>Thread safety: all methods may be called by any thread, for different areas.
 */
final class AreaResizer {
    /** Not addresses, which are multiples of a page. */
    private static final long NO_RANGE = VmapSpace.NONE;
    private static final long BUSY = VmapSpace.BUSY;
    private static final long NO_FRAMES = -3;

    private final VmapSpace space;
    private final AreaRecords records;
    private final Reclaimer reclaimer;
    private final MappedAccess access;
    private final FrameFiller filler;
    private final WindowGather gather;

    AreaResizer(final VmapSpace space, final Reclaimer reclaimer, final MappedAccess access, final FrameFiller filler) {
        this.space = space;
        this.reclaimer = reclaimer;
        this.access = access;
        this.filler = filler;
        records = space.records();
        gather = new WindowGather(space.cpus, space.table, space.frames);
    }

    /**
     * Changes how many of the bytes of an area's pages are asked for; its pages stay.
     *
     * @param id live, owned by the caller.
     * @param address its start.
     * @param size in bytes, at least 1; not more than its pages have.
     */
    void keep(final long id, final long address, final long size) {
        final long from = Math.min(records.size(id), size);
        zeroFrom(id, address, from);
        records.size(id, size);
    }

    /** What is cut off now may come back by a later growth, and must be zero then. What nobody could write is zero still. */
    private void zeroFrom(final long id, final long address, final long from) {
        final int flags = AreaRecords.flagsOf(records.state(id));
        if ((flags & (VmallocFlags.ZERO | VmallocFlags.USER)) != 0 && (flags & VmallocFlags.READ_ONLY) == 0) {
            access.setMemory(address + from, (records.pages(id) << Pages.SHIFT) - from, (byte)0);
        }
    }

    /**
     * Gives the frames behind the last page that is needed back, after a grace period. If the lock or a record is not to be had,
     * the area keeps them: giving back must not fail.
     *
     * @param id live, owned by the caller.
     * @param word its state, busy.
     * @param address its start.
     * @param size in bytes, of fewer pages than now.
     * @throws IllegalArgumentException if somebody ended the area.
     */
    void shrink(final long id, final long word, final long address, final long size) {
        claim(id, word, AreaRecords.RESERVED, address, records.pages(id));
        final long pages = Pages.of(size);
        final long end = space.cutOff(id, pages);
        if (end >= 0) {
            if (hasGuard(word)) {
                gather.carryNoFlush(records.start(id) + pages, records.start(end) + records.pages(end) - 1);
            }
            records.become(end, AreaRecords.LAZY);
            space.lazy.retire(end);
        }
        space.publish(id);
        keep(id, address, size);
    }

    /**
     * Adds pages, in place if the addresses behind are free.
     *
     * @param id live, owned by the caller.
     * @param word its state, busy.
     * @param address its start.
     * @param size in bytes, of more pages than now.
     * @return the address from now on.
     * @throws IllegalArgumentException if somebody ended the area.
     * @throws ExhaustedException if frames or addresses have run out; the area is as it was.
     */
    long grow(final long id, final long word, final long address, final long size) {
        final long pages = records.pages(id);
        final long added = Pages.of(size) - pages;
        boolean outOfFrames = false;
        if (space.frames.isShort(added) && !space.cpus.inSection()) {
            // Here one can wait for a bank; the sections in which the frames are taken cannot.
            space.frames.grow(added);
        }
        long fight = Fight.BEGIN;
        while (true) {
            // Frames that were taken in vain wait in limbo and are missing to everybody: better not to begin.
            final long outcome = Vmalloc.isInVain(space, fight, added) ? NO_FRAMES : tryGrow(id, word, address, size, pages);
            if ((outcome & Pages.OFFSET_MASK) == 0) {
                return outcome;
            }
            outOfFrames |= outcome == NO_FRAMES;
            fight = reclaimer.reclaim(fight);
            if (fight == Fight.LOST) {
                throw outcome == BUSY ? reclaimer.busy("vrealloc", added)
                    : reclaimer.exhausted("vrealloc", added, outOfFrames);
            }
        }
    }

    private long tryGrow(final long id, final long word, final long address, final long size, final long pages) {
        final int flags = AreaRecords.flagsOf(word);
        final long newPages = Pages.of(size);
        final long behind = reserveBehind(id, word, newPages - pages);
        if (behind >= 0) {
            return extend(id, word, address, size, pages, behind);
        }
        final long target = space.reserve(
            AreaRecords.kindOf(word), flags, newPages, records.align(id), 0, space.table.pages(), size);
        return target < 0 ? target : move(id, word, address, pages, target);
    }

    /** The addresses right behind an area and its guard, as an area of its own; or {@link #NO_RANGE}, or {@link #BUSY}. */
    private long reserveBehind(final long id, final long word, final long added) {
        final int flags = AreaRecords.flagsOf(word) | VmallocFlags.NO_GUARD;
        final long end = records.start(id) + records.span(id);
        return added > space.table.pages() - end ? NO_RANGE
            : space.reserve(AreaRecords.kindOf(word), flags, added, 1, end, end + added, added << Pages.SHIFT);
    }

    private long extend(
        final long id, final long word, final long address, final long size, final long pages, final long behind) {
        final long last = records.start(behind) + records.pages(behind) - 1;
        if (!fillAndClaim(id, word, address, pages, behind, true)) {
            return NO_FRAMES;
        }
        final boolean joined = space.join(id, behind);
        if (joined) {
            if (hasGuard(word)) {
                gather.move(last, records.start(id) + pages, 1, AreaRecords.tagOf(word));
            }
            records.size(id, size);
        }
        space.publish(id);
        if (!joined) {
            space.lazy.abandon(behind);
            return BUSY;
        }
        return address;
    }

    private long move(final long id, final long word, final long address, final long pages, final long target) {
        if (!fillAndClaim(id, word, address, pages, target, false)) {
            return NO_FRAMES;
        }
        gather.move(records.start(id), records.start(target), pages, space.tag(target));
        final long moved = space.publish(target);
        // Its frames are another's by now: limbo is about addresses only.
        records.pages(id, 0);
        space.lazy.retire(id);
        return moved;
    }

    /**
     * All that can fail. Whatever stops it, the added range does not stay behind, and the area is as it was.
     *
     * @param pages of the area as it is to be found still.
     * @param added reserved; in place, it is filled whole and bears the area's tag: should it come to nothing, its entries are dead
     *              before anybody is told of them. Elsewhere, it is filled from where the area's own pages will end.
     * @return whether there were frames enough; the area is the caller's then: reserved in place, else lazy.
     */
    private boolean fillAndClaim(
        final long id, final long word, final long address, final long pages, final long added, final boolean inPlace) {
        final long from = inPlace ? 0 : pages;
        final long tag = inPlace ? AreaRecords.tagOf(word) : space.tag(added);
        boolean settled = false;
        try {
            final long count = records.pages(added) - from;
            if (!filler.fill(records.start(added) + from, count, tag, AreaRecords.flagsOf(word))) {
                return false;
            }
            if (records.state(id) == word) {
                zeroFrom(id, address, records.size(id));
            }
            claim(id, word, inPlace ? AreaRecords.RESERVED : AreaRecords.LAZY, address, pages);
            settled = true;
            return true;
        } finally {
            if (!settled) {
                space.lazy.abandon(added, from);
            }
        }
    }

    /** The word does not tell whether somebody resized the area in place meanwhile; its pages do, once it is ours. */
    private void claim(final long id, final long word, final int to, final long address, final long pages) {
        final boolean mine = records.move(id, word, to);
        if (mine && records.pages(id) == pages) {
            return;
        }
        if (mine) {
            records.become(id, AreaRecords.BUSY);
        }
        throw new IllegalArgumentException(VmapFaults.explain(space, address, "vrealloc"));
    }

    private static boolean hasGuard(final long word) {
        return (AreaRecords.flagsOf(word) & VmallocFlags.NO_GUARD) == 0;
    }
}
