package org.vellum.observe;

import org.vellum.observe.VellumMXBean.SpaceFigures;
import org.vellum.space.SpaceStats;

/** Figures of {@link SpaceStats} as JMX sees them. */
record SpaceMonitor(SpaceStats of) implements SpaceFigures {
    @Override
    public int getSpaces() {
        return of.spaces();
    }

    @Override
    public long getRegions() {
        return of.regions();
    }

    @Override
    public long getTables() {
        return of.tables();
    }

    @Override
    public long getTablesInLimbo() {
        return of.tablesInLimbo();
    }

    @Override
    public long getMostTablesInLimbo() {
        return of.mostTablesInLimbo();
    }

    @Override
    public int getGathersUnderWay() {
        return of.gathersUnderWay();
    }

    @Override
    public long getBatches() {
        return of.batches();
    }

    @Override
    public long getLimboBytes() {
        return of.limboBytes();
    }

    @Override
    public long getFlushes() {
        return of.flushes();
    }

    @Override
    public long getFullFlushes() {
        return of.fullFlushes();
    }

    @Override
    public long getNestedFlushes() {
        return of.nestedFlushes();
    }

    @Override
    public long getWaits() {
        return of.waits();
    }

    @Override
    public long getBatchRefusals() {
        return of.batchRefusals();
    }

    @Override
    public long getHandedOver() {
        return of.handedOver();
    }

    @Override
    public long getPins() {
        return of.pins();
    }

    @Override
    public long getLazilyFreed() {
        return of.lazilyFreed();
    }
}
