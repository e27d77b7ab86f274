package org.vellum.vmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.vellum.SmallMemory;
import org.vellum.StressClock;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.mmu.Address;
import org.vellum.report.ExhaustedException;
import org.vellum.report.PageFaultException;

/** Ranges that slots keep: reused with another tag, given back on exhaustion and at rest, never lost. */
@Timeout(120)
class RangeCacheTest {
    private static final long PAGE = 4096;
    private static final long WINDOW_PAGES = 4096;

    private final Vellum memory = SmallMemory.builder(1024, WINDOW_PAGES).rangeCaches(true)
        .graceNanos(SmallMemory.PATIENT_NANOS).open();

    @AfterEach
    void nothingIsLost() {
        SmallMemory.requireQuiet(memory, 0, 0);
        assertEquals(WINDOW_PAGES * PAGE, memory.stats().freeWindowBytes());
        memory.close();
    }

    private void settle() {
        for (int i = 0; i < 3; i++) {
            memory.synchronize();
            memory.poll();
        }
    }

    @Test
    void rangeComesBackWithAnotherTagAndTheOldAddressFaults() {
        final long first = memory.vmalloc(3 * PAGE);
        memory.vfree(first);
        memory.synchronize();
        assertNull(memory.reader().findArea(first), "a kept range is no area");
        final long second = memory.vmalloc(3 * PAGE);
        assertEquals(first & Address.MASK, second & Address.MASK, "kept by the slot");
        assertNotEquals(Address.tag(first), Address.tag(second));
        memory.access().putLong(second, 1);
        assertThrows(PageFaultException.class, () -> memory.access().getLong(first));
        assertThrows(IllegalArgumentException.class, () -> memory.vfree(first));
        memory.vfree(second);
    }

    @Test
    void rangeThatLeftItsSlotDoesNotBearTheTagOfALifeItHadThere() {
        final List<Long> lives = new ArrayList<>();
        for (int round = 0; round < 50; round++) {
            for (int life = 0; life < 3; life++) {
                final long address = memory.vmalloc(PAGE);
                assertFalse(lives.contains(address), "a stale address would end, or read, its successor: round=" + round);
                lives.add(address);
                memory.vfree(address);
                memory.synchronize();
            }
            memory.quiesce();
        }
    }

    @Test
    void nothingIsTakenBackUnderAReaderThatMayHoldTheOldAddress() throws Exception {
        final long first = memory.vmalloc(PAGE);
        memory.access().putLong(first, 1);
        final List<Long> others = new ArrayList<>();
        try (SmallMemory.Reader reader = new SmallMemory.Reader(memory, "reader")) {
            final long held = memory.access().readable(first);
            memory.vfree(first);
            for (int i = 0; i < 40; i++) {
                others.add(memory.vmalloc(PAGE));
                memory.access().putLong(others.get(i), 2);
                assertNotEquals(first & Address.MASK, others.get(i) & Address.MASK);
                assertEquals(1, UnsafeApi.getLong(held), "the reader in slot " + reader.cpu.index() + " may look at it");
            }
        }
        others.forEach(memory::vfree);
    }

    @Test
    void aCopyUnderWayKeepsWhatItHasTranslated() throws Exception {
        final long address = memory.vmalloc(2 * PAGE);
        memory.access().putLong(address, 1);
        final AtomicReference<Long> next = new AtomicReference<>();
        memory.access().forEachRun(address, PAGE, (run, bytes) -> {
            try {
                next.set(SmallMemory.inThread(() -> {
                    memory.vfree(address);
                    memory.poll();
                    memory.poll();
                    final long other = memory.vmalloc(2 * PAGE);
                    memory.access().putLong(other, 2);
                    memory.access().putLong(other + PAGE, 2);
                    return other;
                }));
            } catch (final Exception e) {
                throw new AssertionError(e);
            }
            assertEquals(1, UnsafeApi.getLong(run), "the next owner's bytes");
        });
        memory.vfree(next.get());
    }

