package org.vellum.vmap;

import static org.vellum.vmap.FreeNodes.LEFT;
import static org.vellum.vmap.FreeNodes.NIL;
import static org.vellum.vmap.FreeNodes.RIGHT;

/**
 * The red-black tree of {@link FreeNodes} and the path of the last descent in it, which plays the part of parent links.
 *
 * <p>{@code path[0]} is the root and {@code path[depth - 1]} the node at hand. Every change is made at the end of the
 * path: the searches of {@link AreaTree} leave it there. The largest sizes are brought up to date along the path
 * <em>before</em> the tree is rebalanced, so that rotations, which compute theirs from their own three nodes, start
 * from exact ones.
 *
 * <p>Rotations and the two repairs are written once for both sides ({@code side}, {@code 1 - side}).
 */
final class FreePath {
    /** 2 log2 of the most nodes, and one for the rotation that lengthens the path during a removal. */
    private static final int DEEPEST = 2 * (Long.SIZE - FreeNodes.PAGE_BITS) + 2;

    final FreeNodes nodes = new FreeNodes();
    private final int[] path = new int[DEEPEST];
    private int depth;
    private int root = NIL;

    int root() {
        return root;
    }

    void clear() {
        depth = 0;
    }

    void push(final int node) {
        path[depth++] = node;
    }

    int depth() {
        return depth;
    }

    int node(final int index) {
        return path[index];
    }

    /** Shortens the path to end at {@code index}, and returns the node there. */
    int cut(final int index) {
        depth = index + 1;
        return path[index];
    }

    /**
     * Carries the new size of the node at {@code changed} to the root, from node {@code from} of the path on; stops
     * where nothing changes any more, but never below the changed node.
     *
     * @param from index of a node whose own record of its children is exact.
     * @param changed index of the uppermost node whose own size changed; at most {@code from}.
     */
    void carryUp(final int from, final int changed) {
        for (int i = from; i > 0; i--) {
            if (!nodes.carry(path[i - 1], path[i]) && i <= changed) {
                return;
            }
        }
    }

    /**
     * Links a new node below the end of the path.
     *
     * @param side of the node at the end; ignored if the path, and with it the tree, is empty.
     */
    void insert(final int side, final int added) {
        if (depth == 0) {
            root = added;
            nodes.setRed(added, false);
            return;
        }
        nodes.setChild(path[depth - 1], side, added);
        carryUp(depth - 1, depth - 1);
        push(added);
        repairInsert();
    }

    private void repairInsert() {
        int at = depth - 1;
        while (at >= 2 && nodes.isRed(path[at - 1])) {
            final int grand = path[at - 2];
            final int side = nodes.sideOf(grand, path[at - 1]);
            final int uncle = nodes.child(grand, 1 - side);
            if (!nodes.isRed(uncle)) {
                straighten(at, side);
                return;
            }
            nodes.setRed(path[at - 1], false);
            nodes.setRed(uncle, false);
            nodes.setRed(grand, true);
            at -= 2;
        }
        nodes.setRed(root, false);
    }

    /** Two reds in a row below a black grandparent: one or two rotations end it. */
    private void straighten(final int at, final int side) {
        int parent = path[at - 1];
        final int grand = path[at - 2];
        if (nodes.child(parent, 1 - side) == path[at]) {
            parent = rotate(parent, side);
            nodes.setChild(grand, side, parent);
        }
        nodes.setRed(parent, false);
        nodes.setRed(grand, true);
        replace(at - 3, grand, rotate(grand, 1 - side));
    }

    /**
     * Removes the node at the end of the path, which has at most one child, and gives it back to the pool.
     *
     * @param changed index of the uppermost node whose size the caller has changed, or the depth if none.
     */
    void remove(final int changed) {
        final int gone = path[--depth];
        final int left = nodes.child(gone, LEFT);
        final int heir = left == NIL ? nodes.child(gone, RIGHT) : left;
        assert left == NIL || nodes.child(gone, RIGHT) == NIL;
        final int side = depth == 0 ? LEFT : nodes.sideOf(path[depth - 1], gone);
        replace(depth - 1, gone, heir);
        carryUp(depth - 1, Math.min(changed, depth));
        if (heir != NIL) {
            // The only child of a node is red, and the node black: the heir takes over its colour.
            nodes.setRed(heir, false);
        } else if (!nodes.isRed(gone)) {
            repairRemove(side);
        }
        nodes.giveBack(gone);
    }

    /** The subtree on {@code side} of the end of the path is one black node short. */
    private void repairRemove(final int side) {
        int at = depth - 1;
        int shortSide = side;
        while (at >= 0) {
            if (nodes.isRed(nodes.child(path[at], 1 - shortSide))) {
                raiseRedSibling(at++, shortSide);
            }
            final int parent = path[at];
            final int sibling = nodes.child(parent, 1 - shortSide);
            if (nodes.isRed(nodes.child(sibling, LEFT)) || nodes.isRed(nodes.child(sibling, RIGHT))) {
                borrow(at, shortSide);
                return;
            }
            nodes.setRed(sibling, true);
            if (nodes.isRed(parent)) {
                nodes.setRed(parent, false);
                return;
            }
            at--;
            if (at >= 0) {
                shortSide = nodes.sideOf(path[at], parent);
            }
        }
    }

    /** Makes the red sibling the parent of the short side's parent, and lengthens the path by it. */
    private void raiseRedSibling(final int at, final int side) {
        final int parent = path[at];
        final int sibling = rotate(parent, side);
        nodes.setRed(sibling, false);
        nodes.setRed(parent, true);
        replace(at - 1, parent, sibling);
        path[at] = sibling;
        path[at + 1] = parent;
    }

    /** The sibling has a red child: one or two rotations give the short side its black node back. */
    private void borrow(final int at, final int side) {
        final int parent = path[at];
        int sibling = nodes.child(parent, 1 - side);
        if (!nodes.isRed(nodes.child(sibling, 1 - side))) {
            nodes.setRed(nodes.child(sibling, side), false);
            nodes.setRed(sibling, true);
            sibling = rotate(sibling, 1 - side);
            nodes.setChild(parent, 1 - side, sibling);
        }
        nodes.setRed(sibling, nodes.isRed(parent));
        nodes.setRed(parent, false);
        nodes.setRed(nodes.child(sibling, 1 - side), false);
        replace(at - 1, parent, rotate(parent, side));
    }

    /** Turns {@code node} down to {@code side}; its other child takes its place and is returned, not linked above. */
    private int rotate(final int node, final int side) {
        final int riser = nodes.child(node, 1 - side);
        nodes.setChild(node, 1 - side, nodes.child(riser, side));
        nodes.setChild(riser, side, node);
        return riser;
    }

    private void replace(final int parentIndex, final int old, final int child) {
        if (parentIndex < 0) {
            root = child;
        } else {
            final int parent = path[parentIndex];
            nodes.setChild(parent, nodes.sideOf(parent, old), child);
        }
    }
}
