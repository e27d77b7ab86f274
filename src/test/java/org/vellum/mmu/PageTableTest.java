package org.vellum.mmu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.vellum.mem.Pages;
import org.vellum.report.PageFaultException;

/** The table is zeroed from both ends, wherever ranges are handed out, and what was stored in it stays. */
class PageTableTest {
    private static final long START = 1L << 40;
    private static final long STEP = 8192;
    private static final long TAG = 0x1234L << Address.TAG_SHIFT;

    private static PageTable table(final long pages) {
        final PageTable table = new PageTable(START, pages);
        table.onFault((address, write) -> new PageFaultException(address, "write=" + write));
        return table;
    }

    /** What is mapped at a page; native addresses are of whole pages, and nobody looks at them. */
    private static long nativePage(final long page) {
        return page + 1 << Pages.SHIFT;
    }

    private static void map(final PageTable table, final long page) {
        table.set(page, Entry.present(nativePage(page), TAG, page % 2 == 0 ? Entry.WRITABLE : 0));
    }

    private static void assertMapped(final PageTable table, final long page) {
        final long address = table.addressOf(page) | TAG;
        assertEquals(nativePage(page) + 8, table.readable(address + 8));
        if (page % 2 == 0) {
            assertEquals(nativePage(page) + 8, table.writable(address + 8));
            assertEquals(nativePage(page) + 8, table.writablePagesOn((table.addressOf(0) | TAG) + 8, page << 3));
        } else {
            assertThrows(PageFaultException.class, () -> table.writable(address));
            assertThrows(PageFaultException.class, () -> table.writablePagesOn(table.addressOf(0) | TAG, page << 3));
        }
        assertThrows(PageFaultException.class, () -> table.readable(address + (1L << Address.TAG_SHIFT)));
    }

    private static void assertNotMapped(final PageTable table, final long page) {
        final long address = table.addressOf(page) | TAG;
        assertEquals(address, assertThrows(PageFaultException.class, () -> table.readable(address)).address());
        assertThrows(PageFaultException.class, () -> table.writable(address));
        assertEquals(address, assertThrows(PageFaultException.class, () -> table.writablePagesOn(table.addressOf(0) | TAG, page << 3))
            .address());
    }

    @Test
    void anAreaAtTheTopCostsNoMoreThanItsOwnEntries() {
        final long pages = 1L << 24;
        final PageTable table = table(pages);
        table.extendOver(0, 5);
        table.extendOver(pages - 3, pages);
        assertTrue(table.isZeroed(STEP - 1));
        assertFalse(table.isZeroed(STEP));
        assertTrue(table.isZeroed(pages - STEP));
        assertFalse(table.isZeroed(pages - STEP - 1));
        assertFalse(table.isZeroed(pages));
        assertTrue(table.isZeroed(pages - STEP, STEP));
        assertFalse(table.isZeroed(pages - STEP, STEP + 1));
        assertFalse(table.isZeroed(pages - STEP - 1, 2));
        map(table, pages - 2);
        assertMapped(table, pages - 2);
        assertNotMapped(table, pages - 1);
        assertNotMapped(table, pages / 2);
        assertThrows(PageFaultException.class, () -> table.readable(table.end() | TAG));
        assertThrows(PageFaultException.class, () -> table.readable(START - 1 | TAG));
    }

    @Test
    void bothPartsMeetAndNothingIsLost() {
        final long pages = 5 * STEP + 7;
        for (final long meeting : new long[] {0, STEP - 1, 2 * STEP, 3 * STEP, pages - STEP}) {
            final PageTable table = table(pages);
            table.extendOver(pages - 1, pages);
            table.extendOver(0, 1);
            map(table, pages - 1);
            map(table, 0);
            table.extendOver(meeting, pages);
            table.extendTo(pages);
            assertTrue(table.isZeroed(0, pages));
            assertMapped(table, 0);
            assertMapped(table, pages - 1);
            table.extendOver(0, pages);
            assertMapped(table, 0);
        }
    }

    @Test
    void closedNothingTranslates() {
        final PageTable table = table(4 * STEP);
        table.extendOver(0, 1);
        table.extendOver(4 * STEP - 1, 4 * STEP);
        map(table, 0);
        map(table, 4 * STEP - 2);
        table.close((address, write) -> new PageFaultException(address, "closed"));
        assertNotMapped(table, 0);
        assertNotMapped(table, 4 * STEP - 2);
        table.extendOver(2 * STEP, 3 * STEP);
        table.extendTo(STEP);
        assertFalse(table.isZeroed(0));
        assertFalse(table.isZeroed(3 * STEP));
    }

    @Test
    void againstAMap() {
        final long seed = Long.getLong("vellum.seed", System.nanoTime());
        System.out.println("PageTableTest -Dvellum.seed=" + seed);
        final SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < 200; round++) {
            final long pages = 1 + random.nextLong(12 * STEP);
            final PageTable table = table(pages);
            final Map<Long, Boolean> handedOut = new HashMap<>();
            for (int step = 0; step < 12; step++) {
                final long from = random.nextInt(3) == 0 ? Math.max(0, pages - 1 - random.nextLong(STEP)) : random.nextLong(pages);
                final long to = from + 1 + random.nextLong(Math.min(pages - from, 1 + random.nextLong(2 * STEP)));
                if (random.nextInt(8) == 0) {
                    table.extendTo(to);
                } else {
                    table.extendOver(from, to);
                }
                assertTrue(table.isZeroed(from, to - from));
                for (final long page : new long[] {from, to - 1, from + random.nextLong(to - from)}) {
                    if (handedOut.putIfAbsent(page, random.nextBoolean()) == null && handedOut.get(page)) {
                        assertEquals(Entry.NONE, table.get(page));
                        map(table, page);
                    }
                }
                handedOut.forEach((page, mapped) -> {
                    if (mapped) {
                        assertMapped(table, page);
                    } else {
                        assertEquals(Entry.NONE, table.get(page));
                        assertNotMapped(table, page);
                    }
                });
                assertEquals(Entry.NONE, handedOut.containsKey(0L) ? Entry.NONE : table.get(0));
            }
        }
    }
}