    @Test
    void boundedRequestsGetTheLowestAddressAllTheSame() {
        final long low = memory.vmalloc(PAGE);
        final long kept = memory.vmalloc(PAGE);
        final long above = memory.vmalloc(PAGE);
        memory.vfree(kept);
        settle();
        final long start = memory.vmalloc().vmallocRange(PAGE, PAGE, VmallocFlags.NONE,
            (above & Address.MASK) + PAGE, (above & Address.MASK) + 64 * PAGE);
        assertEquals((above & Address.MASK) + 2 * PAGE, start & Address.MASK);
        memory.vfree(start);
        memory.vfree(low);
        memory.vfree(above);
    }

    @Test
    void keptRangesGoBackBeforeAnybodyHearsOfExhaustion() {
        final List<Long> small = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            small.add(memory.vmap().sparseArea(PAGE));
        }
        small.forEach(memory.vmap()::vunmap);
        settle();
        assertTrue(memory.stats().freeWindowBytes() < WINDOW_PAGES * PAGE, "some are kept");
        final long whole = memory.vmap().sparseArea((WINDOW_PAGES - 1) * PAGE);
        memory.vmap().vunmap(whole);
    }

    @Test
    void insideASectionTheyServeToo() {
        final long first = memory.vmalloc(PAGE);
        memory.vfree(first);
        memory.synchronize();
        final long second;
        try (Cpu cpu = memory.enter()) {
            second = memory.vmalloc(PAGE);
            assertEquals(first & Address.MASK, second & Address.MASK, cpu + " has it");
            memory.vfree(second);
        }
    }

    /** Maps and unmaps in a loop; sparse areas, so that no frames in limbo make it wait for the reader. */
    private void mapAndUnmap(final int times, final long size) {
        for (int i = 0; i < times; i++) {
            memory.vmap().vunmap(memory.vmap().sparseArea(size));
        }
    }

    @Test
    void rangesAreCutInBatchesWhileASectionHoldsLimboUpAndRecycledAfterwards() throws InterruptedException {
        final VmapSpace space = memory.vmalloc().space();
        final int times = 500;
        final Set<Long> starts = new HashSet<>();
        try (SmallMemory.Reader reader = new SmallMemory.Reader(memory, "reader")) {
            for (int i = 0; i < times; i++) {
                final long address = memory.vmap().sparseArea(PAGE);
                assertTrue(starts.add(address & Address.MASK), "used again under " + reader.cpu);
                memory.vmap().vunmap(address);
            }
            assertEquals(0, space.recycles.get());
            final long visits = space.stockUps.get() + space.cutSingly.get();
            // 1, 2, 4 ... 32 and then 32 at a time.
            assertTrue(visits <= 6 + times / 32, "visits to the tree=" + visits);
            assertEquals(2L * times * PAGE, memory.stats().limboBytes(), "all of them, with their guards");
        }
        final long visits = space.stockUps.get() + space.cutSingly.get();
        mapAndUnmap(4 * times, PAGE);
        assertTrue(space.recycles.get() >= 4 * times / 64, "recycles=" + space.recycles);
        final long more = space.stockUps.get() + space.cutSingly.get() - visits;
        // One each time that a flush's worth has gathered: the request that asks for the flush does not profit from it yet.
        final long flushAreas = space.options.lazyMaxPages() / 16 / 2;
        assertTrue(more <= 1 + 4 * times / flushAreas, "visits to the tree once limbo flows=" + more);
    }

    @Test
    void windowThatIsUsedUpUnderAReaderIsWholeAgainAfterwards() throws InterruptedException {
        final long[] exhausted = new long[1];
        try (SmallMemory.Reader reader = new SmallMemory.Reader(memory, "reader"); Cpu cpu = memory.enter()) {
            // Inside a section, so that it is told at once.
            for (int i = 0; exhausted[0] == 0 && i < WINDOW_PAGES; i++) {
                try {
                    mapAndUnmap(1, 3 * PAGE);
                } catch (final ExhaustedException e) {
                    exhausted[0] = i;
                }
            }
            assertEquals(WINDOW_PAGES / 4, exhausted[0], "three pages and a guard each, to the last page: " + reader.cpu + cpu);
        }
        mapAndUnmap(1_000, 3 * PAGE);
    }

    @Test
    void shortageDoublesUntilRangesComeBackAndLeavesRoomForOthers() throws Exception {
        final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(2).withMaxSlots(3));
        final RangeCache cache = new RangeCache(cpus, new AreaRecords(16), WINDOW_PAGES);
        try (Cpu cpu = cpus.tryVisit(0); Cpu other = cpus.tryVisit(1); Cpu uncached = cpus.tryVisit(2)) {
            for (final int expected : new int[] {1, 2, 4, 8, 16, 32, 32, 32}) {
                assertEquals(expected, cache.shortage(cpu, 2));
            }
            assertEquals(1, cache.shortage(cpu, 3), "each length for itself");
            assertEquals(1, cache.shortage(other, 2), "each slot for itself");
            cache.relieved(cpu, 2);
            assertEquals(1, cache.shortage(cpu, 2));
            assertEquals(2, cache.shortage(cpu, 2));
            for (int i = 0; i < 5; i++) {
                cache.shortage(cpu, 16);
            }
            assertEquals(WINDOW_PAGES / 64 / 16, cache.shortage(cpu, 16), "a 64th of the window at most");
            assertTrue(cache.put(cpu, 16, 1));
            assertEquals(WINDOW_PAGES / 64 / 16 - 1, cache.shortage(cpu, 16), "with what is kept already");
            assertEquals(0, cache.shortage(uncached, 2));
        }
    }

    /** With a reader that holds limbo up now and then, so that ranges are cut in batches as well as recycled. */
    @Test
    @Tag("stress")
    void threadsNeverShareARange() throws InterruptedException {
        final AtomicReference<Throwable> wrong = new AtomicReference<>();
        final List<Thread> threads = new ArrayList<>();
        final VmapSpace space = memory.vmalloc().space();
        final StressClock clock = new StressClock(1_500, () -> space.recycles.get() > 10 && space.stockUps.get() > 100);
        for (int i = 0; i < 6; i++) {
            final long seed = i;
            threads.add(new Thread(() -> {
                try {
                    churn(new SplittableRandom(seed), seed, clock);
                } catch (final Throwable e) {
                    wrong.set(e);
                    clock.stop();
                }
            }));
        }
        threads.add(new Thread(() -> holdUp(clock)));
        threads.forEach(Thread::start);
        for (final Thread thread : threads) {
            thread.join();
        }
        assertNull(wrong.get());
        clock.assertCovered(() -> "recycles=" + space.recycles + " stockUps=" + space.stockUps + " cutSingly=" + space.cutSingly);
    }

    private void holdUp(final StressClock clock) {
        while (clock.running()) {
            try (Cpu cpu = memory.enter()) {
                final long leave = System.nanoTime() + 3_000_000;
                while (System.nanoTime() - leave < 0) {
                    Thread.onSpinWait();
                }
                assert cpu != null;
            }
            Thread.yield();
        }
    }

    private void churn(final SplittableRandom random, final long mark, final StressClock clock) {
        final List<long[]> live = new ArrayList<>();
        while (clock.running()) {
            if (live.size() < 12 && random.nextBoolean()) {
                final long size = (1 + random.nextInt(6)) * PAGE;
                final long address = memory.vmalloc(size);
                for (long at = 0; at < size; at += PAGE) {
                    memory.access().putLong(address + at, mark << 48 | address + at);
                }
                live.add(new long[] {address, size});
            } else if (!live.isEmpty()) {
                final long[] area = live.remove(random.nextInt(live.size()));
                for (long at = 0; at < area[1]; at += PAGE) {
                    assertEquals(mark << 48 | area[0] + at, memory.access().getLong(area[0] + at));
                }
                memory.vfree(area[0]);
            }
        }
        live.forEach(area -> memory.vfree(area[0]));
    }
}
