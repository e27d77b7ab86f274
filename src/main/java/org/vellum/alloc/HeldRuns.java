package org.vellum.alloc;

import java.util.HashSet;
import java.util.Set;
import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.FrameTable;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mem.CacheLine;
import org.vellum.mem.Words;

/**
 * Runs of frames that each slot remembers: what a slab's state bytes are for objects, the marks of these runs are for pages.
 *
 * <p>A slot remembers up to seven runs of each short length and one of each long one. A run that it hands out stays
 * remembered, HELD; freeing it, by any thread, is one compare-and-set of its mark to SPARE, and the slot finds it there at its next request.
 * A run that is freed while no slot remembers it (LOOSE) goes to the frames, but for one in eight, which the slot of whoever freed it
 * remembers in the place of one that is still live, and LOOSE from then on: so runs that live long do not keep the places for ever, and a
 * stream of runs from one thread to another does not pay for places that it cannot use.
 *
 * <p>A request looks at two places only, going on from where the last one was found: whoever frees soon finds the same run again, and where
 * many are under way a look at all of them would find as little.
 *
 * <pre>
 *              take: new, and a place is vacant          free: CAS by anyone
 *   frames ─────────────────────────────────▶  HELD  ◀──────────────────────▶ SPARE ──▶ frames
 *      ▲  │                                      │     take: store by the slot  ▲   drain
 *      │  │  take: new, no place                 ▼ forget: CAS by the slot      │
 *      │  └───────────────────────────────────▶ LOOSE ──────────────────────────┘
 *      └──────────────────────────────────────────┘      free, and a place is found
 *            free, and none is
 * </pre>
 *
 * <p>A run that is freed while readers may look is PARTING, and SPARE when its grace period has ended.
 *
 * <p>Invariant: a run is remembered by at most one slot, in one place, and exactly while it is HELD, PARTING or SPARE. Only the slot's occupant writes
 * the places, changes SPARE, and turns HELD into LOOSE, PARTING into DEFERRED.
 *
 * <pre>
 *   record of one slot and length, one cache line
 *   +--------+------------------------------------------------------------------+
 *   | 0 .. 6 | places, filled from the first on: the run's first frame, or 0    |
 *   | 7      | LOOSE runs freed here (61 bits) | the place to look at next (3)   |
 *   +--------+------------------------------------------------------------------+
 * </pre>
 */
final class HeldRuns {
    private static final long NO_FRAME = PhysicalMemory.NO_FRAME;
    private static final int RECORD_WORDS = CacheLine.BYTES / Long.BYTES;
    private static final int TURN = RECORD_WORDS - 1;
    private static final int PLACE_BITS = 3;
    private static final int PLACE_MASK = (1 << PLACE_BITS) - 1;
    private static final int SLOT_WORDS = (RunSizes.COUNT * RECORD_WORDS + CacheLine.STRIDE_WORDS - 1) & -CacheLine.STRIDE_WORDS;
    /** Of LOOSE runs that are freed, one in so many is remembered: a power of two. */
    private static final int REMEMBERED_OF = 8;

    /** All slots together remember at most this share of memory, as far as that leaves them one run of a page. */
    private static final int MEMORY_SHARE = 4;

    private final Cpus cpus;
    private final FrameAllocator frames;
    private final FrameTable table;
    private final DeferredRuns deferred;
    private final Words places;
    /** Of the places: one load less where it is hot. */
    private final long placesBase;
    /** No slot remembers longer runs. */
    private final int longestClass;

    HeldRuns(final Cpus cpus, final FrameAllocator frames, final DeferredRuns deferred) {
        this.cpus = cpus;
        this.frames = frames;
        this.deferred = deferred;
        table = frames.table();
        places = Words.zeroed((long)cpus.cachedSlots() * SLOT_WORDS);
        placesBase = places.address(0);
        longestClass = longestClass(frames.configuredFrames() / MEMORY_SHARE / cpus.cachedSlots());
    }

