package org.vellum.kmap;

import org.vellum.mmu.Address;

/**
 * The generations that addresses of maps bear as their tags: 1 to 65,535 in a circle, each page of the window by itself.
 *
 * <p>There are no guard pages, so tags do their work, too: whoever runs over the end of a map comes to the next page with the tag of this
 * one. Neighbours are mapped about equally often, so they must not begin with the same generation: pages side by side begin
 * {@link #DISTANCE} apart.
 */
final class KmapTags {
    private static final int COUNT = 0xFFFF;
    /** Far from 0 either way around the circle, and so are its first few multiples. */
    private static final long DISTANCE = 25_033;

    private KmapTags() {
    }

    /** The generation before the first one of a page. */
    static long before(final long page) {
        return page * DISTANCE % COUNT;
    }

    static long next(final long generation) {
        return generation == COUNT ? 1 : generation + 1;
    }

    /** In the bits of {@link Address#TAG_MASK}. */
    static long tag(final long generation) {
        return generation << Address.TAG_SHIFT;
    }
}
