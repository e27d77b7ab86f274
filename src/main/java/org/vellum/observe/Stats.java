package org.vellum.observe;

/**
 * Figures of one memory, taken without stopping anybody.
 *
 * @param configuredBytes memory it may use at most.
 * @param presentBytes memory of banks that are there.
 * @param freeFrameBytes bytes of frames that could be allocated, banks not yet added included.
 * @param cachedFrameBytes bytes of free frames that wait in lists of slots.
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
 */
public record Stats(
    long configuredBytes, long presentBytes, long freeFrameBytes, long cachedFrameBytes, long liveAreas, long windowBytes,
    long freeWindowBytes, long limboBytes, long limboFrameBytes, long blocksCreated, long blocksRetired, long blocksPooled,
    long flushes, long drains, long exhaustions, int slots) {
}
