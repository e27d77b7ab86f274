package org.vellum.observe;

import org.vellum.kmap.KmapStats;
import org.vellum.observe.VellumMXBean.KmapFigures;

/** Figures of {@link KmapStats} as JMX sees them. */
record KmapMonitor(KmapStats of) implements KmapFigures {
    @Override
    public long getLocalMaps() {
        return of.localMaps();
    }

    @Override
    public long getLocalEntries() {
        return of.localEntries();
    }

    @Override
    public long getLeftOpen() {
        return of.leftOpen();
    }

    @Override
    public int getWindowSlots() {
        return of.windowSlots();
    }

    @Override
    public int getUsedSlots() {
        return of.usedSlots();
    }

    @Override
    public int getUnusedSlots() {
        return of.unusedSlots();
    }

    @Override
    public int getFreeSlots() {
        return of.freeSlots();
    }

    @Override
    public long getFlushes() {
        return of.flushes();
    }

    @Override
    public long getSlotWaits() {
        return of.slotWaits();
    }

    @Override
    public int getFiles() {
        return of.files();
    }

    @Override
    public int getCacheFrames() {
        return of.cacheFrames();
    }

    @Override
    public long getHits() {
        return of.hits();
    }

    @Override
    public long getMisses() {
        return of.misses();
    }

    @Override
    public long getPagesRead() {
        return of.pagesRead();
    }

    @Override
    public long getWriteBacks() {
        return of.writeBacks();
    }

    @Override
    public long getEvictions() {
        return of.evictions();
    }

    @Override
    public long getCacheWaits() {
        return of.cacheWaits();
    }

    @Override
    public long getFailures() {
        return of.failures();
    }
}
