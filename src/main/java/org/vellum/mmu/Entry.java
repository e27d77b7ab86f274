package org.vellum.mmu;

import org.vellum.mem.Pages;

/**
 * An entry of the vmap window, packed in a {@code long}.
 *
 * <pre>
 *    63          48 47                                 12 11 10       4  3  2  1  0
 *   +--------------+-------------------------------------+--+----------+--+--+--+--+
 *   | tag          | native page address                 |- | pages    |- |O |W |P |
 *   +--------------+-------------------------------------+--+----------+--+--+--+--+
 *   P present   W writable   O the library owns the frame
 *   pages: 1..64 in the first entry of a vmMapRam mapping, else 0
 * </pre>
 *
 * States: <b>none</b> (0), <b>present</b> (P), <b>dead</b> (not P, page address kept until the grace period ends, so that
 * the release finds the frames without an array).
 *
 * <p>A Vellum address carries its tag in the same 16 bits. So {@code (entry ^ address) & (TAG | P)} is {@code P} exactly if
 * the entry is present and of the address's generation, and one compare checks both.
 */
public final class Entry {
    /** No mapping. */
    public static final long NONE = 0;
    /** Bit: the entry translates. */
    public static final long PRESENT = 1;
    /** Bit: stores are allowed. */
    public static final long WRITABLE = 1 << 1;
    /** Bit: the frame is the library's, to be freed with the mapping. */
    public static final long OWNED = 1 << 2;

    /** Where the tag is, in entries and in addresses. */
    public static final int TAG_SHIFT = 48;
    /** The bits of the tag. */
    public static final long TAG_MASK = 0xFFFFL << TAG_SHIFT;
    /** The bits of an address below its tag. */
    public static final long ADDRESS_MASK = ~TAG_MASK;

    static final int COUNT_SHIFT = 4;
    static final long COUNT_MASK = 0x7FL << COUNT_SHIFT;
    static final long PAGE_MASK = ADDRESS_MASK & ~(long)Pages.OFFSET_MASK;

    private Entry() {
    }

    /**
     * @param nativePage page-aligned native address.
     * @param tag generation in the bits of {@link #TAG_MASK}.
     * @param bits any of {@link #WRITABLE}, {@link #OWNED}.
     * @return a present entry.
     */
    public static long present(final long nativePage, final long tag, final long bits) {
        assert (nativePage & ~PAGE_MASK) == 0 && nativePage != 0 : "nativePage=" + nativePage;
        assert (tag & ~TAG_MASK) == 0 : "tag=" + tag;
        assert (bits & ~(WRITABLE | OWNED)) == 0 : "bits=" + bits;
        return nativePage | tag | bits | PRESENT;
    }

    /**
     * @param entry present.
     * @param pages 1..64: how many pages the mapping has that begins here.
     * @return the entry as the head of that mapping.
     */
    public static long head(final long entry, final int pages) {
        assert pages >= 1 && pages <= 64 : "pages=" + pages;
        return entry | (long)pages << COUNT_SHIFT;
    }

    /**
     * @param entry any.
     * @return the pages of the mapping that begins here, 0 if none does.
     */
    public static int headPages(final long entry) {
        return (int)((entry & COUNT_MASK) >>> COUNT_SHIFT);
    }

    /**
     * @param entry any.
     * @return whether it translates.
     */
    public static boolean isPresent(final long entry) {
        return (entry & PRESENT) != 0;
    }

    /**
     * @param entry any.
     * @return whether stores are allowed, if it is present.
     */
    public static boolean isWritable(final long entry) {
        return (entry & WRITABLE) != 0;
    }

    /**
     * @param entry any.
     * @return whether the library owns the frame.
     */
    public static boolean isOwned(final long entry) {
        return (entry & OWNED) != 0;
    }

    /**
     * @param entry present or dead.
     * @return native address of the page, 0 for {@link #NONE}.
     */
    public static long nativePage(final long entry) {
        return entry & PAGE_MASK;
    }

    /**
     * @param entry any.
     * @return its tag, in the bits of {@link #TAG_MASK}.
     */
    public static long tag(final long entry) {
        return entry & TAG_MASK;
    }

    /**
     * @param entry present or dead.
     * @return the same, dead.
     */
    public static long dead(final long entry) {
        return entry & ~PRESENT;
    }
}
