package org.vellum.alloc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.alloc.AllocatorMemory.PAGE;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.frame.FrameTable;

/** The runs that slots remember, step by step. */
final class HeldRunsTest {
    private final Vellum memory = SmallMemory.builder(16 << 10, 4096).open();
    private final OffHeapAllocator allocator = memory.allocator();
    private final HeldRuns runs = allocator.raw().runs();
    private final FrameTable table = memory.frames().table();

    @AfterEach
    void everythingIsBack() {
        AllocatorMemory.requireEmpty(memory);
        memory.close();
    }

    private int state(final long address) {
        return RunMark.state(table.mark(address >>> 12));
    }

    private long at(final int slot, final long pages) {
        return AllocatorMemory.allocateAt(memory, slot, pages * PAGE == 1 ? PAGE * 2 : pages * PAGE);
    }

    private void freeAt(final int slot, final long address) {
        final Cpu cpu = memory.cpus().tryVisit(slot);
        try {
            allocator.free(cpu, address);
        } finally {
            cpu.exit();
        }
    }

    @Test
    void whatASlotFreesItGetsBack() {
        for (final long pages : new long[] {3, 4, 8, 12, 16, 40, 64}) {
            final long address = at(0, pages);
            assertEquals(RunMark.HELD, state(address), "pages=" + pages);
            freeAt(1, address);
            assertEquals(RunMark.SPARE, state(address));
            assertEquals(pages, runs.sparePages());
            final long other = at(1, pages);
            assertNotEquals(address, other);
            assertEquals(address, at(0, pages));
            allocator.free(address);
            allocator.free(other);
            allocator.drainIdle();
            assertEquals(0, runs.sparePages());
        }
    }

