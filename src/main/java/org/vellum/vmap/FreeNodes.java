package org.vellum.vmap;

import org.vellum.mem.Words;

/**
 * The nodes of an {@link AreaTree}: off-heap, pooled, 32 bytes each, so that two share a cache line.
 *
 * <pre>
 *   word   bits 63..28                              bits 27..0
 *   0      start page                               left child
 *   1      pages                                    right child
 *   2      largest range of the left subtree        1 = red, 0 = black
 *   3      largest range of the right subtree       0
 * </pre>
 *
 * <p>At 10^6 areas a descent costs cache misses, not instructions. A node therefore holds what is known about
 * <em>both</em> children, so that a child which cannot help is never loaded, and no link to its parent: every change
 * begins with a descent from the root, which remembers its path, and a rotation then dirties two nodes instead of
 * three.
 *
 * <p>Node 0 is {@link #NIL}: black, empty, never written. A pooled node is linked through its word 0. Single-threaded:
 * the caller's lock is the tree's.
 */
final class FreeNodes {
    static final int NIL = 0;
    static final int LEFT = 0;
    static final int RIGHT = 1;

    /** A page number or page count has 36 bits: a Vellum address has 48. */
    static final int PAGE_BITS = 36;

    private static final int LINK_BITS = Long.SIZE - PAGE_BITS;
    private static final long LINK_MASK = (1L << LINK_BITS) - 1;
    private static final int WORDS_SHIFT = 2;
    private static final int PAGES_WORD = 1;
    private static final int MAX_WORD = 2;
    private static final long RED = 1;
    private static final int INITIAL_NODES = 256;
    private static final int MOST_NODES = 1 << LINK_BITS;

    private Words words = Words.reserve((long)INITIAL_NODES << WORDS_SHIFT);
    private int capacity = INITIAL_NODES;
    private int fresh = NIL + 1;
    private int pooled = NIL;
    private int inUse;

    FreeNodes() {
        words.zero(0, 1L << WORDS_SHIFT);
    }

    /**
     * Makes room for {@code nodes} nodes in use at once; the only step that may allocate memory.
     *
     * @param nodes how many.
     * @return false if links cannot number so many; nothing has changed then.
     */
    boolean ensure(final long nodes) {
        return nodes < capacity || grow(nodes);
    }

    private boolean grow(final long nodes) {
        if (nodes >= MOST_NODES) {
            return false;
        }
        final int larger = (int)Math.min(MOST_NODES, Math.max(2L * capacity, Long.highestOneBit(nodes) << 1));
        final Words copy = Words.reserve((long)larger << WORDS_SHIFT);
        for (long i = 0, end = (long)fresh << WORDS_SHIFT; i < end; i++) {
            copy.putPlain(i, words.getPlain(i));
        }
        words = copy;
        capacity = larger;
        return true;
    }

    /** @return whether {@link #take} would succeed. */
    boolean available() {
        return pooled != NIL || fresh < capacity;
    }

    /** @return how many nodes are in use. */
    int inUse() {
        return inUse;
    }

    /**
     * Takes a red node without children from the pool.
     *
     * @param start first page.
     * @param pages of the range.
     * @return the node; the caller has checked {@link #available}.
     */
    int take(final long start, final long pages) {
        assert available() : "capacity=" + capacity;
        final int node;
        if (pooled == NIL) {
            node = fresh++;
        } else {
            node = pooled;
            pooled = (int)words.getPlain(word(node, 0));
        }
        inUse++;
        words.putPlain(word(node, 0), start << LINK_BITS);
        words.putPlain(word(node, PAGES_WORD), pages << LINK_BITS);
        words.putPlain(word(node, MAX_WORD), RED);
        words.putPlain(word(node, MAX_WORD + RIGHT), 0);
        return node;
    }

    void giveBack(final int node) {
        assert node != NIL;
        words.putPlain(word(node, 0), pooled);
        pooled = node;
        inUse--;
    }

    long start(final int node) {
        return words.getPlain(word(node, 0)) >>> LINK_BITS;
    }

    long pages(final int node) {
        return words.getPlain(word(node, PAGES_WORD)) >>> LINK_BITS;
    }

    long end(final int node) {
        return start(node) + pages(node);
    }

    /** Sets the range of a node; the caller carries the new size up the path. */
    void setRange(final int node, final long start, final long pages) {
        assert node != NIL && pages > 0 : "node=" + node + " pages=" + pages;
        putHigh(word(node, 0), start);
        putHigh(word(node, PAGES_WORD), pages);
    }

    int child(final int node, final int side) {
        return (int)(words.getPlain(word(node, side)) & LINK_MASK);
    }

    /** Which child of {@code parent} is {@code child}. */
    int sideOf(final int parent, final int child) {
        return child(parent, LEFT) == child ? LEFT : RIGHT;
    }

    /** The largest range below {@code node} on one side; 0 if there is none. */
    long largest(final int node, final int side) {
        return words.getPlain(word(node, MAX_WORD + side)) >>> LINK_BITS;
    }

    /** The largest range of the subtree whose root is {@code node}; 0 for {@link #NIL}. */
    long largest(final int node) {
        return Math.max(pages(node), Math.max(largest(node, LEFT), largest(node, RIGHT)));
    }

    /** Links a child and records its subtree's largest range. */
    void setChild(final int node, final int side, final int child) {
        assert node != NIL;
        final long index = word(node, side);
        words.putPlain(index, words.getPlain(index) & ~LINK_MASK | child);
        putHigh(word(node, MAX_WORD + side), largest(child));
    }

    /**
     * Records a child's largest range in its parent.
     *
     * @return whether that changed anything.
     */
    boolean carry(final int parent, final int child) {
        final int side = sideOf(parent, child);
        final long largest = largest(child);
        if (largest == largest(parent, side)) {
            return false;
        }
        putHigh(word(parent, MAX_WORD + side), largest);
        return true;
    }

    boolean isRed(final int node) {
        return (words.getPlain(word(node, MAX_WORD)) & RED) != 0;
    }

    void setRed(final int node, final boolean red) {
        assert node != NIL;
        final long index = word(node, MAX_WORD);
        words.putPlain(index, words.getPlain(index) & ~RED | (red ? RED : 0));
    }

    private void putHigh(final long index, final long value) {
        words.putPlain(index, value << LINK_BITS | words.getPlain(index) & LINK_MASK);
    }

    private static long word(final int node, final int offset) {
        return ((long)node << WORDS_SHIFT) + offset;
    }
}
