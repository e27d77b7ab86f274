package org.vellum.frame;

/**
 * The packed word of one frame: where it is, and for a head how large its block is, which room holds it and how often it
 * is referenced.
 *
 * <pre>
 *   63            32 31            16 15      9 8     4 3     0
 *   +---------------+----------------+---------+-------+-------+
 *   | count         | mark           | 0       | order | state |
 *   +---------------+----------------+---------+-------+-------+
 *
 *   ABSENT      0                    the bank is not there
 *   FREE        order                head of a block in the buddy
 *   CACHED      order                head of a block in the list of a slot, or on the overflow stack
 *   ALLOCATED   order, count ≥ 1     head of a block that somebody owns
 *   ALLOCATED   order, count 1, mark head of a block that a room above holds: {@link FrameTable#mark}
 *   TAIL                             inside a block, whatever that block's state
 * </pre>
 */
final class FrameWord {
    static final int STATE_BITS = 4;
    static final long STATE_MASK = (1L << STATE_BITS) - 1;
    static final int ORDER_SHIFT = STATE_BITS;
    static final int ORDER_BITS = 5;
    static final long ORDER_MASK = (1L << ORDER_BITS) - 1 << ORDER_SHIFT;
    static final int MARK_SHIFT = 16;
    static final int MARK_MASK = (1 << 16) - 1;
    static final int COUNT_SHIFT = Integer.SIZE;
    static final long COUNT_ONE = 1L << COUNT_SHIFT;
    static final int COUNT_MAX = Integer.MAX_VALUE;

    static final long ABSENT = FrameTable.ABSENT;
    static final long TAIL = FrameTable.TAIL;

    private FrameWord() {
    }

    static long free(final int order) {
        return FrameTable.FREE | ordered(order);
    }

    static long cached(final int order) {
        return FrameTable.CACHED | ordered(order);
    }

    /** A block that one owner holds: the only allocated word that {@code free} accepts. */
    static long allocated(final int order) {
        return FrameTable.ALLOCATED | ordered(order) | COUNT_ONE;
    }

    /** A block that a room above holds: what that room alone gives up. With mark 0 the same as {@link #allocated(int)}. */
    static long marked(final int order, final int mark) {
        assert (mark & ~MARK_MASK) == 0 : "mark=" + mark;
        return allocated(order) | (long)mark << MARK_SHIFT;
    }

    static int state(final long word) {
        return (int)(word & STATE_MASK);
    }

    static int order(final long word) {
        return (int)((word & ORDER_MASK) >>> ORDER_SHIFT);
    }

    static int mark(final long word) {
        return (int)(word >>> MARK_SHIFT) & MARK_MASK;
    }

    static int count(final long word) {
        return (int)(word >>> COUNT_SHIFT);
    }

    private static long ordered(final int order) {
        assert order >= 0 && order < 1 << ORDER_BITS : "order=" + order;
        return (long)order << ORDER_SHIFT;
    }
}