    @Test
    void withoutAPlaceARunIsLooseAndTakesOneWhenItIsFreed() {
        final List<Long> all = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            all.add(at(0, 3));
        }
        final long last = all.get(7);
        assertEquals(RunMark.LOOSE, state(last));
        freeAt(0, last);
        assertEquals(RunMark.SPARE, state(last));
        assertEquals(1, all.stream().filter(a -> state(a) == RunMark.LOOSE).count(), "one gave its place");
        assertEquals(last, at(0, 3));
        runs.verify();
        all.forEach(allocator::free);
        runs.verify();
        assertEquals(7 * 3, runs.sparePages(), "the places are full, the rest went to the frames");
    }

    /** A stream of runs that others allocate must not drive away what the slot's own threads will free soon. */
    @Test
    void ofLooseRunsThatAreFreedOneInEightTakesAPlace() {
        final List<Long> held = new ArrayList<>();
        for (int i = 0; i < 7; i++) {
            held.add(at(0, 3));
        }
        final List<Long> loose = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            loose.add(at(0, 3));
        }
        loose.forEach(address -> freeAt(0, address));
        assertEquals(2, held.stream().filter(a -> state(a) == RunMark.LOOSE).count());
        assertEquals(2 * 3, runs.sparePages());
        runs.verify();
        held.forEach(allocator::free);
    }

    /** Two looks at seven places, going on from one request to the next: in the end each is found. */
    @Test
    void whatIsSpareIsFoundHoweverManyAreLive() {
        final List<Long> all = new ArrayList<>();
        for (int i = 0; i < 7; i++) {
            all.add(at(0, 3));
        }
        for (final long spare : all) {
            freeAt(0, spare);
            final List<Long> others = new ArrayList<>();
            long next = at(0, 3);
            while (next != spare) {
                others.add(next);
                next = at(0, 3);
            }
            assertTrue(others.size() < 4, "looked for it in vain " + others.size() + " times");
            others.forEach(address -> freeAt(1, address));
        }
        all.forEach(allocator::free);
    }

    @Test
    void aRunThatIsFreedElsewhereIsRememberedThere() {
        final List<Long> all = new ArrayList<>();
        for (int i = 0; i < 9; i++) {
            all.add(at(0, 3));
        }
        freeAt(2, all.get(8));
        assertEquals(all.get(8), at(2, 3));
        all.forEach(allocator::free);
    }

    @Test
    void aDrainForgetsWhatIsLiveAndGivesBackWhatIsSpare() {
        final long live = at(0, 5);
        final long spare = at(0, 3);
        freeAt(0, spare);
        allocator.drainIdle();
        assertEquals(RunMark.LOOSE, state(live));
        assertEquals(0, runs.sparePages());
        assertThrows(IllegalStateException.class, () -> allocator.free(spare));
        Content.fill(memory, live, 5 * PAGE, 1);
        freeAt(3, live);
        assertEquals(live, at(3, 5));
        allocator.free(live);
    }

    @Test
    void aDeferredRunComesBackToItsPlace() throws Exception {
        final long address = at(0, 4);
        final List<Long> others = new ArrayList<>();
        try (SmallMemory.Reader reader = new SmallMemory.Reader(memory, "reader")) {
            allocator.freeDeferred(address);
            assertEquals(RunMark.PARTING, state(address), reader.cpu.toString());
            memory.poll();
            assertEquals(RunMark.PARTING, state(address));
            final long other = at(0, 4);
            assertNotEquals(address, other);
            others.add(other);
        }
        memory.quiesce();
        assertEquals(RunMark.SPARE, state(address));
        assertEquals(address, at(0, 4));
        allocator.free(address);
        others.forEach(allocator::free);
    }

    /** The slot forgets it while it waits: then it goes to the frames, once. */
    @Test
    void aDeferredRunThatIsForgottenGoesToTheFrames() throws Exception {
        final long address = at(0, 4);
        try (SmallMemory.Reader reader = new SmallMemory.Reader(memory, "reader")) {
            allocator.freeDeferred(address);
            allocator.drainIdle();
            assertEquals(RunMark.DEFERRED, state(address), reader.cpu.toString());
            runs.verify();
            assertThrows(IllegalStateException.class, () -> allocator.free(address));
        }
        memory.quiesce();
        memory.frames().drainIdle();
        assertEquals(0, memory.frames().allocatedFrames());
    }

    @Test
    void aDeferredLooseRunGoesToTheFrames() throws Exception {
        final long address = allocator.allocate(100 * PAGE);
        assertEquals(RunMark.LOOSE, state(address));
        try (SmallMemory.Reader reader = new SmallMemory.Reader(memory, "reader")) {
            allocator.freeDeferred(address);
            memory.poll();
            assertEquals(RunMark.DEFERRED, state(address), reader.cpu.toString());
        }
        memory.quiesce();
        assertEquals(0, memory.frames().allocatedFrames());
    }

    /** A run that has grown out of another length may begin where one of its own length never would. */
    @Test
    void aRunThatGrewIsRememberedOnlyIfItCanBeHandedOutAgain() {
        final List<Long> quarters = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            quarters.add(at(0, 4));
        }
        final long odd = quarters.stream().filter(a -> (a >>> 12 & 7) == 4).findFirst().orElseThrow();
        final long behind = odd + 4 * PAGE;
        if (quarters.remove(behind)) {
            allocator.free(behind);
            allocator.drainIdle();
            memory.frames().drainIdle();
        }
        final Cpu cpu = memory.cpus().tryVisit(0);
        try {
            assertEquals(odd, allocator.reallocate(odd, 8 * PAGE));
        } finally {
            cpu.exit();
        }
        freeAt(0, odd);
        assertTrue(runs.sparePages() == 0 || at(0, 8) == odd, "spare, yet never to be handed out");
        quarters.remove(odd);
        quarters.forEach(allocator::free);
    }

    /** Aligned requests share places with others of their length: what is handed out must be aligned all the same. */
    @Test
    void aRunThatGrewIsNotHandedOutForAnAlignedRequest() {
        final Cpu cpu = memory.cpus().tryVisit(0);
        try {
            for (int pages = 1; pages <= 64; pages++) {
                for (int grown = pages; grown <= 64; grown++) {
                    final List<Long> blockers = new ArrayList<>();
                    blockers.add(allocator.allocate(Math.max(pages, 3) * PAGE));
                    final long grew = allocator.reallocate(allocator.allocate(Math.max(pages, 3) * PAGE), Math.max(grown, 3) * PAGE);
                    allocator.free(grew);
                    for (long alignment = PAGE; alignment <= 64 * PAGE; alignment *= 2) {
                        final long aligned = allocator.allocate(Math.max(grown, 3) * PAGE, alignment);
                        assertEquals(0, aligned & alignment - 1, "pages=" + pages + " grown=" + grown + " alignment=" + alignment);
                        allocator.free(aligned);
                    }
                    blockers.forEach(allocator::free);
                }
            }
            runs.verify();
        } finally {
            cpu.exit();
        }
    }

    @Test
    void noRunIsHandedOutTwice() {
        final Set<Long> live = new HashSet<>();
        final java.util.Random random = new java.util.Random(1);
        final List<Long> order = new ArrayList<>();
        for (int i = 0; i < 50_000; i++) {
            if (order.size() < 60 && random.nextBoolean()) {
                final long address = at(random.nextInt(4), 3 + random.nextInt(6));
                assertTrue(live.add(address), "twice");
                order.add(address);
            } else if (!order.isEmpty()) {
                final long address = order.remove(random.nextInt(order.size()));
                live.remove(address);
                freeAt(random.nextInt(4), address);
            }
            if (i % 10_000 == 0) {
                memory.verify();
            }
        }
        order.forEach(allocator::free);
    }
}
