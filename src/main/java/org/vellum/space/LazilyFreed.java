package org.vellum.space;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.vellum.cpu.StackReserve;
import org.vellum.epoch.Epochs;
import org.vellum.gather.ClearedEntries;
import org.vellum.gather.GatherMode;
import org.vellum.gather.MmuGather;

/**
 * Ranges whose content nobody needs, unless it was stored to since ({@link Advice#FREE}): taken away when memory is short, oldest first.
 *
 * <p>What tells is D: an anonymous page gets it with its first store, and loses it by this advice only. But a store that found D inside a section may
 * come after it was taken. So no page of a space is dropped while its D may have been taken less than a grace period ago:
 * <pre>
 *   F (advises)                                  D (drops), under the same leaf's lock
 *   f1: under way + 1                            d1: under way = 0?
 *   f2: lock the leaf, take D, unlock            d2: has the last stamp passed?
 *   f3: last stamp := stamp                      d3: clear what has no D, by CAS
 *   f4: under way − 1
 * </pre>
 * If D finds an entry without D because of f2, then f1 came before d1 by the leaf's lock; so d1 has seen f4, and d2 sees f3. A store that comes later
 * sets D first, by CAS on the entry, and the CAS of d3 fails.
 *
 * <p>Thread safety: any thread, inside sections or out: waits for nothing but page-table locks.
 */
final class LazilyFreed {
    private record Range(MemoryDescriptor mm, long startPage, long endPage) {
    }

    private final Epochs epochs;
    private final ConcurrentLinkedQueue<Range> ranges = new ConcurrentLinkedQueue<>();
    private final AtomicLong dropped = new AtomicLong();

    LazilyFreed(final Epochs epochs) {
        this.epochs = epochs;
    }

    /** f1 to f4: what takes D from the entries of a range. */
    void add(final MemoryDescriptor mm, final long startPage, final long endPage, final Runnable takeDirty) {
        mm.freesUnderWay.incrementAndGet();
        try {
            takeDirty.run();
        } finally {
            mm.lastFreeStamp = epochs.stamp();
            mm.freesUnderWay.decrementAndGet();
        }
        ranges.add(new Range(mm, startPage, endPage));
    }

    /**
     * Takes the oldest ranges away, until there is something to show for it.
     *
     * @return how many frames went to limbo.
     */
    long drop() {
        long frames = 0;
        if (!ranges.isEmpty()) {
            StackReserve.ensureOperations();
            for (Range range = ranges.peek(); range != null && frames == 0 && mayDrop(range.mm); range = ranges.peek()) {
                // Of several that want it, one gets it.
                frames += ranges.remove(range) ? drop(range) : 0;
            }
            dropped.addAndGet(frames);
        }
        return frames;
    }

    /** d1 and d2. */
    private boolean mayDrop(final MemoryDescriptor mm) {
        return mm.freesUnderWay.get() == 0 && epochs.hasPassed(mm.lastFreeStamp);
    }

    /** Whether waiting for a grace period might bring something. */
    boolean isEmpty() {
        return ranges.isEmpty();
    }

    private long drop(final Range range) {
        final MemoryDescriptor mm = range.mm;
        long frames = 0;
        try (MmuGather gather = mm.gathers.begin(mm.flushes, GatherMode.RETIRE_AT_ONCE)) {
            for (long page = range.startPage; page < range.endPage; ) {
                final Region region = mm.index.findAtOrAbove(page);
                if (region == null || region.startPage() >= range.endPage) {
                    break;
                }
                final CleanPages pages = new CleanPages(mm, region);
                final long end = Math.min(range.endPage, region.endPage());
                for (page = Math.max(page, region.startPage()); page < end; ) {
                    page = mm.unmapper.sliceClean(gather, page, end, pages);
                }
                frames += pages.count;
            }
        }
        return frames;
    }

    /** How many frames were dropped so far. */
    long dropped() {
        return dropped.get();
    }

    /** Those of an anonymous private region. */
    private final class CleanPages implements ClearedEntries {
        private final MemoryDescriptor mm;
        private final Region region;
        private long count;

        CleanPages(final MemoryDescriptor mm, final Region region) {
            this.mm = mm;
            this.region = region;
        }

        @Override
        public boolean isStillThere() {
            return region.backing() == null && (region.flags() & (Region.SHARED | Region.LOCKED | Region.DYING)) == 0 && region.isCurrent()
                && mayDrop(mm);
        }

        @Override
        public void cleared(final long page, final long old) {
            count++;
        }
    }
}