    private static int longestClass(final long pagesOfSlot) {
        int longest = 0;
        long pages = (long)RunSizes.held(0) * RunSizes.pages(0);
        while (longest + 1 < RunSizes.COUNT
            && (pages += (long)RunSizes.held(longest + 1) * RunSizes.pages(longest + 1)) <= pagesOfSlot) {
            longest++;
        }
        return longest;
    }

    private static long record(final Cpu cpu, final int runClass) {
        return (long)cpu.index() * SLOT_WORDS + runClass * RECORD_WORDS;
    }

    /**
     * Takes a run.
     *
     * @param cpu the slot that the caller occupies.
     * @param owner what its mark shall say.
     * @return its first frame, or NO_FRAME.
     */
    long take(final Cpu cpu, final int runClass, final int owner) {
        if (!cpu.carriesCaches() || runClass > longestClass) {
            return frames.allocateRun(cpu, RunSizes.pages(runClass), RunMark.of(RunMark.LOOSE, owner));
        }
        final long record = record(cpu, runClass);
        final long at = placesBase + (record << 3);
        final long frame = UnsafeApi.getLong(at + ((UnsafeApi.getLong(at + TURN * Long.BYTES) & PLACE_MASK) << 3));
        final int order = RunSizes.headOrder(runClass);
        if (frame != 0 && table.isMarked(frame, order, RunMark.SPARE)) {
            table.putMark(frame, order, RunMark.of(RunMark.HELD, owner));
            return frame;
        }
        return takeElsewhere(cpu, runClass, owner);
    }

    /** Where the last request found one, there is none: looks at the next place, behind the last one at the first. */
    private long takeElsewhere(final Cpu cpu, final int runClass, final int owner) {
        final long record = record(cpu, runClass);
        final int next = (int)(places.getPlain(record + TURN) & PLACE_MASK) + 1;
        final boolean vacant = next < RunSizes.held(runClass) && places.getPlain(record + next) == 0;
        final int place = vacant || next == RunSizes.held(runClass) ? 0 : next;
        final long frame = places.getPlain(record + place);
        final int order = RunSizes.headOrder(runClass);
        if (frame != 0 && table.isMarked(frame, order, RunMark.SPARE)) {
            lookNextAt(record, place);
            table.putMark(frame, order, RunMark.of(RunMark.HELD, owner));
            return frame;
        }
        if (vacant || frame == 0) {
            return takeNew(cpu, runClass, owner);
        }
        lookNextAt(record, place);
        return frames.allocateRun(cpu, RunSizes.pages(runClass), RunMark.of(RunMark.LOOSE, owner));
    }

    private void lookNextAt(final long record, final int place) {
        places.putPlain(record + TURN, places.getPlain(record + TURN) & ~PLACE_MASK | place);
    }

    private long takeNew(final Cpu cpu, final int runClass, final int owner) {
        final long frame = frames.allocateRun(cpu, RunSizes.pages(runClass), RunMark.of(RunMark.HELD, owner));
        // Only now: a watermark's callback may have allocated here, on this slot. Nobody else can have changed the mark yet.
        if (frame != NO_FRAME && !fillVacant(cpu, runClass, frame)) {
            forget(frame);
        }
        return frame;
    }

    private boolean fillVacant(final Cpu cpu, final int runClass, final long frame) {
        final long record = record(cpu, runClass);
        for (int place = 0; place < RunSizes.held(runClass); place++) {
            if (places.getPlain(record + place) == 0) {
                places.putPlain(record + place, frame);
                lookNextAt(record, place);
                return true;
            }
        }
        return false;
    }

    /**
     * Frees a run that is HELD or LOOSE.
     *
     * @param mark as it was seen.
     * @return false, with nothing changed, if it is not so any more.
     */
    boolean free(final long frame, final int mark) {
        if (RunMark.state(mark) == RunMark.HELD) {
            // CAS: of two frees one wins, and the run's contents come before; partner: the acquire in take().
            return table.changeMark(frame, mark, RunMark.SPARE) || freeChanged(frame, mark);
        }
        return freeLoose(frame, mark);
    }

