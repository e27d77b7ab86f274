package org.vellum.space;

import org.vellum.gather.GatherEvent;
import org.vellum.gather.Gathers;

/**
 * Figures of the address spaces of one memory, taken without stopping anybody: exact when quiet.
 *
 * @param spaces that are open.
 * @param regions of all of them.
 * @param tables page tables that there are, those in limbo included.
 * @param tablesInLimbo of those, the ones that wait for their grace period: at most {@code mostTablesInLimbo}, and what is cleared in one go.
 * @param mostTablesInLimbo how many may wait before nobody gets a new one.
 * @param gathersUnderWay gathers begun and not ended.
 * @param batches of frames that a gather fills, that are open in a slot, or in limbo.
 * @param limboBytes bytes of frames and batches that wait for a grace period.
 * @param flushes of gathers, and of spaces that ended, so far.
 * @param fullFlushes of those, the ones that a gather needed before its end, because it was full.
 * @param nestedFlushes of those, the ones that another gather of the same space was the reason for.
 * @param waits flushes so far that waited for their grace period.
 * @param batchRefusals times so far that there was no memory for a batch.
 * @param handedOver unmaps so far whose rest was handed to the worker, because the thread was interrupted.
 * @param pins of pages that are outstanding.
 * @param lazilyFreed frames so far that were taken away because their content was not needed and memory was short.
 */
public record SpaceStats(
    int spaces, long regions, long tables, long tablesInLimbo, long mostTablesInLimbo, int gathersUnderWay, long batches, long limboBytes,
    long flushes, long fullFlushes, long nestedFlushes, long waits, long batchRefusals, long handedOver, long pins,
    long lazilyFreed) {

    /** Looks at everything once. */
    static SpaceStats of(final Spaces spaces) {
        int open = 0;
        long regions = 0;
        for (final AddressSpace space : spaces.all()) {
            open++;
            regions += space.regions();
        }
        final Gathers gathers = spaces.gathers;
        return new SpaceStats(open, regions, spaces.tables.live(), spaces.tables.inLimbo(), spaces.tables.mostInLimbo(), gathers.underWay(),
            gathers.liveBatches(), gathers.limboBytes(), gathers.events(GatherEvent.FLUSH), gathers.events(GatherEvent.FULL),
            gathers.events(GatherEvent.NESTED), gathers.events(GatherEvent.WAIT), gathers.refusals(), spaces.handedOver.sum(), spaces.pins.sum(),
            spaces.lazilyFreed.dropped());
    }
}
