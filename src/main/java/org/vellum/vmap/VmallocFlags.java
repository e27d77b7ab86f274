package org.vellum.vmap;

/** Flags of an area; combine with {@code |}. */
public final class VmallocFlags {
    /** No flags. */
    public static final int NONE = 0;
    /** The content is zero; {@code vrealloc} keeps it so. */
    public static final int ZERO = 1;
    /** No guard page behind the area: its overruns may meet another area. */
    public static final int NO_GUARD = 1 << 1;
    /** Meant to be shown to users of the application: zeroed, and {@code AreaKind.VMALLOC}'s report says so (V37). */
    public static final int USER = 1 << 2;
    /** Contiguous frames if they can be had, else scattered ones, silently. */
    public static final int CONTIGUOUS = 1 << 3;
    /** Loads only: a checked store faults. */
    public static final int READ_ONLY = 1 << 4;
    /** {@code vmap} hands its frames over: {@code vfree} frees them (V32). */
    public static final int PUT_PAGES = 1 << 5;

    static final int ALL = 0x3F;

    private VmallocFlags() {
    }

    static void check(final int flags, final int allowed) {
        if ((flags & ~allowed) != 0) {
            throw new IllegalArgumentException("flags=0x" + Integer.toHexString(flags));
        }
    }
}
