package org.vellum.slab;

/**
 * What is known of one slab, packed into a word that is changed by compare-and-set.
 *
 * <pre>
 *    63          48 47         32 31         11   10      9     8     6 5       0
 *   +--------------+-------------+-------------+-------+-------+-------+---------+
 *   | tag          | freed       | 0           | empty | limbo | state | class   |
 *   +--------------+-------------+-------------+-------+-------+-------+---------+
 *
 *   0         no slab
 *   OWNED     current slab of one slot, which alone hands objects out
 *   LOOSE     nobody's, not to be found: full, or nearly
 *   LISTED    nobody's, to be found
 *   CLAIMED   somebody looks whether it is empty
 *
 *   tag       generation, as in the addresses of the slab's objects; never 0 for a slab
 *   freed     objects freed since it became nobody's; may be too high, never too low
 *   limbo     the slab is in limbo, or about to be, because of deferred frees
 *   empty     LISTED, and known to have no live object: one of those that are kept
 * </pre>
 */
final class SlabWord {
    /** More than there are. */
    static final int CLASSES = 64;

    static final long NO_SLAB = 0;
    static final int OWNED = 1;
    static final int LOOSE = 2;
    static final int LISTED = 3;
    static final int CLAIMED = 4;

    static final long IN_LIMBO = 1L << 9;

    static final long EMPTY = 1L << 10;

    private static final int STATE_SHIFT = 6;
    private static final long STATE_MASK = 7L << STATE_SHIFT;
    private static final int FREED_SHIFT = 32;
    private static final int MAX_FREED = 0xFFFF;
    private static final long FREED_MASK = (long)MAX_FREED << FREED_SHIFT;
    private static final int TAG_SHIFT = 48;

    private SlabWord() {
    }

    static long owned(final int generation, final int sizeClass) {
        assert generation > 0 && generation <= 0xFFFF && sizeClass < CLASSES : "generation=" + generation;
        return (long)generation << TAG_SHIFT | (long)OWNED << STATE_SHIFT | sizeClass;
    }

    static int sizeClass(final long word) {
        return (int)word & CLASSES - 1;
    }

    static int state(final long word) {
        return (int)((word & STATE_MASK) >>> STATE_SHIFT);
    }

    static int freed(final long word) {
        return (int)((word & FREED_MASK) >>> FREED_SHIFT);
    }

    /** In the bits of an address's tag. */
    static long tag(final long word) {
        return word >>> TAG_SHIFT << TAG_SHIFT;
    }

    /** Whether the word is that of a slab, and the address of its generation. */
    static boolean isOf(final long word, final long address) {
        return (word ^ address) >>> TAG_SHIFT == 0 && word != NO_SLAB;
    }

    /** Whether a free has to count itself: LOOSE or LISTED, which alone have this bit. */
    static boolean isNobodys(final long word) {
        return (word & (long)LOOSE << STATE_SHIFT) != 0;
    }

    static boolean isInLimbo(final long word) {
        return (word & IN_LIMBO) != 0;
    }

    static boolean isKeptEmpty(final long word) {
        return (word & EMPTY) != 0;
    }

    /** With nothing known to be freed. */
    static long withState(final long word, final int state) {
        return word & ~(STATE_MASK | FREED_MASK | EMPTY) | (long)state << STATE_SHIFT;
    }

    /** To be found, however little is known to be freed. */
    static long listed(final long word) {
        return word & ~STATE_MASK | (long)LISTED << STATE_SHIFT;
    }

    /** With so many more freed, and LISTED once that is worthwhile. */
    static long withFreed(final long word, final int more) {
        final long freed = Math.min(freed(word) + more, MAX_FREED);
        final long state = freed >= SizeClasses.worthwhile(sizeClass(word)) ? LISTED : state(word);
        return word & ~(STATE_MASK | FREED_MASK) | state << STATE_SHIFT | freed << FREED_SHIFT;
    }
}
