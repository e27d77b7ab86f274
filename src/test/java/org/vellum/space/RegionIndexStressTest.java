package org.vellum.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.StressClock;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.lock.LockRank;
import org.vellum.lock.SleepingLock;

/** Regions are split, merged and removed while others look up without a lock. */
@Tag("stress")
final class RegionIndexStressTest {
    /** Below are pages that always have a region, whatever becomes of its flags; above, pages that come and go. */
    private static final int KEPT = 64;
    private static final int PAGES = 256;

    private final SleepingLock lock =
        new SleepingLock(new Cpus(CpuOptions.forThisMachine().withCachedSlots(4)), LockRank.SPACE, "s");
    private final RegionIndex index = new RegionIndex(lock, PAGES);
    private final AtomicLong changes = new AtomicLong();
    private final AtomicLong looks = new AtomicLong();
    private final AtomicLong ended = new AtomicLong();
    private final AtomicLong again = new AtomicLong();
    private final StressClock clock =
        new StressClock(500, () -> changes.get() > 1000 && looks.get() > 1000 && ended.get() > 0 && again.get() > 0);

    private void change() {
        final ThreadLocalRandom random = ThreadLocalRandom.current();
        lock.lockExclusive();
        try {
            if (random.nextBoolean()) {
                final long start = random.nextLong(KEPT);
                final long end = random.nextLong(start, KEPT) + 1;
                index.changeFlags(start, end, random.nextInt(4), random.nextInt(4), piece -> { });
            } else {
                final long start = random.nextLong(KEPT, PAGES);
                final long end = random.nextLong(start, PAGES) + 1;
                if (index.isFree(start, end)) {
                    index.insert(new Region(start, end, random.nextInt(4), null, start));
                } else {
                    index.remove(start, end, piece -> assertTrue(index.isFree(piece.startPage(), piece.endPage())));
                }
            }
        } finally {
            lock.unlockExclusive();
        }
        changes.incrementAndGet();
    }

    /** What a fault does: an ended region has a successor that can be found at once. */
    private void look() {
        final long page = ThreadLocalRandom.current().nextLong(KEPT);
        Region region = index.find(page);
        assertNotNull(region, "a kept page has no region");
        for (int i = 0; i < 50; i++) {
            assertTrue(region.contains(page));
            assertEquals(page, region.filePageOf(page));
            if (!region.isCurrent()) {
                ended.incrementAndGet();
                final Region next = index.find(page);
                assertTrue(next != region, "an ended region is still in the index");
                region = next;
                again.incrementAndGet();
            }
        }
        final long before = ThreadLocalRandom.current().nextLong(PAGES);
        final Region above = index.findAtOrAbove(before);
        assertTrue(above == null || above.endPage() > before);
        looks.incrementAndGet();
    }

    private void snapshot() {
        final long[] last = {0};
        index.forEach(region -> {
            assertTrue(region.startPage() >= last[0], "two regions of one moment overlap");
            assertTrue(region.startPage() == last[0] || last[0] >= KEPT, "a hole among the kept pages");
            last[0] = region.endPage();
        });
        assertTrue(last[0] >= KEPT);
    }

    @Test
    void readersNeverFallIntoAHole() throws Exception {
        lock.lockExclusive();
        index.insert(new Region(0, KEPT, Region.READ, null, 0));
        lock.unlockExclusive();
        SmallMemory.inThreads(5, thread -> {
            try {
                while (clock.running()) {
                    if (thread < 2) {
                        change();
                    } else if (thread < 4) {
                        look();
                    } else {
                        snapshot();
                    }
                }
            } finally {
                clock.stop();
            }
        });
        clock.assertCovered(() -> "changes=" + changes + " looks=" + looks + " ended=" + ended + " again=" + again);
        index.verify();
    }
}
