package org.vellum.percpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.percpu.LayoutWorld.MIB;
import static org.vellum.percpu.PercpuWorld.PAGE;
import static org.vellum.percpu.PercpuWorld.UNIT;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory.Reader;
import org.vellum.report.ExhaustedException;
import org.vellum.report.ExhaustedException.Resource;

/** Something runs out, or fails, at each step of a population: all CPUs are rolled back. */
final class PercpuExhaustionTest {
    private static final int SLOTS = 4;
    /** That are wanted, and how many of those have no frames yet. */
    private static final int PAGES = 5;
    private static final int MISSING = 3;

    private final PercpuWorld world = PercpuWorld.of(1024);
    private final PercpuAllocator percpu = world.percpu;
    /** All pages of the first chunk. */
    private long held;
    /** In the second: behind it are two pages that are empty, so nobody need make some, and four that have no frames. */
    private long before;

    @BeforeEach
    void fill() {
        held = percpu.allocate(7 * PAGE, 4);
        percpu.balance();
        before = percpu.allocate(2 * PAGE, PAGE);
        assertEquals(2, percpu.stats().emptyPages());
        assertFalse(percpu.balancer().isAsked());
    }

    private static final class Injected extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    private void requireNothingChanged(final PercpuStats stats) {
        world.requireQuiet();
        final PercpuStats after = percpu.stats();
        assertEquals(stats.areas(), after.areas());
        assertEquals(stats.bytes(), after.bytes());
        assertEquals(stats.populatedPages(), after.populatedPages());
        assertEquals(stats.frames(), after.frames());
    }

    private void requireWorks() {
        final long pointer = percpu.allocate(PAGES * PAGE, PAGE);
        world.requireZero(pointer, PAGES * PAGE);
        percpu.free(pointer);
        percpu.free(before);
        percpu.free(held);
        world.close();
    }

    @Test
    void framesRunOutAtEveryStep() {
        for (int left = 0; left < MISSING * SLOTS; left++) {
            world.leaveFrames(left);
            final PercpuStats stats = percpu.stats();
            final ExhaustedException refused = assertThrows(ExhaustedException.class, () -> percpu.allocate(PAGES * PAGE, PAGE));
            assertSame(Resource.FRAMES, refused.resource());
            assertTrue(refused.getMessage().contains("percpu allocate of " + PAGES * SLOTS + " pages"), refused.getMessage());
            requireNothingChanged(stats);
            world.returnFrames();
        }
        world.leaveFrames(MISSING * SLOTS);
        percpu.free(percpu.allocate(PAGES * PAGE, PAGE));
        world.returnFrames();
        requireWorks();
    }

    /** Frames that nobody has mapped are free at once, whoever is inside a section. */
    @Test
    void framesThatWereNotMappedWaitForNobody() throws Exception {
        world.leaveFrames(MISSING * SLOTS - 1);
        final long free = world.rooms.frames.freeFrames();
        try (Reader reader = new Reader(world.rooms.cpus, "reader")) {
            assertTrue(world.rooms.cpus.occupant(reader.cpu.index()) != null);
            assertThrows(ExhaustedException.class, () -> percpu.allocate(PAGES * PAGE, PAGE));
            assertEquals(free, world.rooms.frames.freeFrames());
            assertEquals(0, percpu.stats().pendingFrames());
        }
        world.returnFrames();
        requireWorks();
    }

    /** One step for the frames, and one for each unit. */
    @Test
    void anErrorAtEveryStep() throws Exception {
        for (int failing = 0; failing < 1 + SLOTS; failing++) {
            final int[] left = {failing};
            final PercpuStats stats = percpu.stats();
            world.population.setBeforeStep(() -> {
                if (left[0]-- == 0) {
                    throw new Injected();
                }
            });
            try (Reader reader = new Reader(world.rooms.cpus, "reader")) {
                assertTrue(world.rooms.cpus.occupant(reader.cpu.index()) != null);
                assertThrows(Injected.class, () -> percpu.allocate(PAGES * PAGE, PAGE));
                // What was mapped for a moment may have been translated.
                assertEquals(failing == 0 ? 0 : MISSING * SLOTS, percpu.stats().pendingFrames());
            }
            requireNothingChanged(stats);
        }
        world.population.setBeforeStep(() -> { });
        requireWorks();
    }

    @Test
    void anErrorWhilePagesAreGivenBack() {
        final List<Long> pages = new ArrayList<>();
        for (int i = 0; i < 14; i++) {
            pages.add(percpu.allocate(PAGE, PAGE));
        }
        // So many are empty there now that others need not be kept.
        percpu.free(held);
        percpu.free(pages.remove(13));
        percpu.free(pages.remove(12));
        world.population.setBeforeStep(() -> {
            throw new Injected();
        });
        final PercpuStats stats = percpu.stats();
        assertTrue(world.chunksIn(percpu.supply().chunks.slots.toDepopulate()) > 0, "there is something to be given back");
        assertThrows(Injected.class, percpu::balance);
        requireNothingChanged(stats);
        world.population.setBeforeStep(() -> { });
        percpu.balance();
        assertTrue(percpu.stats().frames() < stats.frames(), "the next one does it");
        pages.forEach(percpu::free);
        held = percpu.allocate(4, 4);
        requireWorks();
    }

    @Test
    void addressesRunOut() {
        final PercpuWorld narrow = new PercpuWorld(SLOTS, 16 * MIB, 4 * MIB, PercpuOptions.DEFAULT);
        final List<Long> pointers = new ArrayList<>();
        final ExhaustedException refused = assertThrows(ExhaustedException.class, () -> {
            while (true) {
                pointers.add(narrow.percpu.allocate(UNIT, 4));
            }
        });
        assertSame(Resource.WINDOW, refused.resource());
        assertEquals(4 * MIB / (SLOTS * UNIT), pointers.size());
        narrow.requireQuiet();
        // Nothing is ready, and there is no room for it: that is no error.
        pointers.add(narrow.percpu.allocate(7 * PAGE, 4));
        assertTrue(narrow.percpu.balancer().isAsked());
        narrow.percpu.balance();
        assertEquals(0, narrow.percpu.stats().emptyPages());
        narrow.percpu.free(pointers.remove(3));
        pointers.add(narrow.percpu.allocate(UNIT, 4));
        pointers.forEach(narrow.percpu::free);
        narrow.close();
        requireWorks();
    }

    /** What waits for a grace period is what the next allocation needs: it waits for that, unless it is inside a section. */
    @Test
    void framesInLimboComeBackInTime() {
        final long one = percpu.allocate(UNIT, 4);
        final long two = percpu.allocate(UNIT, 4);
        final long three = percpu.allocate(UNIT, 4);
        world.leaveFrames(0);
        percpu.free(one);
        percpu.free(two);
        percpu.free(three);
        // Two of the three chunks go, and the others' pages are wanted again.
        final long again = percpu.allocate(UNIT, 4);
        final long more = percpu.allocate(UNIT, 4);
        world.requireZero(more, UNIT);
        percpu.free(again);
        percpu.free(more);
        world.returnFrames();
        requireWorks();
    }
}
