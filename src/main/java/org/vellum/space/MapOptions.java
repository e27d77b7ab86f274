package org.vellum.space;

import org.vellum.mem.Pages;

/**
 * What a mapping is to be like. Immutable: each method returns another one. Thread safety: any thread.
 */
public final class MapOptions {
    /** Anonymous, private, readable and writable. */
    public static final MapOptions DEFAULT = new MapOptions(Region.READ | Region.WRITE, null, 0, Pages.SIZE, false);

    private static final int ACCESS = Region.READ | Region.WRITE;

    private final int flags;
    private final Backing backing;
    private final long backingPage;
    private final long alignBytes;
    private final boolean populated;

    private MapOptions(final int flags, final Backing backing, final long backingPage, final long alignBytes, final boolean populated) {
        this.flags = flags;
        this.backing = backing;
        this.backingPage = backingPage;
        this.alignBytes = alignBytes;
        this.populated = populated;
    }

    private MapOptions withFlags(final int newFlags) {
        return new MapOptions(newFlags, backing, backingPage, alignBytes, populated);
    }

    /**
     * @param access {@link Region#READ}, {@link Region#WRITE}, both or 0: nobody may touch it.
     * @return the same with these permissions.
     * @throws IllegalArgumentException if it is something else.
     */
    public MapOptions access(final int access) {
        requireAccess(access);
        return withFlags(flags & ~ACCESS | access);
    }

    static void requireAccess(final int access) {
        if ((access & ~ACCESS) != 0) {
            throw new IllegalArgumentException("access=0x" + Integer.toHexString(access));
        }
    }

    /** @return the same, readable only. */
    public MapOptions readOnly() {
        return access(Region.READ);
    }

    /** @return the same, its stores seen by all who map the same. */
    public MapOptions shared() {
        return withFlags(flags | Region.SHARED);
    }

    /** @return the same, growing towards lower addresses when it is touched below its start. Anonymous only. */
    public MapOptions grows() {
        return withFlags(flags | Region.GROWS);
    }

    /** @return the same, whose pages are faulted in at once and stay in memory. */
    public MapOptions locked() {
        return withFlags(flags | Region.LOCKED);
    }

    /** @return the same, whose pages are faulted in at once. */
    public MapOptions populated() {
        return new MapOptions(flags, backing, backingPage, alignBytes, true);
    }

    /**
     * @param bytes alignment of the start, a power of two of at least 4,096.
     * @return the same, aligned so.
     * @throws IllegalArgumentException if it is something else.
     */
    public MapOptions align(final long bytes) {
        if (bytes < Pages.SIZE || Long.bitCount(bytes) != 1) {
            throw new IllegalArgumentException("align=" + bytes);
        }
        return new MapOptions(flags, backing, backingPage, bytes, populated);
    }

    /** The same with pages from somewhere else, from a page of it on, and flags that go with it. */
    MapOptions from(final Backing newBacking, final long page, final int moreFlags) {
        return new MapOptions(flags | moreFlags, newBacking, page, alignBytes, populated);
    }

    int flags() {
        return flags;
    }

    Backing backing() {
        return backing;
    }

    long alignPages() {
        return alignBytes >>> Pages.SHIFT;
    }

    boolean isPopulated() {
        return populated || (flags & Region.LOCKED) != 0;
    }

    /** The region that it makes of a range; anonymous pages are numbered by where they were mapped first. */
    Region region(final long startPage, final long pages) {
        if (backing != null && (flags & Region.GROWS) != 0) {
            throw new IllegalArgumentException("only anonymous regions grow: backing=" + backing);
        }
        return new Region(startPage, startPage + pages, flags, backing, backing == null ? startPage : backingPage);
    }
}
