package org.vellum.observe;

/**
 * A memory as JMX sees it: registered by {@code jmx(name)} of the builder as {@code org.vellum:type=Memory,name=...}, until the memory is closed.
 *
 * <p>Figures are those of {@link Stats}, each attribute of one moment, taken without stopping anybody by a look at every frame and every object
 * of a slab: some milliseconds a GiB. After the memory is closed everything here throws {@link IllegalStateException}.
 */
public interface VellumMXBean {
    /** @return banks, frames, the window and limbo. */
    MemoryFigures getMemory();

    /** @return the allocator's figures. */
    AllocatorFigures getAllocator();

    /** @return figures of per-CPU memory, all 0 as long as nobody has asked for it. */
    PercpuFigures getPercpu();

    /** @return figures of local and shared maps, and of high memory. */
    KmapFigures getKmap();

    /** @return figures of address spaces. */
    SpaceFigures getSpaces();

    /** @return size classes that have a slab, smallest first. */
    SizeClassFigures[] getSizeClasses();

    /** @return open budgets, parents before children. */
    BudgetFigures[] getBudgets();

    /**
     * Gives memory back to the operating system, as {@code trim()} of the memory does.
     *
     * @return bytes of banks released.
     */
    long trim();

    /** @return what there is to know, for a person: some lines. */
    String report();

    /** The memory as a whole. */
    interface MemoryFigures {
        /** @return bytes of memory that it may use at most. */
        long getConfiguredBytes();

        /** @return bytes of banks that are there. */
        long getPresentBytes();

        /** @return the most bytes of banks that were there at once. */
        long getPresentHighWaterBytes();

        /** @return bytes of banks that were taken from the JVM and not given back. */
        long getResidentBytes();

        /** @return the most bytes of frames that were in use at once, lists of slots included. */
        long getUsedHighWaterBytes();

        /** @return bytes of frames that could be allocated. */
        long getFreeFrameBytes();

        /** @return bytes of free frames in lists of slots and on the way between them. */
        long getCachedFrameBytes();

        /** @return areas of the window that are live. */
        long getLiveAreas();

        /** @return bytes of addresses of the window. */
        long getWindowBytes();

        /** @return bytes of addresses that are free. */
        long getFreeWindowBytes();

        /** @return bytes of addresses, objects and runs that wait for a grace period. */
        long getLimboBytes();

        /** @return bytes of frames of areas that wait for a grace period. */
        long getLimboFrameBytes();

        /** @return advances of the epoch so far. */
        long getFlushes();

        /** @return purges because lazy pages exceeded their bound, so far. */
        long getDrains();

        /** @return allocations that met exhaustion, so far. */
        long getExhaustions();

        /** @return CPU slots in use or once used. */
        int getSlots();
    }

    /** The allocator: what {@link org.vellum.alloc.AllocatorStats} says. */
    interface AllocatorFigures {
        /** @return bytes of what is allocated, as much as each allocation takes. */
        long getLiveBytes();

        /** @return the largest of those that any asking has found. */
        long getLiveHighWaterBytes();

        /** @return allocations in slabs. */
        long getLiveObjects();

        /** @return allocations that are runs of frames. */
        long getLiveRuns();

        /** @return allocations over scattered frames. */
        long getLiveAreas();

        /** @return free bytes that are kept for the next request. */
        long getCachedBytes();

        /** @return of those, bytes that only the slot which keeps them serves. */
        long getStrandedBytes();

        /** @return bytes of objects and runs that wait for a grace period. */
        long getLimboBytes();

        /** @return bytes that the checked mode keeps. */
        long getQuarantinedBytes();

        /** @return bytes of frames that the allocator has taken. */
        long getReservedBytes();

        /** @return 1 − live ÷ reserved: 0 if all that is reserved is used, or nothing is reserved. */
        double getFragmentation();
    }

    /** Per-CPU memory: what {@link org.vellum.percpu.PercpuStats} says. */
    interface PercpuFigures {
        /** @return how many copies there are of everything. */
        int getSlots();

        /** @return how many chunks. */
        int getChunks();

        /** @return areas that are allocated. */
        long getAreas();

        /** @return bytes of them, each counted once, whatever the number of copies. */
        long getBytes();

        /** @return pages of units that have memory, each counted once. */
        long getPopulatedPages();