    /** Its slot has forgotten it meanwhile, or somebody has freed it. */
    private boolean freeChanged(final long frame, final int mark) {
        final int loose = RunMark.of(RunMark.LOOSE, RunMark.owner(mark));
        return table.mark(frame) == loose && freeLoose(frame, loose);
    }

    private boolean freeLoose(final long frame, final int mark) {
        final Cpu cpu = cpus.tryEnter();
        if (cpu == null) {
            // A free does not wait for a slot: the run goes the long way.
            return deferred.add(null, frame, mark);
        }
        try {
            return freeLoose(cpu, frame, mark);
        } finally {
            cpu.exit();
        }
    }

    private boolean freeLoose(final Cpu cpu, final long frame, final int mark) {
        final long pages = table.runFrames(frame);
        if (!cpu.carriesCaches() || !isWorthRemembering(frame, pages)) {
            return freeRun(cpu, frame, mark);
        }
        if (!table.changeMark(frame, mark, RunMark.SPARE)) {
            return false;
        }
        if (!remember(cpu, RunSizes.of((int)pages), frame)) {
            frames.freeRun(cpu, frame, RunMark.SPARE);
        }
        return true;
    }

    /** Of the lengths that are held; and aligned as such a run is, which one that has grown may not be. */
    private boolean isWorthRemembering(final long frame, final long pages) {
        return RunSizes.isHeld(pages) && RunSizes.of((int)pages) <= longestClass
            && table.order(frame) == RunSizes.headOrder(RunSizes.of((int)pages));
    }

    private boolean freeRun(final Cpu cpu, final long frame, final int mark) {
        // Two steps, so that a lost race is told apart from a broken table.
        if (!table.changeMark(frame, mark, RunMark.SPARE)) {
            return false;
        }
        frames.freeRun(cpu, frame, RunMark.SPARE);
        return true;
    }

    /** Whether it is its turn, and there was a place, vacant or of a run that is live. */
    private boolean remember(final Cpu cpu, final int runClass, final long frame) {
        final long record = record(cpu, runClass);
        final long turn = places.getPlain(record + TURN);
        places.putPlain(record + TURN, turn + (1 << PLACE_BITS));
        final long freed = turn >>> PLACE_BITS;
        if (freed % REMEMBERED_OF != 0) {
            return false;
        }
        final int place = (int)(freed / REMEMBERED_OF % RunSizes.held(runClass));
        final long other = places.getPlain(record + place);
        if (other == 0) {
            return fillVacant(cpu, runClass, frame);
        }
        if (table.isMarked(other, RunSizes.headOrder(runClass), RunMark.SPARE) || !forget(other)) {
            return false;
        }
        places.putPlain(record + place, frame);
        lookNextAt(record, place);
        return true;
    }

    /** Makes a HELD run LOOSE, and a PARTING one DEFERRED; false if it is SPARE. */
    private boolean forget(final long frame) {
        int mark = table.mark(frame);
        while (RunMark.state(mark) != RunMark.SPARE) {
            final boolean live = RunMark.state(mark) == RunMark.HELD;
            assert live || RunMark.state(mark) == RunMark.PARTING : "frame=" + frame + " mark=" + mark;
            if (table.changeMark(frame, mark, RunMark.of(live ? RunMark.LOOSE : RunMark.DEFERRED, RunMark.owner(mark)))) {
                return true;
            }
            mark = table.mark(frame);
        }
        return false;
    }

    /**
     * Makes a run LOOSE, so that its owner may resize it.
     *
     * @param cpu the slot that the caller occupies.
     * @return false if it is HELD by another slot, or not live.
     */
    boolean loosen(final Cpu cpu, final long frame) {
        final int mark = table.mark(frame);
        if (RunMark.state(mark) != RunMark.HELD) {
            return RunMark.state(mark) == RunMark.LOOSE;
        }
        if (!cpu.carriesCaches()) {
            return false;
        }
        final int runClass = RunSizes.of((int)table.runFrames(frame));
        for (int i = 0; i < RunSizes.held(runClass); i++) {
            if (places.getPlain(record(cpu, runClass) + i) == frame) {
                if (!forget(frame)) {
                    return false;
                }
                vacate(cpu, runClass, i);
                return true;
            }
        }
        return false;
    }

