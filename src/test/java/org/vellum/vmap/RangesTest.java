package org.vellum.vmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.mmu.PageTable;

/** Ranges cut for a slot in one go: side by side, all there, and the tree whole again whatever ran out in the middle. */
class RangesTest {
    private static final long WINDOW_PAGES = 4096;
    private static final int PAGES = 3;
    private static final int SPAN = PAGES + 1;

    private final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(2).withMaxSlots(3));

    private Ranges ranges(final long mostAreas) {
        return new Ranges(cpus, new PageTable(1L << 30, WINDOW_PAGES), mostAreas, true);
    }

    /** What the slot keeps, taken out. */
    private static List<Long> takeAll(final Ranges ranges, final Cpu cpu) {
        final List<Long> ids = new ArrayList<>();
        for (long id; (id = ranges.takeKept(cpu, AreaKind.SPARSE, VmallocFlags.NONE, PAGES, PAGES * 4096L)) != Ranges.NONE;) {
            ids.add(id);
        }
        return ids;
    }

    @Test
    void stockLiesSideBySideAndGoesBackPiecemeal() {
        final Ranges ranges = ranges(1000);
        try (Cpu cpu = cpus.tryVisit(0)) {
            for (int expected = 1; expected <= 8; expected *= 2) {
                assertTrue(ranges.stockUp(cpu, SPAN));
                final List<Long> ids = takeAll(ranges, cpu);
                assertEquals(expected, ids.size());
                final long[] starts = ids.stream().mapToLong(ranges.records::start).sorted().toArray();
                for (int i = 0; i < starts.length; i++) {
                    assertEquals(starts[0] + (long)i * SPAN, starts[i]);
                    assertEquals(starts[i], ranges.records.start(ranges.index.idAt(starts[i]) - 1), "in the index");
                }
                assertEquals(WINDOW_PAGES - (long)expected * SPAN, ranges.freePages());
                // Every other one first, so that nothing merges until the end.
                for (int i = 0; i < 2; i++) {
                    for (int j = i; j < ids.size(); j += 2) {
                        assertTrue(ranges.giveBack(ids.get(j)));
                    }
                }
                assertEquals(WINDOW_PAGES, ranges.largestFree());
            }
        }
    }

    /** The tree keeps a node ready for each live area, and must have been told that one became many. */
    @Test
    void manyHolesBetweenStockedRangesFitTheTree() {
        final Ranges ranges = ranges(WINDOW_PAGES);
        final List<Long> ids = new ArrayList<>();
        try (Cpu cpu = cpus.tryVisit(0)) {
            while (ranges.stockUp(cpu, SPAN)) {
                ids.addAll(takeAll(ranges, cpu));
            }
            assertTrue(ids.size() > WINDOW_PAGES / SPAN - 32, "stocked=" + ids.size());
            ids.sort(Comparator.comparingLong(ranges.records::start));
            for (int i = 0; i < 2; i++) {
                for (int j = i; j < ids.size(); j += 2) {
                    assertTrue(ranges.giveBack(ids.get(j)));
                }
            }
        }
        assertEquals(WINDOW_PAGES, ranges.largestFree());
    }

    @Test
    void recordsThatRunOutInTheMiddleLeaveTheRestWithTheTree() {
        for (int records = 0; records <= 9; records++) {
            final Ranges ranges = ranges(records + 1);
            try (Cpu cpu = cpus.tryVisit(0)) {
                final long only = ranges.carve(AreaKind.SPARSE, VmallocFlags.NONE, PAGES, 1, 0, WINDOW_PAGES, 1);
                for (int wanted = 1; wanted <= 8; wanted *= 2) {
                    ranges.stockUp(cpu, SPAN);
                    final List<Long> ids = takeAll(ranges, cpu);
                    assertEquals(Math.min(wanted, records), ids.size());
                    assertEquals(WINDOW_PAGES - (1L + ids.size()) * SPAN, ranges.freePages());
                    ids.forEach(ranges::giveBack);
                }
                assertTrue(ranges.giveBack(only));
            }
            assertEquals(WINDOW_PAGES, ranges.largestFree());
        }
    }

    @Test
    void windowWithoutRoomForABatchGivesNone() {
        final Ranges ranges = ranges(1000);
        try (Cpu cpu = cpus.tryVisit(0)) {
            for (int i = 0; i < 3; i++) {
                assertTrue(ranges.stockUp(cpu, SPAN));
                takeAll(ranges, cpu).forEach(ranges::giveBack);
            }
            final long most = ranges.carve(AreaKind.SPARSE, VmallocFlags.NO_GUARD, WINDOW_PAGES - 7 * SPAN, 1, 0, WINDOW_PAGES, 1);
            assertFalse(ranges.stockUp(cpu, SPAN), "eight do not fit");
            assertEquals(7 * SPAN, ranges.freePages());
            assertTrue(ranges.giveBack(most));
            assertEquals(WINDOW_PAGES, ranges.largestFree());
        }
    }

    @Test
    void slotWithoutCachesIsNotStocked() {
        final Ranges ranges = ranges(1000);
        try (Cpu uncached = cpus.tryVisit(2)) {
            assertFalse(ranges.stockUp(uncached, SPAN));
            assertEquals(WINDOW_PAGES, ranges.freePages());
        }
    }
}
