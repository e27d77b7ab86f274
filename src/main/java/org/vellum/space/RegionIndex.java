package org.vellum.space;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.vellum.lock.SleepingLock;

/**
 * The regions of one space. Neighbours that are alike are one region, always.
 *
 * <p>Looking up takes no lock: one volatile load, then nodes that never change, so what one look sees is the regions of one moment. Changes
 * are of the exclusive holder of the space lock, and each is seen whole or not at all: who splits a region never leaves a hole for a reader to
 * fall into. A change makes garbage: two or three regions and the nodes on the way to them, half a kilobyte among a thousand regions; a
 * look-up makes none.
 *
 * <p>Every change goes the same way: what lies in a range, and touches it, is cut at the borders, mapped piece by piece, and joined again.
 * First the new tree is published, then those that are not in it end.
 */
public final class RegionIndex {
    /** No page. */
    public static final long NONE = RegionTree.NONE;

    private final SleepingLock lock;
    private final long pages;
    private volatile RegionTree.Node root;

    /** Of the change under way; by the exclusive holder of the lock. */
    private final List<Region> before = new ArrayList<>();
    private final List<Region> after = new ArrayList<>();
    /** What is still to be put into its place among {@link #after}, or null. */
    private Region toInsert;

    /**
     * @param lock of the space: who changes anything has it exclusively.
     * @param pages of the space.
     */
    public RegionIndex(final SleepingLock lock, final long pages) {
        if (pages < 1) {
            throw new IllegalArgumentException("pages=" + pages);
        }
        this.lock = lock;
        this.pages = pages;
    }

    /** @return pages of the space. */
    public long pages() {
        return pages;
    }

    /** @return how many regions there are. */
    public int count() {
        return RegionTree.count(root);
    }

    /**
     * @param page any.
     * @return the region that has it, or null. It may have {@linkplain Region#isCurrent ended} by the time it is looked at.
     */
    public Region find(final long page) {
        return RegionTree.find(root, page);
    }

    /**
     * @param page any.
     * @return the region that has it, or else the next above, or null.
     */
    public Region findAtOrAbove(final long page) {
        return RegionTree.endingAbove(root, page);
    }

    /**
     * The first page that no region has, or only one whose pages are going.
     *
     * @param startPage of the range.
     * @param endPage its end, exclusive.
     * @return the page, or {@link #NONE} if regions cover the range.
     */
    public long firstHole(final long startPage, final long endPage) {
        requireRange(startPage, endPage);
        final RegionTree.Node now = root;
        long page = startPage;
        while (page < endPage) {
            final Region region = RegionTree.find(now, page);
            if (region == null || region.isDying()) {
                return page;
            }
            page = region.endPage();
        }
        return NONE;
    }

    /**
     * @param startPage of the range.
     * @param endPage its end, exclusive.
     * @return whether no region has a page of it.
     */
    public boolean isFree(final long startPage, final long endPage) {
        requireRange(startPage, endPage);
        final Region region = findAtOrAbove(startPage);
        return region == null || region.startPage() >= endPage;
    }

    /**
     * The lowest free range that fits. It stays free while the caller has the lock.
     *
     * @param count its pages, at least 1.
     * @param align of its first page: a power of two, in pages.
     * @param fromPage where it may begin.
     * @param toPage where it must end, at most {@link #pages}.
     * @return its first page, or {@link #NONE}.
     */
    public long lowestGap(final long count, final long align, final long fromPage, final long toPage) {
        if (count < 1 || Long.bitCount(align) != 1 || align < 1 || fromPage < 0 || toPage > pages) {
            throw new IllegalArgumentException("count=" + count + " align=" + align + " fromPage=" + fromPage + " toPage=" + toPage);
        }
        return RegionTree.lowestGap(root, 0, pages, count, align, fromPage, toPage);
    }

    /**
     * The regions of one moment, in order.
     *
     * @param action for each.
     */
    public void forEach(final Consumer<Region> action) {
        forEach(root, action);
    }

