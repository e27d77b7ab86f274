package org.vellum.vmap;

import static org.vellum.vmap.FreeNodes.LEFT;
import static org.vellum.vmap.FreeNodes.NIL;
import static org.vellum.vmap.FreeNodes.RIGHT;

/** Walks a tree of free ranges and checks every invariant it has. */
final class FreeVerifier {
    private final FreePath tree;
    private final FreeNodes nodes;
    private final long endPage;
    private long lastEnd;
    private boolean any;
    private long pages;
    private long ranges;

    FreeVerifier(final FreePath tree, final long startPage, final long endPage) {
        this.tree = tree;
        this.nodes = tree.nodes;
        this.endPage = endPage;
        this.lastEnd = startPage;
    }

    /**
     * @param freePages what the pages must add up to.
     * @throws AssertionError naming the first thing that is wrong.
     */
    void verify(final long freePages) {
        require(!nodes.isRed(tree.root()), "root is red", tree.root());
        require(nodes.largest(NIL) == 0 && !nodes.isRed(NIL), "node 0 was written", NIL);
        blackHeight(tree.root());
        require(pages == freePages, "pages=" + pages + " freePages=" + freePages, NIL);
        require(ranges == nodes.inUse(), "ranges=" + ranges + " inUse=" + nodes.inUse(), NIL);
    }

    private int blackHeight(final int node) {
        if (node == NIL) {
            return 0;
        }
        final int left = nodes.child(node, LEFT);
        final int right = nodes.child(node, RIGHT);
        final int height = blackHeight(left);
        checkRange(node);
        require(blackHeight(right) == height, "black heights differ", node);
        require(!nodes.isRed(node) || !nodes.isRed(left) && !nodes.isRed(right), "two reds in a row", node);
        require(nodes.largest(node, LEFT) == nodes.largest(left), "largest of the left subtree", node);
        require(nodes.largest(node, RIGHT) == nodes.largest(right), "largest of the right subtree", node);
        return height + (nodes.isRed(node) ? 0 : 1);
    }

    /** Called in order of address. */
    private void checkRange(final int node) {
        final long start = nodes.start(node);
        require(nodes.pages(node) > 0, "empty range", node);
        require(any ? start > lastEnd : start >= lastEnd, "not above the one before, or touches it", node);
        require(nodes.end(node) <= endPage, "beyond the window", node);
        any = true;
        lastEnd = nodes.end(node);
        pages += nodes.pages(node);
        ranges++;
    }

    private void require(final boolean holds, final String what, final int node) {
        if (!holds) {
            throw new AssertionError(what + ": node=" + node + " start=" + nodes.start(node) + " pages="
                + nodes.pages(node));
        }
    }
}
