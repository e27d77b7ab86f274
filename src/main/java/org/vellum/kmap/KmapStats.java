package org.vellum.kmap;

/**
 * Figures of the maps of one memory, taken without stopping anybody: exact when quiet.
 *
 * @param localMaps local maps that are open.
 * @param localEntries of those, maps by an entry of the window: those of high frames, and in force mode all.
 * @param leftOpen local maps so far that their threads had left open, and that were undone.
 * @param windowSlots slots of the shared window, used, unused and free; 0 as long as nothing has needed it.
 * @param usedSlots slots that somebody uses.
 * @param unusedSlots slots that nobody uses and that are not free before a flush, or its end.
 * @param flushes of the shared window so far.
 * @param slotWaits shared maps so far that had to wait for a slot.
 * @param files that are open as high memory.
 * @param cacheFrames frames that the cache of high memory has now.
 * @param hits maps of high frames so far that found their page in the cache: local ones, and those that took a slot of the window. Those that
 *     joined one are not counted.
 * @param misses pages so far that were not in the cache when somebody wanted to map them.
 * @param pagesRead pages so far that were read from files, ahead or not.
 * @param writeBacks pages so far that were written to files.
 * @param evictions cache frames so far that were taken from one page for another.
 * @param cacheWaits waits so far for a cache frame, or for another thread that was reading or writing the page.
 * @param failures reads, writes and forces of files so far that failed.
 */
public record KmapStats(
    long localMaps, long localEntries, long leftOpen, int windowSlots, int usedSlots, int unusedSlots, long flushes, long slotWaits,
    int files, int cacheFrames, long hits, long misses, long pagesRead, long writeBacks, long evictions, long cacheWaits, long failures) {

    /** @return slots of the shared window that can be used at once. */
    public int freeSlots() {
        return windowSlots - usedSlots - unusedSlots;
    }

    /** Looks at everything once. */
    static KmapStats of(final StackReport stack, final Windows.Parts parts) {
        if (parts == null) {
            return new KmapStats(stack.open(), 0, stack.leftOpen(), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        }
        final WindowReport window = parts.shared().report;
        final HighCache cache = parts.cache();
        final CacheCounts counts = cache.counts;
        // Misses first: a map that comes in between is a hit too many, and none too few.
        final long misses = counts.of(CacheEvent.MISS);
        return new KmapStats(stack.open(), stack.openEntries(), stack.leftOpen(), window.slots(), window.used(), window.unused(),
            parts.shared().flush.count(), parts.shared().slotWaits(), cache.files(), cache.size(),
            Math.max(0, stack.highMaps() + parts.shared().highMaps() - misses), misses, counts.of(CacheEvent.READ),
            counts.of(CacheEvent.WRITE_BACK), counts.of(CacheEvent.EVICTION),
            counts.of(CacheEvent.READ_WAIT) + counts.of(CacheEvent.WRITE_WAIT) + counts.of(CacheEvent.FRAME_WAIT),
            counts.of(CacheEvent.FAILURE));
    }
}
