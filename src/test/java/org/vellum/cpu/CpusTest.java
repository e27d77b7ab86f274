package org.vellum.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.vellum.cpu.TestThreads.Holder;
import org.vellum.report.ExhaustedException;

final class CpusTest {
    private static final CpuOptions SMALL =
        new CpuOptions(2, 2, 4, SlotLayout.ID_LIMIT, 0xFFFF_FFFDL, 20_000_000L);

    @Test
    void enteringAnnouncesTheEpochAndLeavingMakesTheSlotIdle() {
        final Cpus cpus = new Cpus(SMALL);
        assertNull(cpus.current());
        assertFalse(cpus.inSection());
        final Cpu cpu = cpus.enter();
        assertSame(cpu, cpus.current());
        assertTrue(cpus.inSection());
        assertSame(Thread.currentThread(), cpus.occupant(cpu.index()));
        assertEquals((int)0xFFFF_FFFDL, Cpus.epochOf(cpus.occupancy(cpu.index())));
        assertThrows(AssertionError.class, cpus::verifyQuiet);
        cpu.exit();
        assertNull(cpus.current());
        assertEquals(0, cpus.occupancy(cpu.index()));
        assertNull(cpus.occupant(cpu.index()));
        cpus.verifyQuiet();
    }

    @Test
    void nestedEntersReturnTheSameSlotAndKeepTheFirstEpoch() {
        final Cpus cpus = new Cpus(SMALL);
        final Cpu outer = cpus.enter();
        cpus.clock().putVolatile(0, 0xFFFF_FFFFL);
        for (int i = 0; i < 5; i++) {
            assertSame(outer, i % 2 == 0 ? cpus.enter() : cpus.enter(outer));
            assertSame(outer, cpus.tryEnter());
        }
        for (int i = 0; i < 10; i++) {
            outer.close();
            assertEquals((int)0xFFFF_FFFDL, Cpus.epochOf(cpus.occupancy(outer.index())));
        }
        outer.exit();
        cpus.verifyQuiet();
    }

    @Test
    void exitWithoutEnterIsRefusedAndChangesNothing() throws Exception {
        final Cpus cpus = new Cpus(SMALL);
        final IllegalStateException idle = assertThrows(IllegalStateException.class, () -> cpus.cpu(0).exit());
        assertTrue(idle.getMessage().contains("slot=0"), idle.getMessage());
        final Cpu cpu = cpus.enter();
        final long before = cpus.occupancy(cpu.index());
        TestThreads.inThread(() -> assertThrows(IllegalStateException.class, cpu::exit));
        assertEquals(before, cpus.occupancy(cpu.index()));
        cpu.exit();
        assertThrows(IllegalStateException.class, cpu::exit);
        cpus.verifyQuiet();
    }

    @Test
    void exitOfABigIdThreadsSlotByAnotherBigIdThreadIsRefused() throws Exception {
        final Cpus cpus = new Cpus(SMALL.withThreadIdLimit(0));
        final Cpu cpu = cpus.enter();
        TestThreads.inThread(() -> assertThrows(IllegalStateException.class, cpu::exit));
        assertSame(cpu, cpus.current());
        cpu.exit();
        cpus.verifyQuiet();
    }

    @Test
    void anyHintIsHarmless() throws Exception {
        final Cpus cpus = new Cpus(SMALL);
        final Cpu mine = cpus.enter();
        mine.exit();
        final Cpu other = cpus.cpu(1 - mine.index());
        final Cpu foreign = new Cpus(SMALL).cpu(mine.index());
        for (final Cpu hint : new Cpu[] {null, mine, other, foreign}) {
            final Cpu cpu = cpus.enter(hint);
            assertSame(mine, cpu, "hint=" + hint);
            assertSame(mine, cpus.enter(hint));
            cpu.exit();
            cpu.exit();
        }
        cpus.verifyQuiet();
    }