    private static void forEach(final RegionTree.Node node, final Consumer<Region> action) {
        if (node != null) {
            forEach(node.left, action);
            action.accept(node.region);
            forEach(node.right, action);
        }
    }

    private void requireRange(final long startPage, final long endPage) {
        if (startPage < 0 || endPage <= startPage || endPage > pages) {
            throw new IllegalArgumentException("startPage=" + startPage + " endPage=" + endPage + " pages=" + pages);
        }
    }

    /**
     * Adds a region, and joins it with neighbours that are like it.
     *
     * @param region current, of pages that are free.
     * @return the region that now has those pages.
     * @throws IllegalArgumentException if one of the pages has a region, or is not of the space.
     */
    public Region insert(final Region region) {
        assert lock.isMine() : "regions are changed under the exclusive lock";
        if (!isFree(region.startPage(), region.endPage())) {
            throw new IllegalArgumentException(region + " overlaps " + findAtOrAbove(region.startPage()));
        }
        change(region.startPage(), region.endPage(), UnaryOperator.identity(), region, new ArrayList<>());
        return find(region.startPage());
    }

    /**
     * Takes pages away from whatever regions have them.
     *
     * @param startPage the first.
     * @param endPage exclusive.
     * @param removed hears of each piece, in order, once no reader finds it any more. What it throws the caller gets; the pieces are gone all
     *                the same.
     */
    public void remove(final long startPage, final long endPage, final Consumer<Region> removed) {
        assert lock.isMine() : "regions are changed under the exclusive lock";
        final List<Region> pieces = new ArrayList<>();
        remove(startPage, endPage, pieces);
        pieces.forEach(removed);
    }

    /** The same, with the pieces in a list that has them before anything changes: whatever cannot be had for want of memory, nothing is lost. */
    void remove(final long startPage, final long endPage, final List<Region> removed) {
        assert lock.isMine() : "regions are changed under the exclusive lock";
        requireRange(startPage, endPage);
        change(startPage, endPage, piece -> null, null, removed);
    }

    /**
     * Changes the flags of pages that regions cover, all of them or, if there is a hole, none.
     *
     * @param startPage the first.
     * @param endPage exclusive.
     * @param clear flags to take away.
     * @param set flags to add.
     * @param changed hears of each piece as it was before, in order, once no reader finds it any more; not of those that had these flags already.
     * @return {@link #NONE}, or the first page that no region has: then nothing has changed.
     */
    public long changeFlags(
        final long startPage, final long endPage, final int clear, final int set, final Consumer<Region> changed) {
        assert lock.isMine() : "regions are changed under the exclusive lock";
        final long hole = firstHole(startPage, endPage);
        if (hole == NONE) {
            final List<Region> pieces = new ArrayList<>();
            change(startPage, endPage, piece -> piece.withFlags(piece.flags() & ~clear | set), null, pieces);
            pieces.forEach(changed);
        }
        return hole;
    }

    /**
     * Puts a tombstone in the place of whatever has pages of its range, holes included, so that nobody maps anything there. In one step: no
     * memory for it, no change.
     *
     * @param tombstone for {@link #remove} once the entries are cleared.
     * @param removed gets each piece that was there, in order, before anything changes.
     */
    void bury(final Region tombstone, final List<Region> removed) {
        assert lock.isMine() : "regions are changed under the exclusive lock";
        requireRange(tombstone.startPage(), tombstone.endPage());
        change(tombstone.startPage(), tombstone.endPage(), piece -> null, tombstone, removed);
    }

    /**
     * The first tombstone that has a page of a range, or null.
     *
     * @param startPage the first.
     * @param endPage exclusive.
     */
    Region firstDying(final long startPage, final long endPage) {
        requireRange(startPage, endPage);
        Region region = findAtOrAbove(startPage);
        while (region != null && region.startPage() < endPage) {
            if (region.isDying()) {
                return region;
            }
            region = findAtOrAbove(region.endPage());
        }
        return null;
    }

