package org.vellum.vmap;

import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.mem.Words;

/**
 * Ranges that a slot keeps for the next requests of the same size there: those it took back from its limbo, and those cut for it ahead.
 * No lock, no tree, no index. The kernel's pools of {@code vmap_node} (V14), one per slot.
 *
 * <p>Without them areas of several threads interleave in the window, so that what comes back does not coalesce, and a deep tree
 * travels between the processors under its lock: measured, 870 ns at two threads against 160 at one. Only requests without
 * bounds and alignment are served from here; they no longer get the lowest address that fits (V2), which those with bounds
 * and those that find nothing here still do.
 *
 * <pre>
 *   record of a slot: for each span of 1..16 pages  [ first area + 1 | count | last shortage | - ]
 *   in the words left over of the first two spans   the next generation dealt to the slot, and their end
 * </pre>
 *
 * <p>Areas are linked through their records; plain words of the slot's occupant. An area here is in the state <em>cached</em>: in the
 * index, not in the tree.
 */
final class RangeCache {
    static final long NONE = -1;

    /** Pages of the longest range that is kept, guard included. */
    static final int MAX_SPAN = 16;

    private static final int CLASS_WORDS = 4;
    private static final int COUNT = 1;
    private static final int SHORTAGE = 2;
    private static final long MAX_SHORTAGE = 32;
    private static final int NEXT_GENERATION = 3;
    private static final int END_GENERATION = CLASS_WORDS + 3;
    private static final int GENERATIONS = 64;
    private static final long SLOT_WORDS = (long)MAX_SPAN * CLASS_WORDS;
    private static final long EMPTY = 0;

    /** Many flushes bring back, after a reader that held them up; of the window each slot keeps a part that leaves room for others. */
    private static final long MAX_AREAS = 1L << 16;
    private static final long WINDOW_SHARE = 64;

    private final AreaRecords records;
    private final Words words;
    private final long maxPages;

    RangeCache(final Cpus cpus, final AreaRecords records, final long windowPages) {
        this.records = records;
        words = Words.zeroed(cpus.cachedSlots() * SLOT_WORDS);
        maxPages = windowPages / WINDOW_SHARE;
    }

    private static long at(final Cpu cpu, final long span) {
        return cpu.index() * SLOT_WORDS + (span - 1) * CLASS_WORDS;
    }

    /** Whether there was room for the area on the slot that the caller occupies. */
    boolean put(final Cpu cpu, final long span, final long id) {
        if (span > MAX_SPAN || !cpu.carriesCaches()) {
            return false;
        }
        final long at = at(cpu, span);
        final long count = words.getPlain(at + COUNT);
        if (count == MAX_AREAS || (count + 1) * span > maxPages) {
            return false;
        }
        records.link(id, words.getPlain(at));
        words.putPlain(at, id + 1);
        words.putPlain(at + COUNT, count + 1);
        return true;
    }

    /** An area of exactly this span, or {@link #NONE}; from the slot that the caller occupies. */
    long take(final Cpu cpu, final long span) {
        if (span > MAX_SPAN || !cpu.carriesCaches()) {
            return NONE;
        }
        final long at = at(cpu, span);
        final long first = words.getPlain(at);
        if (first == EMPTY) {
            return NONE;
        }
        words.putPlain(at, records.link(first - 1));
        words.putPlain(at + COUNT, words.getPlain(at + COUNT) - 1);
        return first - 1;
    }

    /** A generation that nobody else gets, from those dealt to the slot that the caller occupies. */
    long generation(final Cpu cpu) {
        final long slot = cpu.index() * SLOT_WORDS;
        long next;
        do {
            next = words.getPlain(slot + NEXT_GENERATION);
            if (next == words.getPlain(slot + END_GENERATION)) {
                next = records.dealGenerations(GENERATIONS);
                words.putPlain(slot + END_GENERATION, next + GENERATIONS);
            }
            words.putPlain(slot + NEXT_GENERATION, next + 1);
        } while (!AreaRecords.isGeneration(next));
        return next;
    }

    /**
     * How many ranges to cut for the slot that the caller occupies, which has none of this span: twice as many each time, until
     * some come {@linkplain #relieved back by themselves}.
     */
    int shortage(final Cpu cpu, final long span) {
        if (!cpu.carriesCaches()) {
            return 0;
        }
        final long at = at(cpu, span);
        final long count = Math.min(MAX_SHORTAGE, Math.max(1, 2 * words.getPlain(at + SHORTAGE)));
        words.putPlain(at + SHORTAGE, count);
        return (int)Math.min(count, maxPages / span - words.getPlain(at + COUNT));
    }

    void relieved(final Cpu cpu, final long span) {
        words.putPlain(at(cpu, span) + SHORTAGE, 0);
    }

    /** Any area of the slot, or {@link #NONE}. */
    long takeAny(final Cpu cpu) {
        long id = NONE;
        for (long span = 1; span <= MAX_SPAN && id == NONE; span++) {
            id = take(cpu, span);
        }
        return id;
    }
}