    @Test
    void aStaleHintWhileDisplacedNestsAtTheSlotOfTheSection() throws Exception {
        final Cpus cpus = new Cpus(SMALL.withCells(1));
        final Cpu affine = cpus.enter();
        affine.exit();
        final Cpu displaced;
        try (Holder holder = new Holder(cpus)) {
            assertSame(affine, holder.cpu);
            displaced = cpus.enter();
            assertNotSame(affine, displaced);
        }
        // The affine slot is idle again, and still no nested enter may take it.
        assertSame(displaced, cpus.enter(affine));
        assertSame(displaced, cpus.enter());
        assertSame(displaced, cpus.tryEnter());
        assertSame(displaced, cpus.current());
        for (int i = 0; i < 4; i++) {
            displaced.exit();
        }
        cpus.verifyQuiet();
        assertEquals(1, cpus.displacement().rehomed.get());
        assertSame(displaced, cpus.enter(), "re-homed: the cell now names the slot the thread was displaced to");
        displaced.exit();
        cpus.verifyQuiet();
    }

    @Test
    void rehomingIsUndoneWhileAThreadOfTheCellIsAtTheOldSlot() throws Exception {
        final Cpus cpus = new Cpus(SMALL.withCells(1));
        try (Holder holder = new Holder(cpus)) {
            final Cpu displaced = cpus.enter();
            displaced.exit();
            assertEquals(1, cpus.displacement().rehomesUndone.get());
            assertSame(holder.cpu, TestThreads.inThread(() -> cpus.cpu(SlotLayout.slotOf(cpus.cells.getVolatile(0)))));
        }
        cpus.verifyQuiet();
    }

    @Test
    void slotsBeyondTheCachedOnesOnlyAnnounce() throws Exception {
        final Cpus cpus = new Cpus(SMALL.withMaxSlots(5));
        assertEquals(1, cpus.limit(), "slots are dealt out as they are needed");
        final List<Holder> holders = new ArrayList<>();
        final Set<Cpu> slots = new HashSet<>();
        for (int i = 0; i < 5; i++) {
            holders.add(new Holder(cpus));
            final Cpu cpu = holders.get(i).cpu;
            assertTrue(slots.add(cpu), "two threads at " + cpu);
            assertEquals(cpu.index() < 2, cpu.carriesCaches());
        }
        assertEquals(5, cpus.limit());
        assertNull(cpus.tryEnter());
        final PerCpu<String> names = new PerCpu<>(cpus, i -> "slot " + i);
        assertEquals("slot 1", names.get(cpus.cpu(1)));
        assertNull(names.get(cpus.cpu(2)));
        for (final Holder holder : holders) {
            holder.close();
        }
        cpus.verifyQuiet();
        final Cpu cpu = cpus.enter();
        assertTrue(cpu.carriesCaches(), "a grown slot was preferred");
        cpu.exit();
    }

    @Test
    void exhaustionWaitsForABoundedTimeAndNamesTheHolders() throws Exception {
        final Cpus cpus = new Cpus(SMALL);
        try (Holder first = new Holder(cpus); Holder second = new Holder(cpus)) {
            assertNotSame(first.cpu, second.cpu);
            final long before = System.nanoTime();
            final ExhaustedException error = assertThrows(ExhaustedException.class, cpus::enter);
            assertTrue(System.nanoTime() - before >= SMALL.slotWaitNanos());
            assertEquals(ExhaustedException.Resource.SLOTS, error.resource());
            assertTrue(error.getMessage().contains("2 of 2 slots"), error.getMessage());
            assertTrue(error.getMessage().contains("slot 1: holder"), error.getMessage());
            assertTrue(cpus.displacement().waits.get() > 0);
            assertNull(cpus.current());
            assertNull(cpus.tryEnter());
        }
        assertEquals("no slot is occupied", cpus.describeHolders(8));
        cpus.verifyQuiet();
    }

