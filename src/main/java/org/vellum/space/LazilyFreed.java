package org.vellum.space;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
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
        Range with(final Range other) {
            return new Range(mm, Math.min(startPage, other.startPage), Math.max(endPage, other.endPage));
        }
    }

    /** More ranges than this are joined, so that who gives the same advice again and again does not fill the heap. */
    private static final int MOST_RANGES = 1024;

    private final Epochs epochs;
    private final LongSupplier stamps;
    private final ConcurrentLinkedQueue<Range> ranges = new ConcurrentLinkedQueue<>();
    /** How many there are: incremented after the one is added, decremented after it is taken. */
    private final AtomicInteger queued = new AtomicInteger();
    private final ReentrantLock joining = new ReentrantLock();
    /** How many there may be before they are joined the next time. By the holder of {@link #joining}; others peek. */
    private volatile int mostQueued = MOST_RANGES;
    private final AtomicLong dropped = new AtomicLong();

    LazilyFreed(final Epochs epochs) {
        this(epochs, epochs::stamp);
    }

    /** For tests: with stamps that come when the test says so. */
    LazilyFreed(final Epochs epochs, final LongSupplier stamps) {
        this.epochs = epochs;
        this.stamps = stamps;
    }

    /** f1 to f4: what takes D from the entries of a range. */
    void add(final MemoryDescriptor mm, final long startPage, final long endPage, final Runnable takeDirty) {
        mm.freesUnderWay.incrementAndGet();
        try {
            takeDirty.run();
        } finally {
            noteStamp(mm);
            mm.freesUnderWay.decrementAndGet();
        }
        add(new Range(mm, startPage, endPage));
        if (queued.get() > mostQueued) {
            join();
        }
        if (mm.closed) {
            // Whoever closed it has forgotten what was here by then.
            forget(mm);
        }
    }

    /** f3: of two that do it at once, the later stamp stays, since it was taken after the other was seen. */
    private void noteStamp(final MemoryDescriptor mm) {
        long seen = mm.lastFreeStamp.get();
        while (!mm.lastFreeStamp.compareAndSet(seen, stamps.getAsLong())) {
            seen = mm.lastFreeStamp.get();
        }
    }

    private void add(final Range range) {
        ranges.add(range);
        queued.incrementAndGet();
    }

    /** Of several that want it, one gets it. */
    private boolean take(final Range range) {
        final boolean taken = ranges.remove(range);
        queued.addAndGet(taken ? -1 : 0);
        return taken;
    }

    /** One range for each space: what lies between those that it had is looked at in vain, but not taken, since it has D. */
    private void join() {
        if (joining.tryLock()) {
            try {
                final Map<MemoryDescriptor, Range> joined = new LinkedHashMap<>();
                for (int left = queued.get(); left > 0; left--) {
                    final Range range = ranges.peek();
                    if (range != null && take(range)) {
                        joined.merge(range.mm, range, Range::with);
                    }
                }
                joined.values().forEach(this::add);
                mostQueued = MOST_RANGES + 2 * joined.size();
            } finally {
                joining.unlock();
            }
        }
    }

    /** The ranges of a space that is closed. */
    void forget(final MemoryDescriptor mm) {
        for (final Range range : ranges) {
            if (range.mm == mm) {
                take(range);
            }
        }
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
                frames += drop(range);
            }
            dropped.addAndGet(frames);
        }
        return frames;
    }

    /** d1 and d2. */
    private boolean mayDrop(final MemoryDescriptor mm) {
        return mm.freesUnderWay.get() == 0 && epochs.hasPassed(mm.lastFreeStamp.get());
    }

    /** Whether waiting for a grace period might bring something. */
    boolean isEmpty() {
        return ranges.isEmpty();
    }

    /** How many ranges are remembered. */
    int ranges() {
        return queued.get();
    }

    private long drop(final Range range) {
        final MemoryDescriptor mm = range.mm;
        long frames = 0;
        try (MmuGather gather = mm.gathers.begin(mm.flushes, GatherMode.RETIRE_AT_ONCE)) {
            long page = take(range) ? range.startPage : range.endPage;
            while (page < range.endPage && mayDrop(mm)) {
                final Region region = mm.index.findAtOrAbove(page);
                if (region == null || region.startPage() >= range.endPage) {
                    return frames;
                }
                final CleanPages pages = new CleanPages(mm, region);
                page = pages.drop(gather, Math.max(page, region.startPage()), Math.min(range.endPage, region.endPage()));
                frames += pages.count;
            }
            if (page < range.endPage) {
                // Somebody gives the same advice again: the rest has to wait until that has passed.
                add(new Range(mm, page, range.endPage));
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
        private boolean leftAlone;
        private long count;

        CleanPages(final MemoryDescriptor mm, final Region region) {
            this.mm = mm;
            this.region = region;
        }

        /** Where to go on: at the end, unless the region has ended, or nothing may be dropped now. */
        long drop(final MmuGather gather, final long startPage, final long endPage) {
            if (region.backing() != null || (region.flags() & (Region.SHARED | Region.LOCKED | Region.DYING)) != 0) {
                return endPage;
            }
            long page = startPage;
            while (page < endPage) {
                final long next = mm.unmapper.sliceClean(gather, page, endPage, this);
                if (leftAlone) {
                    return page;
                }
                page = next;
            }
            return page;
        }

        @Override
        public boolean isStillThere() {
            leftAlone = !region.isCurrent() || !mayDrop(mm);
            return !leftAlone;
        }

        @Override
        public void cleared(final long page, final long old) {
            count++;
        }
    }
}
