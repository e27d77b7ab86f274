package org.vellum.space;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.vellum.gather.ClearedEntries;

/** The entries of one region, for whoever clears them: if the region has a backing, that hears of each. */
final class RegionEntries implements ClearedEntries {
    private final Region region;
    private final boolean mustBeCurrent;

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
    static ClearedEntries ofCurrent(final Region region) {
        return new RegionEntries(region, true);
    }

    /** Of all that a space had. */
    static ClearedEntries ofEnded(final List<Region> regions) {
        final TreeMap<Long, Region> backed = new TreeMap<>();
        regions.stream().filter(region -> region.backing() != null).forEach(region -> backed.put(region.startPage(), region));
        return backed.isEmpty() ? ClearedEntries.ANY : new EndedEntries(backed);
    }

    private record EndedEntries(TreeMap<Long, Region> regions) implements ClearedEntries {
        @Override
        public boolean isStillThere() {
            return true;
        }

        @Override
        public void cleared(final long page, final long old) {
            final Map.Entry<Long, Region> found = regions.floorEntry(page);
            if (found != null && found.getValue().contains(page)) {
                found.getValue().backing().cleared(found.getValue(), page, old);
            }
        }
    }

    @Override
    public boolean isStillThere() {
        return !mustBeCurrent || region.isCurrent();
    }

    @Override
    public void cleared(final long page, final long old) {
        if (region.backing() != null) {
            region.backing().cleared(region, page, old);
        }
    }
}