    /** Places are filled from the first one on. */
    private void vacate(final Cpu cpu, final int runClass, final int place) {
        final long record = record(cpu, runClass);
        int last = place;
        while (last + 1 < RunSizes.held(runClass) && places.getPlain(record + last + 1) != 0) {
            last++;
        }
        places.putPlain(record + place, places.getPlain(record + last));
        places.putPlain(record + last, 0);
    }

    /**
     * Forgets all runs of a slot, and gives those that are SPARE back to the frames.
     *
     * @param cpu that slot, which the caller occupies.
     * @return pages that went back.
     */
    long drain(final Cpu cpu) {
        long pages = 0;
        for (int runClass = 0; cpu.carriesCaches() && runClass < RunSizes.COUNT; runClass++) {
            for (int i = 0; i < RunSizes.held(runClass); i++) {
                final long place = record(cpu, runClass) + i;
                final long frame = places.getPlain(place);
                if (frame != 0) {
                    places.putPlain(place, 0);
                    if (!forget(frame)) {
                        frames.freeRun(cpu, frame, RunMark.SPARE);
                        pages += RunSizes.pages(runClass);
                    }
                }
            }
        }
        return pages;
    }

    /** {@link #drain} of the caller's own slot and all that are idle. */
    long drainIdle() {
        long pages = 0;
        for (int slot = 0; slot < cpus.usedCachedSlots(); slot++) {
            if (remembersAny(slot)) {
                final Cpu own = cpus.current();
                final Cpu cpu = own != null && own.index() == slot ? cpus.enter(own) : cpus.tryVisit(slot);
                if (cpu != null) {
                    try {
                        pages += drain(cpu);
                    } finally {
                        cpu.exit();
                    }
                }
            }
        }
        return pages;
    }

    /** A peek: a visit would drive the slot's own threads away. */
    private boolean remembersAny(final int slot) {
        for (int i = 0; i < SLOT_WORDS; i++) {
            if (i % RECORD_WORDS != TURN && places.getOpaque((long)slot * SLOT_WORDS + i) != 0) {
                return true;
            }
        }
        return false;
    }

    /** Bytes that are SPARE: free, and a slot's. Exact when quiet. */
    long sparePages() {
        long pages = 0;
        for (int slot = 0; slot < cpus.usedCachedSlots(); slot++) {
            for (int runClass = 0; runClass < RunSizes.COUNT; runClass++) {
                for (int i = 0; i < RunSizes.held(runClass); i++) {
                    final long frame = places.getOpaque(record(cpus.cpu(slot), runClass) + i);
                    pages += frame != 0 && RunMark.state(table.mark(frame)) == RunMark.SPARE ? RunSizes.pages(runClass) : 0;
                }
            }
        }
        return pages;
    }

    /** The walker, of a quiet system: what is remembered is HELD, PARTING or SPARE, of its length, and nowhere else. */
    void verify() {
        final Set<Long> seen = new HashSet<>();
        for (int slot = 0; slot < cpus.cachedSlots(); slot++) {
            for (int i = 0; i < RunSizes.COUNT * RECORD_WORDS; i++) {
                final long frame = i % RECORD_WORDS == TURN ? 0 : places.getPlain((long)slot * SLOT_WORDS + i);
                if (frame != 0) {
                    final int state = RunMark.state(table.mark(frame));
                    if (state != RunMark.HELD && state != RunMark.SPARE && state != RunMark.PARTING || !seen.add(frame)
                        || table.runFrames(frame) != RunSizes.pages(i / RECORD_WORDS)) {
                        throw new AssertionError("slot=" + slot + " place=" + i + " frame=" + frame + " mark="
                            + table.mark(frame) + " frames=" + table.runFrames(frame));
                    }
                }
            }
        }
    }
}
