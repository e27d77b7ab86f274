package org.vellum.space;

/**
 * Regions in order of their pages: a balanced tree (AVL) whose nodes never change. A change makes the nodes on the way to it anew, and
 * leaves the old tree to those who are looking at it; the collector takes it when the last of them has gone, which is the grace period that
 * the kernel's maple tree needs RCU for.
 *
 * <p>Each node knows the largest gap between the regions below it, so that a free range is found without looking at those.
 */
final class RegionTree {
    /** No page. */
    static final long NONE = -1;

    private RegionTree() {
    }

    /** A region, and what is known of all below. */
    static final class Node {
        final Region region;
        final Node left;
        final Node right;
        final int height;
        final int count;
        /** The first page and the end, exclusive, of all here. */
        final long low;
        final long high;
        /** The most pages between two neighbours. */
        final long gap;

        Node(final Node left, final Region region, final Node right) {
            this.left = left;
            this.region = region;
            this.right = right;
            height = 1 + Math.max(height(left), height(right));
            count = 1 + count(left) + count(right);
            low = left == null ? region.startPage() : left.low;
            high = right == null ? region.endPage() : right.high;
            final long before = left == null ? 0 : Math.max(left.gap, region.startPage() - left.high);
            final long behind = right == null ? 0 : Math.max(right.gap, right.low - region.endPage());
            gap = Math.max(before, behind);
        }
    }

    static int height(final Node node) {
        return node == null ? 0 : node.height;
    }

    static int count(final Node node) {
        return node == null ? 0 : node.count;
    }

    /** A node of two trees whose heights differ by at most two, and a region between them. */
    private static Node balanced(final Node left, final Region region, final Node right) {
        final int difference = height(left) - height(right);
        if (difference > 1) {
            if (height(left.left) >= height(left.right)) {
                return new Node(left.left, left.region, new Node(left.right, region, right));
            }
            final Node middle = left.right;
            return new Node(new Node(left.left, left.region, middle.left), middle.region, new Node(middle.right, region, right));
        }
        if (difference < -1) {
            if (height(right.right) >= height(right.left)) {
                return new Node(new Node(left, region, right.left), right.region, right.right);
            }
            final Node middle = right.left;
            return new Node(new Node(left, region, middle.left), middle.region, new Node(middle.right, right.region, right.right));
        }
        return new Node(left, region, right);
    }

    /** With one more, which overlaps none. */
    static Node insert(final Node node, final Region region) {
        if (node == null) {
            return new Node(null, region, null);
        }
        if (region.startPage() < node.region.startPage()) {
            assert region.endPage() <= node.region.startPage() : region + " overlaps " + node.region;
            return balanced(insert(node.left, region), node.region, node.right);
        }
        assert node.region.endPage() <= region.startPage() : region + " overlaps " + node.region;
        return balanced(node.left, node.region, insert(node.right, region));
    }

    /** Without one that is here. */
    static Node remove(final Node node, final Region region) {
        assert node != null : "not here: " + region;
        if (node.region == region) {
            if (node.left == null || node.right == null) {
                return node.left == null ? node.right : node.left;
            }
            return balanced(node.left, first(node.right), removeFirst(node.right));
        }
        if (region.startPage() < node.region.startPage()) {
            return balanced(remove(node.left, region), node.region, node.right);
        }
        return balanced(node.left, node.region, remove(node.right, region));
    }

    private static Region first(final Node node) {
        Node at = node;
        while (at.left != null) {
            at = at.left;
        }
        return at.region;
    }

    private static Node removeFirst(final Node node) {
        return node.left == null ? node.right : balanced(removeFirst(node.left), node.region, node.right);
    }

    /** The region that has the page, or null. */
    static Region find(final Node root, final long page) {
        Node node = root;
        while (node != null) {
            final Region region = node.region;
            if (page < region.startPage()) {
                node = node.left;
            } else if (page < region.endPage()) {
                return region;
            } else {
                node = node.right;
            }
        }
        return null;
    }

    /** The first region that ends beyond a page: the one that has it, or the next above; or null. */
    static Region endingAbove(final Node root, final long page) {
        Region best = null;
        Node node = root;
        while (node != null) {
            if (node.region.endPage() > page) {
                best = node.region;
                node = node.left;
            } else {
                node = node.right;
            }
        }
        return best;
    }

    /**
     * The lowest place for a range.
     *
     * @param node of the regions in {@code [low, high)}, the pages there are.
     * @param pages how many, at least 1.
     * @param align power of two, in pages.
     * @param from where the range may begin.
     * @param to where it must end.
     * @return its first page, or {@link #NONE}.
     */
    static long lowestGap(
        final Node node, final long low, final long high, final long pages, final long align, final long from, final long to) {
        if (high - low < pages || high <= from || low >= to) {
            return NONE;
        }
        if (node == null) {
            final long start = (Math.max(low, from) + align - 1) & -align;
            return Math.min(high, to) - start >= pages ? start : NONE;
        }
        if (Math.max(node.gap, Math.max(node.low - low, high - node.high)) < pages) {
            return NONE;
        }
        final long below = lowestGap(node.left, low, node.region.startPage(), pages, align, from, to);
        return below != NONE ? below : lowestGap(node.right, node.region.endPage(), high, pages, align, from, to);
    }

    /** Walks the tree; how many regions there are. */
    static int verify(final Node node, final long low, final long high) {
        if (node == null) {
            return 0;
        }
        final Region region = node.region;
        require(region.startPage() >= low && region.endPage() <= high, node, "overlaps or is out of order");
        require(region.isCurrent(), node, "has ended");
        final int count = 1 + verify(node.left, low, region.startPage()) + verify(node.right, region.endPage(), high);
        final Node anew = new Node(node.left, region, node.right);
        require(anew.count == count && node.count == count && node.height == anew.height && node.gap == anew.gap
            && node.low == anew.low && node.high == anew.high, node, "knows wrong figures of what is below");
        require(Math.abs(height(node.left) - height(node.right)) <= 1, node, "is out of balance");
        return count;
    }

    private static void require(final boolean holds, final Node node, final String what) {
        if (!holds) {
            throw new AssertionError("region " + node.region + " " + what);
        }
    }
}