    @Test
    void whoWaitsGetsTheSlotThatFallsIdle() throws Exception {
        final Cpus cpus = new Cpus(SMALL.withSlotWaitNanos(60_000_000_000L));
        try (Holder first = new Holder(cpus)) {
            final Holder second = new Holder(cpus);
            final Thread closer = new Thread(() -> {
                while (cpus.displacement().waits.get() == 0) {
                    Thread.onSpinWait();
                }
                second.close();
            });
            closer.start();
            final Cpu cpu = cpus.enter();
            assertNotSame(first.cpu, cpu);
            cpu.exit();
            closer.join();
        }
        cpus.verifyQuiet();
    }

    @Test
    void anInterruptedWaiterStillParksAndKeepsItsInterrupt() throws Exception {
        final Cpus cpus = new Cpus(SMALL.withSlotWaitNanos(50_000_000L));
        try (Holder first = new Holder(cpus); Holder second = new Holder(cpus)) {
            assertNotSame(first.cpu, second.cpu);
            assertThrows(ExhaustedException.class, cpus::enter);
            final long parks = cpus.displacement().waits.getAndSet(0);
            final boolean interrupted = TestThreads.inThread(() -> {
                Thread.currentThread().interrupt();
                assertThrows(ExhaustedException.class, cpus::enter);
                return Thread.currentThread().isInterrupted();
            });
            assertTrue(interrupted);
            assertTrue(cpus.displacement().waits.get() < 4 * parks + 100,
                "it spun: " + cpus.displacement().waits.get() + " rounds against " + parks);
        }
        cpus.verifyQuiet();
    }

    @Test
    void bigIdsNestAndNeverLookAlike() throws Exception {
        final Cpus cpus = new Cpus(SMALL.withThreadIdLimit(0).withMaxSlots(4));
        try (Holder first = new Holder(cpus); Holder second = new Holder(cpus)) {
            assertNotSame(first.cpu, second.cpu);
            assertNull(cpus.current());
            final Cpu mine = cpus.enter();
            assertEquals(0, SlotLayout.threadIdOf(cpus.occupancy(mine.index())));
            assertNotSame(first.cpu, mine);
            assertNotSame(second.cpu, mine);
            assertSame(mine, cpus.enter(first.cpu));
            assertSame(mine, cpus.current());
            assertSame(first.thread, cpus.occupant(first.cpu.index()));
            mine.exit();
            assertSame(mine, cpus.current());
            mine.exit();
            assertNull(cpus.current());
        }
        cpus.verifyQuiet();
    }

    @Test
    void bigAndSmallIdsMix() throws Exception {
        final long limit = ThreadIds.of(new Thread(() -> { })) + 1;
        final Cpus cpus = new Cpus(SMALL.withThreadIdLimit(limit).withMaxSlots(3));
        final Cpu mine = cpus.enter();
        try (Holder big = new Holder(cpus); Holder big2 = new Holder(cpus)) {
            assertTrue(ThreadIds.of(big.thread) >= limit);
            assertNotSame(mine, big.cpu);
            assertNotSame(mine, big2.cpu);
            assertNotSame(big.cpu, big2.cpu);
            assertSame(mine, cpus.enter());
            mine.exit();
        }
        mine.exit();
        cpus.verifyQuiet();
    }

    @Test
    void sparseIdsShareACellAndKeepTheirOwnSlots() throws Exception {
        // One cell: every id lands in it, as ids spaced by the number of cells would.
        final Cpus cpus = new Cpus(SMALL.withCachedSlots(4).withCells(1));
        final List<Holder> holders = new ArrayList<>();
        final Set<Cpu> slots = new HashSet<>();
        for (int i = 0; i < 4; i++) {
            holders.add(new Holder(cpus));
            assertTrue(slots.add(holders.get(i).cpu));
        }
        assertEquals(3, SlotLayout.displacedOf(cpus.cells.getVolatile(0)));
        for (final Holder holder : holders) {
            holder.close();
        }
        cpus.verifyQuiet();
    }

