package org.vellum.space;

import java.util.List;
import org.vellum.gather.ClearedEntries;

/** The entries of one region, for whoever clears them: if the region has a backing, that hears of each. */
final class RegionEntries implements ClearedEntries {
    private final Region region;
    private final boolean mustBeCurrent;
    private boolean leftAlone;

    private RegionEntries(final Region region, final boolean mustBeCurrent) {
        this.region = region;
        this.mustBeCurrent = mustBeCurrent;
    }

    /** Of one that has ended, and whose range is kept free by a tombstone. */
    static ClearedEntries ofBuried(final Region region) {
        return region.backing() == null ? ClearedEntries.ANY : new RegionEntries(region, false);
    }

    /**
     * Of one that others may end at any time: then its pages may be somebody else's already, and are left alone. Asked under the page-table lock, as f3 of
     * the package documentation is: if it is current then, nobody else can have installed an entry there.
     */
    static RegionEntries ofCurrent(final Region region) {
        return new RegionEntries(region, true);
    }

    /**
     * Of all that a space had.
     *
     * @param regions in order; looked at only once they have ended.
     */
    static ClearedEntries ofEnded(final List<Region> regions) {
        return new EndedEntries(regions);
    }

    private record EndedEntries(List<Region> regions) implements ClearedEntries {
        @Override
        public boolean isStillThere() {
            return true;
        }

        @Override
        public void cleared(final long page, final long old) {
            int low = 0;
            int high = regions.size();
            while (low < high) {
                final int middle = low + high >>> 1;
                if (regions.get(middle).endPage() <= page) {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            final Region region = low < regions.size() ? regions.get(low) : null;
            if (region != null && region.contains(page) && region.backing() != null) {
                region.backing().cleared(region, page, old);
            }
        }
    }

    @Override
    public boolean isStillThere() {
        leftAlone = mustBeCurrent && !region.isCurrent();
        return !leftAlone;
    }

    /** Whether the last slice was, because the region had ended: it may have been joined with another, or cut, and its pages are to be looked up anew. */
    boolean isLeftAlone() {
        return leftAlone;
    }

    @Override
    public void cleared(final long page, final long old) {
        if (region.backing() != null) {
            region.backing().cleared(region, page, old);
        }
    }
}
