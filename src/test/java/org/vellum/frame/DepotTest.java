package org.vellum.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;

/** The depot by itself, between lists whose blocks are mere numbers. */
class DepotTest {
    /** Enough for batches of 16, 8, 4 and 2. */
    private static final long FRAMES = 1024;
    private static final int BATCH = 16;

    private final SlotLists lists = new SlotLists(cpus(2), FRAMES);
    private final Depot depot = new Depot(lists);

    private static Cpus cpus(final int cachedSlots) {
        return new Cpus(CpuOptions.forThisMachine().withCachedSlots(cachedSlots));
    }

    /** Pushes as many as fit, numbered upwards from the first; returns how many. */
    private static int fill(final SlotLists lists, final int slot, final int order, final long first) {
        int count = 0;
        for (; !lists.isFull(slot, order); count++) {
            lists.push(slot, order, first + count);
        }
        return count;
    }

    private void requireList(final int slot, final int order, final int size, final long first) {
        assertEquals(size, lists.size(slot, order));
        for (int i = 0; i < size; i++) {
            assertEquals(first + i, lists.get(slot, order, i));
        }
    }

    @Test
    void theOldestBatchGoesFromOneListToAnother() {
        for (int order = 0; order < SlotLists.ORDERS; order++) {
            final int batch = BATCH >>> order;
            assertEquals(batch, lists.batch(order));
            assertEquals(2 * batch, fill(lists, 0, order, 100));
            assertTrue(depot.deposit(0, order));
            requireList(0, order, batch, 100 + batch);
            assertEquals((long)batch << order, depot.frames());
            assertEquals(batch, depot.size(order, 0));
            assertEquals(100, depot.get(order, 0, 0));
            assertTrue(depot.withdraw(1, order));
            requireList(1, order, batch, 100);
            assertEquals(0, depot.frames());
            assertEquals(order + 1, depot.events(FrameEvent.DEPOSIT));
            assertEquals(order + 1, depot.events(FrameEvent.WITHDRAW));
        }
        assertEquals(0, depot.events(FrameEvent.DRAIN), "others are counted elsewhere");
    }

    @Test
    void whatIsFullTakesNothingAndWhatIsEmptyGivesNothing() {
        for (int order = 0; order < SlotLists.ORDERS; order++) {
            final int batch = BATCH >>> order;
            assertFalse(depot.withdraw(1, order), "empty");
            requireList(1, order, 0, 0);
            for (int i = 0; i < Depot.ENTRIES; i++) {
                fill(lists, 0, order, 1000L * i);
                assertTrue(depot.deposit(0, order));
            }
            fill(lists, 0, order, 5000);
            final long oldest = lists.get(0, order, 0);
            assertFalse(depot.deposit(0, order), "full");
            assertEquals(2 * batch, lists.size(0, order));
            assertEquals(oldest, lists.get(0, order, 0));
            assertEquals((order + 1L) * Depot.ENTRIES * BATCH, depot.frames(), "each order has entries of its own");
            assertEquals((order + 1L) * Depot.ENTRIES, depot.events(FrameEvent.DEPOSIT));
        }
        assertEquals(0, depot.events(FrameEvent.WITHDRAW));
    }

    @Test
    void anEntryThatSomebodyIsAtIsPassedOver() {
        for (int i = 1; i < Depot.ENTRIES; i++) {
            assertTrue(depot.claim(0, Depot.EMPTY) >= 0);
        }
        assertTrue(depot.isBusy(0, 0));
        fill(lists, 0, 0, 100);
        assertTrue(depot.deposit(0, 0), "there is one left");
        fill(lists, 0, 0, 200);
        assertFalse(depot.deposit(0, 0));
        assertEquals(BATCH, depot.frames());
        final long full = depot.claim(0, Depot.FULL);
        assertTrue(full >= 0);
        assertEquals(0, depot.frames(), "in somebody's hands");
        assertTrue(depot.isBusy(0, Depot.ENTRIES - 1));
        assertFalse(depot.withdraw(1, 0));
        assertFalse(depot.deposit(0, 0));
        assertEquals(2 * BATCH, lists.size(0, 0));
        fill(lists, 0, 1, 300);
        assertTrue(depot.deposit(0, 1), "of another order");
    }

    /** By filling both to the brim: lists of one slot stand for those of all. */
    @Test
    void listsAndDepotTogetherHoldAtMostHalfOfMemory() {
        for (final long frames : new long[] {1, 16, 31, 64, 95, 96, 256, 1000, 4096, 10_000, 1L << 18, 1L << 30}) {
            for (int slots = 1; slots <= 64; slots *= 4) {
                final SlotLists filled = new SlotLists(cpus(slots), frames);
                final Depot full = new Depot(filled);
                for (int order = 0; order < SlotLists.ORDERS; order++) {
                    fill(filled, 0, order, 1);
                    while (filled.batch(order) != 0 && full.deposit(0, order)) {
                        fill(filled, 0, order, 1);
                    }
                }
                final long held = filled.frames() * slots + full.frames();
                final String where = "frames=" + frames + " slots=" + slots + " held=" + held;
                assertTrue(held <= frames / 2, where);
                // Four orders, in each slot two batches: with batches of one frame more it would be more than half.
                final long larger = 4L * (2 * slots + Depot.ENTRIES) * (filled.batch(0) + 1);
                assertTrue(filled.batch(0) == 64 || larger > frames / 2, where);
            }
        }
    }
}