    /**
     * What the room above makes of each region it finds in a range; null for nothing. Then an inserted one, which lies in the range.
     * Everything that needs memory comes before the new tree is published.
     */
    private void change(
        final long startPage, final long endPage, final UnaryOperator<Region> map, final Region inserted, final List<Region> pieces) {
        final RegionTree.Node now = root;
        before.clear();
        after.clear();
        toInsert = inserted;
        // From the one that ends where the range begins to the one that begins where it ends: they may join.
        for (Region region = RegionTree.endingAbove(now, startPage - 1); region != null && region.startPage() <= endPage;
             region = RegionTree.endingAbove(now, region.endPage())) {
            before.add(region);
            if (region.startPage() >= endPage) {
                appendInserted();
            }
            cut(region, startPage, endPage, map, pieces);
        }
        appendInserted();
        publish(now);
    }

    private void cut(
        final Region region, final long startPage, final long endPage, final UnaryOperator<Region> map, final List<Region> pieces) {
        if (region.endPage() <= startPage || region.startPage() >= endPage) {
            append(region);
            return;
        }
        final long from = Math.max(startPage, region.startPage());
        final long to = Math.min(endPage, region.endPage());
        final Region piece = region.slice(from, to);
        final Region mapped = map.apply(piece);
        if (mapped == piece) {
            append(region);
            return;
        }
        pieces.add(piece);
        if (region.startPage() < from) {
            append(region.slice(region.startPage(), from));
        }
        if (mapped != null) {
            append(mapped);
        }
        if (to < region.endPage()) {
            appendInserted();
            append(region.slice(to, region.endPage()));
        }
    }

    /** In its place: before the first of those that lie above the range. */
    private void appendInserted() {
        if (toInsert != null) {
            append(toInsert);
            toInsert = null;
        }
    }

    private void append(final Region region) {
        final int last = after.size() - 1;
        if (last >= 0 && after.get(last).continuesIn(region)) {
            after.set(last, after.get(last).join(region));
        } else {
            after.add(region);
        }
    }

    private void publish(final RegionTree.Node now) {
        RegionTree.Node next = now;
        for (int i = 0, j = 0; i < before.size(); i++) {
            j = skipTo(after, j, before.get(i));
            next = isAt(after, j, before.get(i)) ? next : RegionTree.remove(next, before.get(i));
        }
        for (int i = 0, j = 0; i < after.size(); i++) {
            j = skipTo(before, j, after.get(i));
            next = isAt(before, j, after.get(i)) ? next : RegionTree.insert(next, after.get(i));
        }
        // Volatile: the regions are whole; u1 of the package documentation, before u2.
        root = next;
        for (int i = 0, j = 0; i < before.size(); i++) {
            j = skipTo(after, j, before.get(i));
            if (!isAt(after, j, before.get(i))) {
                before.get(i).end();
            }
        }
        before.clear();
        after.clear();
    }

    /** Both lists are in order: where the region would be in the other. */
    private static int skipTo(final List<Region> list, final int from, final Region region) {
        int at = from;
        while (at < list.size() && list.get(at).startPage() < region.startPage()) {
            at++;
        }
        return at;
    }

    private static boolean isAt(final List<Region> list, final int at, final Region region) {
        return at < list.size() && list.get(at) == region;
    }

    /**
     * Walks the regions, while nobody changes them: in order, disjoint, current, none like its neighbour.
     *
     * @throws AssertionError naming the first thing that is wrong.
     */
    public void verify() {
        RegionTree.verify(root, 0, pages);
        final Region[] last = {null};
        forEach(region -> {
            if (last[0] != null && last[0].continuesIn(region)) {
                throw new AssertionError(last[0] + " and " + region + " are not one");
            }
            last[0] = region;
        });
    }
}
