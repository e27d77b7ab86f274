package org.vellum.mmu;

import org.vellum.mem.Pages;

/**
 * An entry of an address space's page table, packed in a {@code long}.
 *
 * <pre>
 *    63                                  28 27            12 11   9 8 7 6 5 4 3 2 1 0
 *   +--------------------------------------+----------------+------+-+-+-+-+-+-+-+-+-+
 *   | native page number, or swap slot     | version        | 0    |K|Z|S|X|D|A|W|R|P|
 *   +--------------------------------------+----------------+------+-+-+-+-+-+-+-+-+-+
 *   P present   R readable   W writable   A accessed   D dirty
 *   X exclusive: no other entry maps the frame     S special: the frame is not counted     Z the zero frame     K in swap
 * </pre>
 *
 * States, by P and K: <b>none</b>; <b>present</b>: the frame is held by one reference of this entry's; <b>special</b>: present, without a
 * reference, because the frame is its owner's or, with Z, the one zero frame that all share for reading; <b>swap</b>: the content is
 * elsewhere. A present page without R is one that nobody may touch (the kernel's PROT_NONE).
 *
 * <p>The <em>version</em> grows with each change of state, none included, so that whoever looks twice sees that there was a change in
 * between, although the second entry may name the same frame again. It wraps after 65,536 changes, which would have to happen
 * between two loads that lie nanoseconds apart. Setting A and D is no change of state.
 *
 * <p>What an access compares: a load wants P, R and A, a store P, W, A and D. So the first of each kind takes the slow way, and sets
 * its bits there, by CAS.
 */
public final class SpaceEntry {
    /** No mapping; of whatever version. */
    public static final long NONE = 0;
    /** Bit: the entry translates. */
    public static final long PRESENT = 1;
    /** Bit: loads are allowed. */
    public static final long READABLE = 1 << 1;
    /** Bit: stores are allowed. */
    public static final long WRITABLE = 1 << 2;
    /** Bit: the page was loaded from, or stored to. */
    public static final long ACCESSED = 1 << 3;
    /** Bit: the page was stored to. */
    public static final long DIRTY = 1 << 4;
    /** Bit: no other entry maps the frame, so it may be made writable without a copy. */
    public static final long EXCLUSIVE = 1 << 5;
    /** Bit: the entry holds no reference to its frame. */
    public static final long SPECIAL = 1 << 6;
    /** Bit: the frame is the zero frame; special too, and never writable. */
    public static final long ZERO = 1 << 7;
    /** Bit: not present, and the number is that of a swap slot. */
    public static final long SWAP = 1 << 8;

    /** What a load compares. */
    public static final long READ_CHECK = PRESENT | READABLE | ACCESSED;
    /** What a store compares. */
    public static final long WRITE_CHECK = PRESENT | WRITABLE | ACCESSED | DIRTY;

    private static final long BITS = READABLE | WRITABLE | ACCESSED | DIRTY | EXCLUSIVE | SPECIAL | ZERO;
    private static final int VERSION_SHIFT = 12;
    private static final long VERSION_ONE = 1L << VERSION_SHIFT;
    private static final long VERSION_MASK = 0xFFFFL << VERSION_SHIFT;
    private static final int NUMBER_SHIFT = 28;
    private static final int PAGE_SHIFT = NUMBER_SHIFT - Pages.SHIFT;
    private static final long NATIVE_PAGES = Address.MASK & ~(long)Pages.OFFSET_MASK;

    private SpaceEntry() {
    }

    /**
     * A present entry, without a version: {@link SpaceTable} gives it one.
     *
     * @param nativePage page-aligned native address of the frame.
     * @param bits any of the bits above but {@link #PRESENT} and {@link #SWAP}.
     * @return the entry.
     */
    public static long present(final long nativePage, final long bits) {
        assert (nativePage & ~NATIVE_PAGES) == 0 && nativePage != 0 : "nativePage=" + nativePage;
        assert (bits & ~BITS) == 0 : "bits=0x" + Long.toHexString(bits);
        assert (bits & ZERO) == 0 || (bits & (SPECIAL | WRITABLE)) == SPECIAL : "bits=0x" + Long.toHexString(bits);
        return nativePage << PAGE_SHIFT | bits | PRESENT;
    }

    /**
     * An entry whose content is in swap, without a version.
     *
     * @param slot below 2<sup>36</sup>.
     * @return the entry.
     */
    public static long swapped(final long slot) {
        assert slot >= 0 && slot < 1L << Long.SIZE - NUMBER_SHIFT : "slot=" + slot;
        return slot << NUMBER_SHIFT | SWAP;
    }

    /**
     * @param entry any.
     * @return whether there is nothing.
     */
    public static boolean isNone(final long entry) {
        return (entry & (PRESENT | SWAP)) == 0;
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
     * @param bits some of the bits above.
     * @return whether it has all of them.
     */
    public static boolean has(final long entry, final long bits) {
        return (entry & bits) == bits;
    }

    /**
     * @param entry any.
     * @return whether it holds a reference to a frame.
     */
    public static boolean isCounted(final long entry) {
        return (entry & (PRESENT | SPECIAL)) == PRESENT;
    }

    /**
     * @param entry present.
     * @return native address of its frame.
     */
    public static long nativePage(final long entry) {
        return entry >>> NUMBER_SHIFT << Pages.SHIFT;
    }

    /**
     * @param entry in swap.
     * @return the slot.
     */
    public static long swapSlot(final long entry) {
        return entry >>> NUMBER_SHIFT;
    }

    /**
     * @param entry any.
     * @return its version.
     */
    public static int version(final long entry) {
        return (int)((entry & VERSION_MASK) >>> VERSION_SHIFT);
    }

    /**
     * @param entry any.
     * @return the same without its version.
     */
    public static long state(final long entry) {
        return entry & ~VERSION_MASK;
    }

    /** A state that follows an entry at its place. */
    static long following(final long state, final long old) {
        assert (state & VERSION_MASK) == 0 : "state=0x" + Long.toHexString(state);
        return state | old + VERSION_ONE & VERSION_MASK;
    }

    /**
     * Whether two looks at one place saw the same state of it, whatever accesses were noted in between.
     *
     * @param first what the one saw.
     * @param second what the other saw.
     * @return whether there was no change of state between them.
     */
    public static boolean isSame(final long first, final long second) {
        return ((first ^ second) & ~(ACCESSED | DIRTY)) == 0;
    }
}