    @Test
    void waitingIsRefusedInsideASection() {
        final Cpus cpus = new Cpus(SMALL);
        cpus.mightSleep("synchronize");
        final Cpu cpu = cpus.enter();
        final IllegalStateException error =
            assertThrows(IllegalStateException.class, () -> cpus.mightSleep("synchronize"));
        assertTrue(error.getMessage().contains("synchronize"), error.getMessage());
        assertTrue(error.getMessage().contains("slot=" + cpu.index()), error.getMessage());
        cpu.exit();
        cpus.mightSleep("synchronize");
    }

    @Test
    void visitingTakesAGivenIdleSlotOnly() throws Exception {
        final Cpus cpus = new Cpus(SMALL);
        for (int i = 0; i < 2; i++) {
            final Cpu visited = cpus.tryVisit(i);
            assertNotNull(visited);
            assertEquals(i, visited.index());
            assertSame(visited, cpus.enter());
            assertSame(visited, cpus.current());
            visited.exit();
            visited.exit();
            cpus.verifyQuiet();
        }
        assertEquals(0, cpus.displacement().rehomed.get(), "a visit is no reason to move");
        try (Holder holder = new Holder(cpus)) {
            assertNull(cpus.tryVisit(holder.cpu.index()));
        }
        cpus.verifyQuiet();
    }

    @Test
    void visitingFromInsideASectionLeavesTheSectionAsItWas() {
        final Cpus cpus = new Cpus(SMALL);
        final Cpu mine = cpus.enter();
        final Cpu visited = cpus.tryVisit(1 - mine.index());
        assertEquals(1 - mine.index(), visited.index());
        assertNull(cpus.tryVisit(mine.index()), "the own slot is busy");
        visited.exit();
        assertSame(mine, cpus.enter());
        assertSame(mine, cpus.current());
        mine.exit();
        mine.exit();
        assertEquals(0, cpus.displacement().rehomed.get(), "a visit is no reason to move");
        cpus.verifyQuiet();
    }

    @Test
    void clearsAreCountedPerSlot() {
        final Cpus cpus = new Cpus(SMALL);
        final Cpu cpu = cpus.enter();
        cpus.noteClear(cpu);
        cpus.noteClear(cpu);
        assertEquals(2, cpus.clears(cpu.index()));
        assertEquals(0, cpus.clears(1 - cpu.index()));
        cpu.exit();
    }

    @Test
    void verifyQuietSeesALeftoverCount() {
        final Cpus cpus = new Cpus(SMALL);
        cpus.cells.putVolatile(1, 0);
        cpus.cells.getAndAdd(1, SlotLayout.CELL_DISPLACED_ONE);
        final AssertionError error = assertThrows(AssertionError.class, cpus::verifyQuiet);
        assertTrue(error.getMessage().contains("cell=1"), error.getMessage());
        cpus.cells.getAndAdd(1, -SlotLayout.CELL_DISPLACED_ONE);
        cpus.verifyQuiet();
    }

    @Test
    void optionsOutOfRangeAreNamed() {
        final CpuOptions good = CpuOptions.forThisMachine();
        assertNamed("cachedSlots=3", () -> good.withCachedSlots(3));
        assertNamed("cachedSlots=0", () -> good.withCachedSlots(0));
        assertNamed("maxSlots=5000", () -> good.withMaxSlots(5000));
        assertNamed("maxSlots=1", () -> good.withMaxSlots(1));
        assertNamed("cells=12", () -> good.withCells(12));
        assertNamed("threadIdLimit=-1", () -> good.withThreadIdLimit(-1));
        assertNamed("threadIdLimit=4294967297", () -> good.withThreadIdLimit(SlotLayout.ID_LIMIT + 1));
        assertNamed("firstEpoch=2", () -> good.withFirstEpoch(2));
        assertNamed("slotWaitNanos=-1", () -> good.withSlotWaitNanos(-1));
    }

    private static void assertNamed(final String text, final org.junit.jupiter.api.function.Executable body) {
        assertEquals(text, assertThrows(IllegalArgumentException.class, body).getMessage());
    }
}
