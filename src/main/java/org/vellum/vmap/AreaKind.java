package org.vellum.vmap;

/** What an area is for: who owns its frames, and which call ends it. */
public enum AreaKind {
    /** {@code vmalloc}: frames of the library's; ended by {@code vfree}. */
    VMALLOC("vfree", true),
    /** {@code vmap}: frames of the caller's; ended by {@code vunmap}. */
    VMAP("vunmap", false),
    /** {@code vmMapRam} of more pages than a block serves: frames of the caller's; ended by {@code vmUnmapRam}. */
    RAM("vmUnmapRam", false),
    /** Addresses without frames, mapped page by page: frames of the caller's; ended by {@code vunmap}. */
    SPARSE("vunmap", false),
    /** A block that {@code vmMapRam} carves; ended by its own purge. */
    BLOCK("its purge", false),
    /** An allocation that is not contiguous: frames of the library's, charged to a budget; ended by the allocator's {@code free}. */
    ALLOCATION("free", true);

    private static final AreaKind[] KINDS = values();

    private final String endedBy;
    private final boolean ownsFrames;

    AreaKind(final String endedBy, final boolean ownsFrames) {
        this.endedBy = endedBy;
        this.ownsFrames = ownsFrames;
    }

    /** The call that ends an area of this kind. */
    String endedBy() {
        return endedBy;
    }

    /** Whether the frames go with the area. */
    boolean ownsFrames() {
        return ownsFrames;
    }

    static AreaKind of(final int ordinal) {
        return KINDS[ordinal];
    }
}
