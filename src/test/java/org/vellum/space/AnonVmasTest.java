package org.vellum.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.space.Region.LOCKED;
import static org.vellum.space.Region.READ;
import static org.vellum.space.Region.RESERVED;
import static org.vellum.space.Region.WRITE;

import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.vellum.SmallMemory;
import org.vellum.StressClock;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.lock.LockRank;
import org.vellum.lock.SleepingLock;
import org.vellum.report.WouldWaitException;
import org.vellum.rmap.AnonVma;

@Timeout(60)
final class AnonVmasTest {
    private static final long PAGES = 1000;

    private final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(4));
    private final SleepingLock lock = new SleepingLock(cpus, LockRank.SPACE, "s");
    private final RegionIndex index = new RegionIndex(lock, PAGES);
    private final AnonVmas vmas = new AnonVmas(cpus, lock, index);
    /** How often all regions were made anew. Written under the exclusive lock. */
    private volatile long lives;

    @AfterEach
    void check() {
        assertFalse(lock.isHeld());
        index.verify();
    }

    private Region insert(final long start, final long end, final int flags) {
        lock.lockExclusive();
        try {
            return index.insert(new Region(start, end, flags, null, start));
        } finally {
            lock.unlockExclusive();
        }
    }

    private void change(final long start, final long end, final int clear, final int set) {
        lock.lockExclusive();
        index.changeFlags(start, end, clear, set, piece -> { });
        lock.unlockExclusive();
    }

    private AnonVma at(final long page) {
        return index.find(page).anonVma();
    }

    @Test
    void aRegionGetsOneAtItsFirstFault() {
        final Region region = insert(10, 20, READ | WRITE);
        assertNull(region.anonVma());
        final AnonVma vma = vmas.prepare(region, true);
        assertNotNull(vma);
        assertSame(vma, vmas.prepare(region, true));
        assertSame(vma, region.anonVma());
        assertSame(LockRank.ANON, vma.lock().rank());
        assertNotSame(vma, vmas.prepare(insert(30, 40, READ), true));
    }

    @Test
    void everyPartOfASplitRegionHasIt() {
        final AnonVma vma = vmas.prepare(insert(10, 50, READ | WRITE), true);
        change(20, 30, WRITE, 0);
        lock.lockExclusive();
        index.remove(35, 40, piece -> assertSame(vma, piece.anonVma()));
        lock.unlockExclusive();
        assertEquals(4, index.count());
        for (final long page : new long[] {10, 20, 30, 40}) {
            assertSame(vma, at(page));
        }
        change(20, 30, 0, WRITE);
        assertEquals(2, index.count());
        assertSame(vma, at(25));
    }

    @Test
    void regionsWithDifferentOnesAreNotJoined() {
        final AnonVma low = vmas.prepare(insert(10, 20, READ | WRITE), true);
        insert(20, 30, READ | WRITE | LOCKED);
        final AnonVma high = vmas.prepare(index.find(20), true);
        assertNotSame(low, high, "they will not be one region soon");
        change(20, 30, LOCKED, 0);
        assertEquals(2, index.count());
        assertSame(low, at(19));
        assertSame(high, at(20));
    }

    @Test
    void aRegionWithoutOneJoinsOneThatHas() {
        final AnonVma vma = vmas.prepare(insert(10, 20, READ), true);
        insert(20, 30, READ);
        insert(5, 10, READ);
        assertEquals(1, index.count());
        assertSame(vma, at(5));
        assertSame(vma, at(29));
    }

    /** So that they can be one region when the permissions are the same again. */
    @Test
    void aNeighboursIsTakenIfOnlyPermissionsKeepThemApart() {
        insert(10, 40, READ | WRITE);
        change(20, 30, WRITE, 0);
        final AnonVma middle = vmas.prepare(index.find(20), true);
        assertSame(middle, vmas.prepare(index.find(10), true), "that of the next");
        assertSame(middle, vmas.prepare(index.find(30), true), "that of the last");
        change(20, 30, 0, WRITE);
        assertEquals(1, index.count());
        assertSame(middle, at(15));
        final NamedBacking file = new NamedBacking("file");
        lock.lockExclusive();
        final Region other = index.insert(new Region(40, 50, READ, file, 40));
        final Region reserved = index.insert(new Region(50, 60, READ | RESERVED, file, 50));
        final Region elsewhere = index.insert(new Region(60, 70, READ, file, 90));
        lock.unlockExclusive();
        assertNotSame(middle, vmas.prepare(other, true));
        assertNotSame(at(40), vmas.prepare(reserved, true));
        assertNotSame(at(50), vmas.prepare(elsewhere, true));
    }

    @Test
    void aRegionThatHasEndedGetsNone() {
        final Region region = insert(10, 20, READ | WRITE);
        change(15, 20, WRITE, 0);
        assertNull(vmas.prepare(region, true));
        assertNull(region.anonVma());
        assertNull(at(10));
    }

    /** It tries, and otherwise says that it would have had to wait. Once it is set, nothing is to be waited for. */
    @Test
    void insideASectionTheLockIsTried() throws Exception {
        final Region region = insert(10, 20, READ);
        final Region other = insert(30, 40, READ);
        final AnonVma vma = vmas.prepare(region, true);
        final CyclicBarrier step = new CyclicBarrier(2);
        final FutureTask<Void> holder = new FutureTask<>(() -> {
            lock.lockExclusive();
            step.await();
            step.await();
            lock.unlockExclusive();
            return null;
        });
        new Thread(holder, "holder").start();
        step.await();
        final Cpu cpu = cpus.enter();
        assertSame(vma, vmas.prepare(region, false));
        assertThrows(WouldWaitException.class, () -> vmas.prepare(other, false));
        assertThrows(IllegalStateException.class, () -> vmas.prepare(other, true), "blocking in a section");
        assertNull(other.anonVma());
        cpu.exit();
        step.await();
        SmallMemory.join(holder);
        final Cpu again = cpus.enter();
        assertNotNull(vmas.prepare(other, false));
        again.exit();
    }

    @Test
    void whoHasTheLockExclusivelyNeedsNoOther() {
        final Region region = insert(10, 20, READ);
        lock.lockExclusive();
        assertNotNull(vmas.prepare(region, true));
        lock.unlockExclusive();
    }

    /** p1 to s4: whatever a fault has prepared, each part of the region has from then on. */
    @Test
    @Tag("stress")
    void noSplitLosesOne() throws Exception {
        final AtomicLong prepared = new AtomicLong();
        final AtomicLong ended = new AtomicLong();
        final AtomicLong rounds = new AtomicLong();
        final AtomicLong kept = new AtomicLong();
        final StressClock clock =
            new StressClock(500, () -> prepared.get() > 1000 && ended.get() > 5 && rounds.get() > 1000 && kept.get() > 100);
        insert(0, 64, READ | WRITE);
        SmallMemory.inThreads(4, thread -> {
            try {
                while (clock.running()) {
                    if (thread == 0) {
                        anew();
                        rounds.incrementAndGet();
                        continue;
                    }
                    final long page = ThreadLocalRandom.current().nextInt(64);
                    final long life = lives;
                    final Region region = index.find(page);
                    if (region == null) {
                        // All is just being made anew.
                        continue;
                    }
                    final AnonVma vma = vmas.prepare(region, true);
                    if (vma == null) {
                        assertFalse(region.isCurrent());
                        ended.incrementAndGet();
                        continue;
                    }
                    prepared.incrementAndGet();
                    // What came since has it, too, unless all is new.
                    lock.lockShared();
                    try {
                        if (lives == life) {
                            assertSame(vma, at(page), "lost");
                            kept.incrementAndGet();
                        }
                    } finally {
                        lock.unlockShared();
                    }
                }
            } finally {
                clock.stop();
            }
        });
        clock.assertCovered(() -> "prepared=" + prepared + " ended=" + ended + " rounds=" + rounds + " kept=" + kept);
    }

    /** Splits and joins, several times; then begins with a region that nobody has touched. */
    private void anew() {
        for (int i = 0; i < 4; i++) {
            final long start = ThreadLocalRandom.current().nextInt(32);
            change(start, start + 16, WRITE, 0);
            change(start, start + 16, 0, WRITE);
        }
        lock.lockExclusive();
        index.remove(0, 64, piece -> { });
        index.insert(new Region(0, 64, READ | WRITE, null, 0));
        // Last: who has read this finds no region of the life before.
        lives++;
        lock.unlockExclusive();
    }
}
