package org.vellum.mmu;

import org.vellum.mem.Pages;

/**
 * An entry of the vmap window, packed in a {@code long}.
 *
 * <pre>
 *    63                                  28 27 26    20 19 18 17 16 15          0
 *   +--------------------------------------+--+--------+--+--+--+--+-------------+
 *   | native page number                   |- | pages  |- |O |W |P | tag         |
 *   +--------------------------------------+--+--------+--+--+--+--+-------------+
 *   P present   W writable   O the library owns the frame
 *   pages: 1..64 in the first entry of a vmMapRam mapping, else 0
 * </pre>
 *
 * States: <b>none</b> (0), <b>present</b> (P), <b>dead</b> (not P, page kept until the grace period ends, so that the
 * release finds the frames without an array).
 *
 * <p>A Vellum address carries its tag too ({@link Address}). A <em>key</em> is what an entry must bear to serve an access: the
 * tag, P, and W for a store. So {@code (entry ^ key) & CHECK} is zero exactly if the entry is present, of the address's
 * generation, and allows the access: all of it stands in the low bits because processors test those with a short constant.
 */
public final class Entry {
    /** No mapping. */
    public static final long NONE = 0;
    /** Bit: the entry translates. */
    public static final long PRESENT = 1L << 16;
    /** Bit: stores are allowed. */
    public static final long WRITABLE = 1L << 17;
    /** Bit: the frame is the library's, to be freed with the mapping. */
    public static final long OWNED = 1L << 18;

    static final long TAG = 0xFFFF;
    /** What a load compares with the key. */
    static final long READ_CHECK = TAG | PRESENT;
    /** What a store compares with the key. */
    static final long WRITE_CHECK = READ_CHECK | WRITABLE;

    static final int COUNT_SHIFT = 20;
    static final long COUNT_MASK = 0x7FL << COUNT_SHIFT;

    /** From the position of the page number to that of a native page address. */
    static final int PAGE_SHIFT = 28 - Pages.SHIFT;

    private static final long NATIVE_PAGES = Address.MASK & ~(long)Pages.OFFSET_MASK;

    private Entry() {
    }

    /**
     * @param address a Vellum address; only its tag matters.
     * @return the bits of a present, writable entry of that generation, but for its page.
     */
    public static long key(final long address) {
        return address >>> Address.TAG_SHIFT | (PRESENT | WRITABLE);
    }

    /**
     * @param nativePage page-aligned native address.
     * @param tag generation in the bits of {@link Address#TAG_MASK}.
     * @param bits any of {@link #WRITABLE}, {@link #OWNED}.
     * @return a present entry.
     */
    public static long present(final long nativePage, final long tag, final long bits) {
        assert (nativePage & ~NATIVE_PAGES) == 0 && nativePage != 0 : "nativePage=" + nativePage;
        assert (tag & ~Address.TAG_MASK) == 0 : "tag=" + tag;
        assert (bits & ~(WRITABLE | OWNED)) == 0 : "bits=" + bits;
        return nativePage << PAGE_SHIFT | tag >>> Address.TAG_SHIFT | bits | PRESENT;
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
     * @param entry present or dead, or its difference from a key.
     * @return native address of the page, 0 for {@link #NONE}.
     */
    public static long nativePage(final long entry) {
        return entry >>> PAGE_SHIFT + Pages.SHIFT << Pages.SHIFT;
    }

    /**
     * @param entry any.
     * @return its tag, in the bits of {@link Address#TAG_MASK}.
     */
    public static long tag(final long entry) {
        return entry << Address.TAG_SHIFT;
    }

    /**
     * @param entry present or dead.
     * @return the same, dead.
     */
    public static long dead(final long entry) {
        return entry & ~PRESENT;
    }
}
