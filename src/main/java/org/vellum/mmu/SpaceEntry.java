package org.vellum.mmu;

import org.vellum.mem.Pages;

/**
 * An entry of an address space's page table, packed in a {@code long}.
 *
 * <pre>
 *    63 62         48 47                                12 11 10 9 8 7 6 5 4 3 2 1 0
 *   +--+-------------+------------------------------------+----+--+-+-+-+-+-+-+-+-+-+
 *   |LA| version     | native page number, or swap slot   | 0  |SA|K|Z|S|X|D|A|W|R|P|
 *   +--+-------------+------------------------------------+----+--+-+-+-+-+-+-+-+-+-+
 *   P present   R readable   W writable   A accessed   D dirty
 *   X exclusive: no other entry maps the frame     S special: the frame is not counted     Z the zero frame     K in swap
 *   LA loads go ahead: P, R and A     SA stores go ahead: P, W, A and D
 * </pre>
 *
 * States, by P and K: <b>none</b>; <b>present</b>: the frame is held by one reference of this entry's; <b>special</b>: present, without a
 * reference, because the frame is its owner's or, with Z, the one zero frame that all share for reading; <b>swap</b>: the content is
 * elsewhere. A present page without R is one that nobody may touch (the kernel's PROT_NONE).
 *
 * <p>The <em>version</em> grows with each change of state, none included, so that whoever looks twice sees that there was a change in
 * between, although the second entry may name the same frame again. It wraps after 32,768 changes, which would have to happen
 * between two loads that lie nanoseconds apart. Setting A and D is no change of state.
 *
 * <p>A load wants P, R and A, a store P, W, A and D. So the first of each kind takes the slow way, and sets its bits there, by CAS. LA and SA
 * say the same in one bit each, since every access looks at it (loads at the sign, which costs least): they follow from the others whenever an entry is stored in a table, and are
 * nobody else's business.
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

    /** What a load wants. */
    public static final long READ_CHECK = PRESENT | READABLE | ACCESSED;
    /** What a store wants. */
    public static final long WRITE_CHECK = PRESENT | WRITABLE | ACCESSED | DIRTY;

    /** Bit of an entry in a table: a load may go ahead, as P, R and A are set. The sign. */
    static final long LOADABLE = Long.MIN_VALUE;
    /** Bit of an entry in a table: a store may go ahead, as P, W, A and D are set. */
    static final long STORABLE = 1 << 9;

    private static final long BITS = READABLE | WRITABLE | ACCESSED | DIRTY | EXCLUSIVE | SPECIAL | ZERO;
    private static final int VERSION_SHIFT = 48;
    private static final long VERSION_ONE = 1L << VERSION_SHIFT;
    private static final long VERSION_MASK = 0x7FFFL << VERSION_SHIFT;
    private static final int SLOT_SHIFT = Pages.SHIFT;
    private static final long SLOTS = 1L << VERSION_SHIFT - SLOT_SHIFT;
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
        return nativePage | bits | PRESENT;
    }

    /**
     * An entry whose content is in swap, without a version.
     *
     * @param slot below 2<sup>36</sup>.
     * @return the entry.
     */
    public static long swapped(final long slot) {
        assert slot >= 0 && slot < SLOTS : "slot=" + slot;
        return slot << SLOT_SHIFT | SWAP;
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
        return entry & NATIVE_PAGES;
    }

    /**
     * @param entry in swap.
     * @return the slot.
     */
    public static long swapSlot(final long entry) {
        return entry >>> SLOT_SHIFT & SLOTS - 1;
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
     * @return the same without its version, and without what follows from its other bits.
     */
    public static long state(final long entry) {
        return entry & ~(VERSION_MASK | LOADABLE | STORABLE);
    }

    /** Whether an entry of a table says that a load may go ahead. */
    static boolean isLoadable(final long entry) {
        return entry < 0;
    }

    /** A state that follows an entry at its place. */
    static long following(final long state, final long old) {
        assert state == state(state) : "state=0x" + Long.toHexString(state);
        return complete(state) | old + VERSION_ONE & VERSION_MASK;
    }

    /** The same entry with A, or A and D. */
    static long marked(final long entry, final long bits) {
        return complete(entry | bits);
    }

    private static long complete(final long entry) {
        return entry | (has(entry, READ_CHECK) ? LOADABLE : 0) | (has(entry, WRITE_CHECK) ? STORABLE : 0);
    }

    /**
     * @param first what one look at a place saw.
     * @param second what another one saw.
     * @return whether both saw the same state of it: A and D may differ, the version does not.
     */
    public static boolean isSame(final long first, final long second) {
        return ((first ^ second) & ~(ACCESSED | DIRTY | LOADABLE | STORABLE)) == 0;
    }
}