        /** @return of those, pages nothing of which is allocated. */
        long getEmptyPages();

        /** @return frames that all this takes, on all CPUs. */
        long getFrames();

        /** @return frames that were given back and wait for a grace period. */
        long getPendingFrames();

        /** @return how often chunks and pages were looked after. */
        long getBalances();

        /** @return allocations that could not wait, and found nothing. */
        long getAtomicFailures();
    }

    /** Local and shared maps, and high memory: what {@link org.vellum.kmap.KmapStats} says. */
    interface KmapFigures {
        /** @return local maps that are open. */
        long getLocalMaps();

        /** @return of those, maps by an entry of the window. */
        long getLocalEntries();

        /** @return local maps so far that their threads had left open. */
        long getLeftOpen();

        /** @return slots of the shared window; 0 as long as nothing has needed it. */
        int getWindowSlots();

        /** @return slots that somebody uses. */
        int getUsedSlots();

        /** @return slots that nobody uses, and that a flush makes free. */
        int getUnusedSlots();

        /** @return slots that can be used at once. */
        int getFreeSlots();

        /** @return flushes of the shared window so far. */
        long getFlushes();

        /** @return shared maps so far that had to wait for a slot. */
        long getSlotWaits();

        /** @return files that are open as high memory. */
        int getFiles();

        /** @return frames of the cache of high memory. */
        int getCacheFrames();

        /** @return maps of high frames so far that found their page in the cache. */
        long getHits();

        /** @return pages so far that were not in the cache when somebody wanted to map them. */
        long getMisses();

        /** @return pages read from files so far, ahead or not. */
        long getPagesRead();

        /** @return pages written to files so far. */
        long getWriteBacks();

        /** @return cache frames so far that were taken from one page for another. */
        long getEvictions();

        /** @return waits so far for a cache frame, or for the read or write of another thread. */
        long getCacheWaits();

        /** @return reads, writes and forces of files so far that failed. */
        long getFailures();
    }

    /** One size class. */
    interface SizeClassFigures {
        /** @return bytes of its objects. */
        int getObjectBytes();

        /** @return how many slabs it has. */
        int getSlabs();

        /** @return how many objects are live. */
        long getLiveObjects();

        /** @return how many objects wait for a grace period. */
        long getDeferredObjects();

        /** @return how many objects are free. */
        long getFreeObjects();

        /** @return bytes of its slabs. */
        long getBytes();

        /** @return bytes of its slabs that no object covers. */
        long getWasteBytes();
    }

    /** One budget. */
    interface BudgetFigures {
        /** @return names from the memory down. */
        String getPath();

        /** @return bytes charged to it and its children. */
        long getUsedBytes();

        /** @return the most it may use, in bytes. */
        long getLimitBytes();

        /** @return the most bytes so far, slack of slots included. */
        long getHighWaterBytes();
    }

    /** Address spaces: what {@link org.vellum.space.SpaceStats} says. */
    interface SpaceFigures {
        /** @return that are open. */
        int getSpaces();

        /** @return of all of them. */
        long getRegions();

        /** @return page tables that there are, those in limbo included. */
        long getTables();

        /**
         * @return of those, the ones that wait for their grace period: at most {@link #getMostTablesInLimbo}, and what is cleared in one go.
         */
        long getTablesInLimbo();

        /** @return how many may wait before nobody gets a new one. */
        long getMostTablesInLimbo();

        /** @return gathers begun and not ended. */
        int getGathersUnderWay();

        /** @return of frames that a gather fills, that are open in a slot, or in limbo. */
        long getBatches();

        /** @return bytes of frames and batches that wait for a grace period. */
        long getLimboBytes();

        /** @return of gathers, and of spaces that ended, so far. */
        long getFlushes();

        /** @return of those, the ones that a gather needed before its end, because it was full. */
        long getFullFlushes();

        /** @return of those, the ones that another gather of the same space was the reason for. */
        long getNestedFlushes();

        /** @return flushes so far that waited for their grace period. */
        long getWaits();

        /** @return times so far that there was no memory for a batch. */
        long getBatchRefusals();

        /** @return unmaps so far whose rest was handed to the worker, because the thread was interrupted. */
        long getHandedOver();

        /** @return pins of pages that are outstanding. */
        long getPins();

        /** @return frames so far that were taken away because their content was not needed and memory was short. */
        long getLazilyFreed();
    }
}
