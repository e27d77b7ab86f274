package org.vellum.vmap;

import static org.vellum.vmap.FreeNodes.LEFT;
import static org.vellum.vmap.FreeNodes.NIL;
import static org.vellum.vmap.FreeNodes.RIGHT;

/**
 * The descents in a tree of free ranges. Those that precede a change ({@code find}, {@code descendTo}, {@code push})
 * leave their way in the {@link FreePath}; the others leave it alone. Sizes are looked at before a link is followed:
 * what the parent knows about a child decides whether the child is loaded at all.
 */
final class FreeSearch {
    private final FreePath path;
    private final FreeNodes nodes;

    FreeSearch(final FreePath path) {
        this.path = path;
        this.nodes = path.nodes;
    }

    /** Ends the path at the lowest range with {@code pages} from {@code from} on; one that begins below is clipped. */
    int findFrom(final long from, final long pages) {
        path.clear();
        int promising = -1;
        int node = path.root();
        while (node != NIL) {
            path.push(node);
            final int side;
            if (nodes.start(node) < from) {
                if (nodes.end(node) - from >= pages) {
                    return node;
                }
                side = RIGHT;
            } else {
                if (nodes.pages(node) >= pages || nodes.largest(node, RIGHT) >= pages) {
                    promising = path.depth() - 1;
                }
                side = LEFT;
            }
            node = nodes.largest(node, side) >= pages ? nodes.child(node, side) : NIL;
        }
        // Each promising node lies below the ones before it, so the last is the one to look at.
        return promising < 0 ? NIL : lowestFitFrom(path.cut(promising), pages);
    }

    /** Ends the path at {@code top} if that fits, else at the lowest fit of its right subtree, which has one. */
    private int lowestFitFrom(final int top, final long pages) {
        int node = top;
        boolean fits = nodes.pages(node) >= pages;
        while (!fits) {
            node = nodes.child(node, node != top && nodes.largest(node, LEFT) >= pages ? LEFT : RIGHT);
            path.push(node);
            fits = nodes.largest(node, LEFT) < pages && nodes.pages(node) >= pages;
        }
        return node;
    }

    /** Leaves in the path everything that was passed on the way to {@code page}, the place of a new leaf for it. */
    void descendTo(final long page) {
        path.clear();
        int node = path.root();
        while (node != NIL) {
            path.push(node);
            node = nodes.child(node, page < nodes.start(node) ? LEFT : RIGHT);
        }
    }

    /** The index of the last node of the path where the way to {@code page} turned to {@code side}; -1 if none. */
    int lastTurn(final int side, final long page) {
        int index = path.depth() - 1;
        while (index >= 0 && (page < nodes.start(path.node(index)) ? LEFT : RIGHT) != side) {
            index--;
        }
        return index;
    }

    /** Ends the path at the range with the highest start at or below {@code page}. */
    int findAtOrBelow(final long page) {
        descendTo(page);
        final int index = lastTurn(RIGHT, page);
        return index < 0 ? NIL : path.cut(index);
    }

    /** Lengthens the path from its end to the next range by address, or leaves it if that is no descendant. */
    void pushNextOf(final int node) {
        int next = nodes.child(node, RIGHT);
        while (next != NIL) {
            path.push(next);
            next = nodes.child(next, LEFT);
        }
    }

    /** The range with the highest start at or below {@code page} and {@code pages} or more; NIL if none. */
    int atOrBelow(final long page, final long pages) {
        int candidate = NIL;
        int node = path.root();
        while (node != NIL) {
            final boolean starts = nodes.start(node) <= page;
            if (starts && (nodes.pages(node) >= pages || nodes.largest(node, LEFT) >= pages)) {
                candidate = node;
            }
            final int side = starts ? RIGHT : LEFT;
            node = nodes.largest(node, side) >= pages ? nodes.child(node, side) : NIL;
        }
        // Each candidate lies above the ones before it, so the last is the one to look at.
        return candidate == NIL || nodes.pages(candidate) >= pages ? candidate
            : highestFit(nodes.child(candidate, LEFT), pages);
    }

    /** The highest range with {@code pages} of the subtree {@code top}, which has one. */
    private int highestFit(final int top, final long pages) {
        int node = top;
        while (nodes.largest(node, RIGHT) >= pages || nodes.pages(node) < pages) {
            node = nodes.child(node, nodes.largest(node, RIGHT) >= pages ? RIGHT : LEFT);
        }
        return node;
    }

    /** The range with the lowest start at or above {@code page}; NIL if none. */
    int atOrAbove(final long page) {
        int found = NIL;
        int node = path.root();
        while (node != NIL) {
            final boolean above = nodes.start(node) >= page;
            found = above ? node : found;
            node = nodes.child(node, above ? LEFT : RIGHT);
        }
        return found;
    }
}
