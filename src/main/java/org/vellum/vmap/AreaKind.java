package org.vellum.vmap;

/** What an area is for: who owns its frames, and which call ends it. */
public enum AreaKind {
    /** {@code vmalloc}: frames of the library's; ended by {@code vfree}. */
    VMALLOC,
    /** {@code vmap}: frames of the caller's; ended by {@code vunmap}. */
    VMAP,
    /** {@code vmMapRam} of more pages than a block serves: frames of the caller's; ended by {@code vmUnmapRam}. */
    RAM,
    /** Addresses without frames, mapped page by page: frames of the caller's; ended by {@code vunmap}. */
    SPARSE,
    /** A block that {@code vmMapRam} carves; ended by its own purge. */
    BLOCK;

    private static final AreaKind[] KINDS = values();

    static AreaKind of(final int ordinal) {
        return KINDS[ordinal];
    }
}
