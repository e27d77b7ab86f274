package org.vellum.mmu;

/**
 * A Vellum address, packed in a {@code long}: never a wild pointer, but a place in Vellum's own layout and the generation of
 * what was there when it was handed out.
 *
 * <pre>
 *    63          48 47                                                     0
 *   +--------------+--------------------------------------------------------+
 *   | tag          | linear map [0, physEnd)   vmap window [start, end)      |
 *   +--------------+--------------------------------------------------------+
 * </pre>
 *
 * Tag 0: unchecked, as all of the linear map is.
 */
public final class Address {
    /** Where the tag begins. */
    public static final int TAG_SHIFT = 48;
    /** The bits of the tag. */
    public static final long TAG_MASK = 0xFFFFL << TAG_SHIFT;
    /** The bits below the tag. */
    public static final long MASK = ~TAG_MASK;

    private Address() {
    }

    /**
     * @param address a Vellum address.
     * @return its tag, in the bits of {@link #TAG_MASK}.
     */
    public static long tag(final long address) {
        return address & TAG_MASK;
    }
}
