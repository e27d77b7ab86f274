package org.vellum.mmu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.vellum.StressClock;
import org.vellum.mem.Pages;
import org.vellum.report.PageFaultException;

/** What is mapped stays so for its readers, whatever part of the table is being zeroed meanwhile. */
class PageTableGrowthTest {
    private static final long START = 1L << 40;
    private static final long STEP = 8192;
    private static final long TAG = 0x1234L << Address.TAG_SHIFT;
    private static final long MAPPED = 5L << Pages.SHIFT;

    /** A table whose first and last page are mapped. */
    private static PageTable table(final long pages) {
        final PageTable table = new PageTable(START, pages);
        table.onFault((address, write) -> new PageFaultException(address, "write=" + write));
        for (final long page : new long[] {0, pages - 1}) {
            table.extendOver(page, page + 1);
            table.set(page, Entry.present(MAPPED, TAG, Entry.WRITABLE));
        }
        return table;
    }

    private static long top(final PageTable table) {
        return table.addressOf(table.pages() - 1) | TAG;
    }

    /** A reader finds the page not below the limit; both parts meet; then it looks from the floor on. */
    @Test
    void bothPartsMeetBetweenTheTwoLooksOfAReader() {
        final PageTable table = table(4 * STEP);
        assertEquals(MAPPED, table.readable(top(table), (address, write) -> {
            table.extendTo(4 * STEP);
            return table.high(address, write);
        }));
        assertEquals(MAPPED, table.writable(top(table)));
        assertEquals(MAPPED, table.writablePagesOn(table.addressOf(0) | TAG, 4 * STEP - 1 << 3));
        assertTrue(table.isZeroed(0, 4 * STEP));
    }

    /** All that a reader may do with a page at the top, over and over, while the floor falls from there, step by step. */
    @Test
    void theFloorFallsWhileTheTopIsRead() throws Exception {
        final AtomicReference<PageTable> current = new AtomicReference<>(table(64 * STEP));
        final AtomicReference<Throwable> failed = new AtomicReference<>();
        final AtomicLong reads = new AtomicLong();
        final Thread reader = new Thread(() -> {
            try {
                for (PageTable table = current.get(); table != null; table = current.get()) {
                    read(table);
                    reads.lazySet(reads.get() + 1);
                }
            } catch (final Throwable e) {
                failed.set(e);
            }
        });
        reader.start();
        final AtomicLong steps = new AtomicLong();
        final StressClock clock = new StressClock(500, () -> failed.get() != null || steps.get() > 5_000 && reads.get() > 5_000);
        while (clock.running()) {
            final PageTable table = table(64 * STEP);
            current.set(table);
            for (long page = 63 * STEP; page >= 0; page -= STEP) {
                table.extendOver(page, page + 1);
                steps.incrementAndGet();
            }
        }
        current.set(null);
        reader.join();
        assertNull(failed.get(), () -> "mapped throughout: " + failed.get());
        clock.assertCovered(() -> "steps=" + steps + " reads=" + reads);
    }

    private static void read(final PageTable table) {
        final long last = table.pages() - 1;
        for (int i = 0; i < 100; i++) {
            assertEquals(MAPPED, table.high(top(table), false));
            assertEquals(MAPPED, table.writable(top(table)));
            assertEquals(MAPPED, table.writablePagesOn(table.addressOf(0) | TAG, last << 3));
            assertTrue(table.isZeroed(last));
            assertTrue(Entry.isPresent(table.get(last)));
        }
    }
}
