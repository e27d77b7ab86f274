package org.vellum.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.vellum.Vellum;
import org.vellum.mem.Pages;
import org.vellum.report.Listener;

/** Address spaces as part of a memory: figures, reports, exhaustion beside the other rooms, banks, closing. */
final class SpaceMemoryTest {
    private static final long PAGE = Pages.SIZE;

    @Test
    void figuresSayWhatThereIs() {
        try (Vellum memory = Vellum.builder().memory(16 << 20).open(); AddressSpace space = memory.addressSpace(1 << 30)) {
            assertFalse(memory.report().contains("spaces:") && memory.stats().spaces().flushes() > 0);
            final long at = space.map(100 * PAGE);
            space.advise(at, 100 * PAGE, Advice.POPULATE);
            final long[] pinned = new long[4];
            assertEquals(4, space.pages().pinFast(at / PAGE, 4, false, pinned, 0));
            final SpaceStats stats = memory.stats().spaces();
            assertEquals(1, stats.spaces());
            assertEquals(1, stats.regions());
            assertEquals(1, stats.tables());
            assertEquals(4, stats.pins());
            space.pages().unpin(pinned, 0, 4, false);
            space.unmap(at, 100 * PAGE);
            assertEquals(1, memory.stats().spaces().flushes());
            assertTrue(memory.report().contains("spaces: 1 open, 0 regions"), memory::report);
            memory.quiesce();
            assertEquals(0, memory.stats().spaces().limboBytes());
            assertEquals(0, memory.stats().spaces().tables());
            memory.verify();
        }
    }

    /** Readers of spaces announce nothing, so no grace period tells when the last of them has looked. */
    @Test
    void banksThatHaveServedASpaceStay() {
        try (Vellum memory = Vellum.builder().memory(16 << 20).bank(1 << 20).open()) {
            final long area = memory.vmalloc(8 << 20);
            memory.vfree(area);
            assertTrue(memory.trim() > 0, "nothing keeps a bank that served an area");
            try (AddressSpace space = memory.addressSpace(1 << 30)) {
                final long at = space.map(8 << 20, MapOptions.DEFAULT.populated());
                assertEquals(0, space.access().getLong(at));
            }
            final long present = memory.stats().presentBytes();
            assertTrue(present >= 8 << 20);
            assertEquals(0, memory.trim());
            assertEquals(present, memory.stats().presentBytes());
            memory.verify();
        }
    }

    /** What the others hold back in limbo a fault gets, and they what a space has in limbo, or could do without. */
    @Test
    void roomsHelpEachOtherOut() {
        try (Vellum memory = Vellum.builder().memory(8 << 20).open(); AddressSpace space = memory.addressSpace(1 << 30)) {
            final List<Long> areas = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                areas.add(memory.vmalloc(1 << 20));
            }
            areas.forEach(memory::vfree);
            final long at = space.map(6 << 20);
            space.advise(at, 6 << 20, Advice.POPULATE);
            space.access().putLong(at, 1);
            space.unmap(at, 6 << 20);
            memory.vfree(memory.vmalloc(6 << 20));
            final long again = space.map(6 << 20, MapOptions.DEFAULT.populated());
            space.advise(again, 6 << 20, Advice.FREE);
            memory.vfree(memory.vmalloc(4 << 20));
            assertTrue(memory.stats().spaces().lazilyFreed() > 0);
            memory.quiesce();
            memory.verify();
        }
    }

    @Test
    void aMemoryThatIsClosedReportsAndEndsItsSpaces() {
        final List<String> told = new ArrayList<>();
        final Vellum memory = Vellum.builder().memory(8 << 20).worker(false).listener(new Listener() {
            @Override
            public void leakedAtClose(final String kind, final long count, final long bytes, final String details) {
                told.add(kind + " " + count + " " + bytes);
            }
        }).open();
        final AddressSpace space = memory.addressSpace(1 << 30);
        final long at = space.map(3 * PAGE, MapOptions.DEFAULT.populated());
        memory.close();
        assertEquals(List.of("address space 1 " + 4 * PAGE), told);
        // Not a page fault: there are no sections any more in which it could be looked for.
        assertThrows(IllegalStateException.class, () -> space.access().getLong(at));
        assertThrows(IllegalStateException.class, () -> space.map(PAGE));
        space.close();
    }
}
