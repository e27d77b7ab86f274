package org.vellum.vmap;

/**
 * A look at an area; it may be gone by the time it is read.
 *
 * @param address tagged address of its first byte.
 * @param size bytes that were asked for.
 * @param pages pages that are mapped or mappable, without the guard.
 * @param spanPages pages of the window it occupies, guard included.
 * @param kind what it is for.
 * @param lazy whether it is unmapped and waits in limbo.
 */
public record AreaInfo(long address, long size, long pages, long spanPages, AreaKind kind, boolean lazy) {
}
