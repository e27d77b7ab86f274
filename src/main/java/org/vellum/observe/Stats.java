package org.vellum.observe;

import org.vellum.alloc.AllocatorStats;
import org.vellum.kmap.KmapStats;
import org.vellum.percpu.PercpuStats;
import org.vellum.space.SpaceStats;

/**
 * Figures of one memory, taken without stopping anybody.
 *
 * @param configuredBytes memory it may use at most.
 * @param presentBytes memory of banks that are there.
 * @param presentHighWaterBytes the most that was there at once; exact.
 * @param residentBytes memory of banks that was taken from the JVM and not given back: those present, and those that wait for their
 *                      release. All of it is resident, since the JVM zeroes it, unless the operating system swaps.
 * @param usedHighWaterBytes the most bytes of frames that were in use at once, by anybody. Frames that wait in lists of slots, or pass
 *                           between them, count as used: too high by at most what those were (2 MiB a slot, and 4 MiB), never too low.
 * @param freeFrameBytes bytes of frames that could be allocated, banks not yet added included.
 * @param cachedFrameBytes bytes of free frames that wait in lists of slots, or pass between them.
 * @param liveAreas areas that nobody has ended yet, blocks left out.
 * @param windowBytes addresses of the vmap window.
 * @param freeWindowBytes addresses that are free.
 * @param limboBytes addresses that wait for a grace period.
 * @param limboFrameBytes frames that wait for a grace period.
 * @param blocksCreated blocks of {@code vmMapRam} cut out of the window so far.
 * @param blocksRetired blocks that went to limbo so far.
 * @param blocksPooled blocks ready for use.
 * @param flushes advances of the epoch so far.
 * @param drains purges because the bound of lazy pages was exceeded, so far.
 * @param exhaustions allocations that met exhaustion and purged, so far.
 * @param slots CPU slots in use or once used.
 * @param allocator the allocator's: found by a look at every frame and every object of a slab, some milliseconds a GiB.
 * @param percpu those of per-CPU memory; all 0 as long as nobody has asked for it.
 * @param kmap those of local and shared maps, and of high memory.
 * @param spaces those of address spaces.
 */
public record Stats(
    long configuredBytes, long presentBytes, long presentHighWaterBytes, long residentBytes, long usedHighWaterBytes, long freeFrameBytes,
    long cachedFrameBytes, long liveAreas, long windowBytes, long freeWindowBytes, long limboBytes, long limboFrameBytes,
    long blocksCreated, long blocksRetired, long blocksPooled, long flushes, long drains, long exhaustions, int slots,
    AllocatorStats allocator, PercpuStats percpu, KmapStats kmap, SpaceStats spaces) {

    /**
     * All of it, for a person.
     *
     * @param holders who holds limbo up, in words.
     * @return some lines.
     */
    public String report(final String holders) {
        return MemoryReport.of(this, holders);
    }
}
