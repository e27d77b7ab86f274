package org.vellum.space;

import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import org.vellum.rmap.AnonVma;

/**
 * A range of pages of one space that are alike: the kernel's VMA. It never changes, but that it gets an {@link AnonVma} some time; it
 * <em>ends</em>, when the space's regions are changed where it lies, and others take its place. So who has found one reads it without a
 * lock, and asks at the decisive moment, under the page-table lock, whether it is still {@linkplain #isCurrent current}: the argument is in
 * the package documentation.
 *
 * <p>Pages are numbered from 0 at the start of the space.
 */
public final class Region {
    /** May be read. */
    public static final int READ = 1;
    /** May be written. */
    public static final int WRITE = 1 << 1;
    /** Stores are seen by all who map the same; else each has its own copy. */
    public static final int SHARED = 1 << 2;
    /** Grows towards lower addresses when touched below its start. */
    public static final int GROWS = 1 << 3;
    /** Its pages stay in memory. */
    public static final int LOCKED = 1 << 4;
    /** Its frames are the caller's: never merged, reclaimed, migrated or counted. */
    public static final int RESERVED = 1 << 5;

    /** Its entries are being cleared: nobody may touch its pages, nor map anything there. Never given by users. */
    static final int DYING = 1 << 6;

    private static final int ALL_FLAGS = (1 << 7) - 1;
    /** What may differ between neighbours that could be one region some time. */
    private static final int ACCESS_FLAGS = READ | WRITE;
    private static final AtomicReferenceFieldUpdater<Region, AnonVma> ANON_VMA =
        AtomicReferenceFieldUpdater.newUpdater(Region.class, AnonVma.class, "anonVma");
    private static final char[] LETTERS = {'r', 'w', 's', 'g', 'l', 'R'};

    private final long startPage;
    private final long endPage;
    private final int flags;
    private final Backing backing;
    private final long filePage;
    /** Null, or set once: under the space lock, shared, so that whoever makes other regions of this one takes it along. */
    private volatile AnonVma anonVma;
    /** Set once, after the index has its successors. */
    private volatile boolean ended;

    /**
     * @param startPage the first.
     * @param endPage exclusive.
     * @param flags any of the constants above.
     * @param backing what its pages come from, compared by identity; null if they are anonymous.
     * @param filePage the page of the file that {@code startPage} shows. Of anonymous regions the page at which they were mapped first: it
     *                 stays with the contents when they are moved, so that reverse mapping finds them.
     */
    Region(final long startPage, final long endPage, final int flags, final Backing backing, final long filePage) {
        this(startPage, endPage, flags, backing, filePage, null);
    }

    private Region(
        final long startPage, final long endPage, final int flags, final Backing backing, final long filePage, final AnonVma anonVma) {
        if (startPage < 0 || endPage <= startPage || (flags & ~ALL_FLAGS) != 0 || filePage < 0
            || filePage > Long.MAX_VALUE - (endPage - startPage)) {
            throw new IllegalArgumentException("startPage=" + startPage + " endPage=" + endPage + " flags=0x"
                + Integer.toHexString(flags) + " filePage=" + filePage);
        }
        this.startPage = startPage;
        this.endPage = endPage;
        this.flags = flags;
        this.backing = backing;
        this.filePage = filePage;
        this.anonVma = anonVma;
    }

    /** @return the first page. */
    public long startPage() {
        return startPage;
    }

    /** @return the end, exclusive. */
    public long endPage() {
        return endPage;
    }

    /** @return how many pages. */
    public long pages() {
        return endPage - startPage;
    }

    /** @return the flags. */
    public int flags() {
        return flags;
    }

    /** What its pages come from; null if they are anonymous. */
    Backing backing() {
        return backing;
    }

    /** What its family of anonymous regions has in common; null before its first anonymous fault. */
    AnonVma anonVma() {
        // Volatile: what was set is whole; partner: the CAS in adopt().
        return anonVma;
    }

    /** Its AnonVma, which is the given one unless it has another. Under the space lock. */
    AnonVma adopt(final AnonVma wanted) {
        // CAS: p3 of AnonVmas, of two that prepare one region one wins; partner: the same, and anonVma().
        return ANON_VMA.compareAndSet(this, null, wanted) ? wanted : anonVma;
    }

    /** @return the page of the file that the first page shows. */
    public long filePage() {
        return filePage;
    }

    /**
     * @param flag one of the constants above, or several.
     * @return whether it has all of them.
     */
    public boolean has(final int flag) {
        return (flags & flag) == flag;
    }

    /**
     * @param page any.
     * @return whether it is one of this region's.
     */
    public boolean contains(final long page) {
        return page >= startPage && page < endPage;
    }

    /**
     * @param page of this region.
     * @return the page of the file that it shows.
     */
    public long filePageOf(final long page) {
        assert contains(page) : "page=" + page + " region=" + this;
        return filePage + (page - startPage);
    }

    /** @return whether it still is a region of its space. Once it is not, it never is again, and the index has what came instead. */
    public boolean isCurrent() {
        // Volatile: partner of the store in end(), f3 against u2 of the package documentation.
        return !ended;
    }

    /** Whether it only keeps its pages from being mapped until their entries are cleared. */
    boolean isDying() {
        return has(DYING);
    }

    /** What stands in the place of regions while their entries are cleared. */
    static Region tombstone(final long startPage, final long endPage) {
        return new Region(startPage, endPage, DYING, null, startPage);
    }

    /** After the index has been published without it. */
    void end() {
        // Volatile: u2 of the package documentation; partner: isCurrent().
        ended = true;
    }

    /** The part from one page to another; itself if that is all of it. */
    Region slice(final long fromPage, final long toPage) {
        return fromPage == startPage && toPage == endPage ? this
            : new Region(fromPage, toPage, flags, backing, filePageOf(fromPage), anonVma);
    }

    /** The same with other flags; itself if they are the same. */
    Region withFlags(final int newFlags) {
        return newFlags == flags ? this : new Region(startPage, endPage, newFlags, backing, filePage, anonVma);
    }

    /** Whether the other goes on where this one stops, in every respect. */
    boolean continuesIn(final Region next) {
        return flags == next.flags && mayOnceContinueIn(next)
            && (anonVma == null || next.anonVma == null || anonVma == next.anonVma);
    }

    /** Whether the other would go on where this one stops, if it could be accessed alike and were of the same family. */
    boolean mayOnceContinueIn(final Region next) {
        return endPage == next.startPage && ((flags ^ next.flags) & ~ACCESS_FLAGS) == 0 && (flags & (RESERVED | DYING)) == 0 && backing == next.backing
            && filePage + pages() == next.filePage;
    }

    /** Both in one. */
    Region join(final Region next) {
        assert continuesIn(next) : this + " and " + next;
        return new Region(startPage, next.endPage, flags, backing, filePage, anonVma == null ? next.anonVma : anonVma);
    }

    @Override
    public String toString() {
        final StringBuilder letters = new StringBuilder();
        for (int i = 0; i < LETTERS.length; i++) {
            letters.append((flags & 1 << i) != 0 ? LETTERS[i] : '-');
        }
        return "[" + startPage + ", " + endPage + ") " + (isDying() ? "being unmapped" : letters) + (backing == null ? "" : " " + backing) + " page " + filePage;
    }
}
