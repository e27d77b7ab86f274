package org.vellum.space;

import java.util.Objects;
import org.vellum.mem.Pages;

/**
 * What a mapping is to be like. Immutable: each method returns another one. Thread safety: any thread.
 */
public final class MapOptions {
    /** Anonymous, private, readable and writable. */
    public static final MapOptions DEFAULT = new MapOptions(Region.READ | Region.WRITE, null, 0, Pages.SIZE, false);

    private static final int ACCESS = Region.READ | Region.WRITE;

    private final int flags;
    private final Source source;
    private final long sourcePage;
    private final long alignBytes;
    private final boolean populated;

    private MapOptions(final int flags, final Source source, final long sourcePage, final long alignBytes, final boolean populated) {
        this.flags = flags;
        this.source = source;
        this.sourcePage = sourcePage;
        this.alignBytes = alignBytes;
        this.populated = populated;
    }

    private MapOptions withFlags(final int newFlags) {
        return new MapOptions(newFlags, source, sourcePage, alignBytes, populated);
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
        return new MapOptions(flags, source, sourcePage, alignBytes, true);
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
        return new MapOptions(flags, source, sourcePage, bytes, populated);
    }

    /** The same with pages from somewhere else, from a page of it on, and flags that go with it. */
    MapOptions from(final Backing backing, final long page, final int moreFlags) {
        return from((mm, pages) -> backing, page, moreFlags);
    }

    private MapOptions from(final Source newSource, final long page, final int moreFlags) {
        // RESERVED comes with the frames, and goes with them.
        return new MapOptions(flags & ~Region.RESERVED | moreFlags, newSource, page, alignBytes, populated);
    }

    /**
     * @param file whose pages it shows, of the same memory as the space; private ones until they are stored to, {@link #shared} ones for good.
     * @param offset in bytes, a multiple of 4,096: where in the file the mapping begins.
     * @return the same with pages of the file.
     * @throws IllegalArgumentException if the offset is not one.
     */
    public MapOptions file(final SpaceFile file, final long offset) {
        Objects.requireNonNull(file, "file");
        if (offset < 0 || (offset & Pages.OFFSET_MASK) != 0) {
            throw new IllegalArgumentException("offset=" + offset);
        }
        return from((mm, pages) -> ofMemory(mm, file), offset >>> Pages.SHIFT, 0);
    }

    /** Its frames have numbers that mean others elsewhere. */
    private static Backing ofMemory(final MemoryDescriptor mm, final SpaceFile file) {
        if (!file.isOf(mm.spaces.files)) {
            throw new IllegalArgumentException("file=" + file + " is another memory's than " + mm);
        }
        return file.backing();
    }

    /**
     * @param handler of the user's, asked for each page that is touched for the first time.
     * @return the same with pages that the handler gives.
     */
    public MapOptions handler(final UserFaultHandler handler) {
        Objects.requireNonNull(handler, "handler");
        return from((mm, pages) -> new HandlerBacking(handler, mm.spaces.files.frames, mm.number, mm.spaces.listener), 0, 0);
    }

    /**
     * @param frames of the caller's, one for each page. They stay his: he keeps them until the mapping has been unmapped, and every section has ended
     *               that was open then. Such a mapping is never joined with its neighbours.
     * @return the same with these frames.
     */
    public MapOptions frames(final long... frames) {
        final long[] copy = frames.clone();
        return from((mm, pages) -> reserved(mm, copy, pages), 0, Region.RESERVED);
    }

    private static Backing reserved(final MemoryDescriptor mm, final long[] frames, final long pages) {
        final ReservedFrames reserved = new ReservedFrames(mm.spaces.frames.table(), frames);
        if (reserved.pages() != pages) {
            throw new IllegalArgumentException("frames=" + reserved.pages() + " pages=" + pages);
        }
        return reserved;
    }

    /** Where the pages come from; null if they are anonymous. */
    private interface Source {
        Backing backing(MemoryDescriptor mm, long pages);
    }

    long alignPages() {
        return alignBytes >>> Pages.SHIFT;
    }

    boolean isPopulated() {
        return populated || (flags & Region.LOCKED) != 0;
    }

    /** What the pages of one mapping come from. Changes nothing, and refuses what does not go together. */
    Backing backing(final MemoryDescriptor mm, final long pages) {
        if (source != null && (flags & Region.GROWS) != 0) {
            throw new IllegalArgumentException("only anonymous regions grow");
        }
        return source == null ? null : source.backing(mm, pages);
    }

    /** The region that it makes of a range; anonymous pages are numbered by where they were mapped first. */
    Region region(final Backing backing, final long startPage, final long pages) {
        return new Region(startPage, startPage + pages, flags, backing, backing == null ? startPage : sourcePage);
    }
}
