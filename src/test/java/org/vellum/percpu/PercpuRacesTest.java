package org.vellum.percpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.percpu.PercpuWorld.PAGE;
import static org.vellum.percpu.PercpuWorld.UNIT;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.report.ExhaustedException;
import org.vellum.vmap.Fight;
import org.vellum.vmap.FlushPolicy;
import org.vellum.vmap.Reclaimer;

/** The races that this allocator has had elsewhere, each made to happen, as far as one thread can, in the middle of a step. */
final class PercpuRacesTest {
    private static final int SLOTS = 4;

    private final PercpuWorld world = PercpuWorld.of(4096);
    private final PercpuAllocator percpu = world.percpu;

    private List<Long> allocate(final int count, final int bytes) {
        final List<Long> pointers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            pointers.add(percpu.allocate(bytes, PAGE));
        }
        return pointers;
    }

    /** Runs it once, at the next step. */
    private void atNextStep(final Runnable action) {
        final boolean[] done = {false};
        world.population.setBeforeStep(() -> {
            if (!done[0]) {
                done[0] = true;
                action.run();
            }
        });
    }

    /** A chunk with two empty pages, isolated by the free of the second; the reserve is in the first chunk. The six others' pointers. */
    private List<Long> isolatedChunk() {
        final List<Long> first = allocate(7, PAGE);
        final List<Long> pages = allocate(8, PAGE);
        first.forEach(percpu::free);
        percpu.free(pages.remove(7));
        percpu.free(pages.remove(6));
        assertTrue(world.chunkOf(pages.get(0)).isolated);
        return pages;
    }

    /** Work for a chunk is asked for, and the chunk ends before it is done: the work must not touch it. */
    @Test
    void rp1AChunkEndsWhileWorkForItIsAskedFor() {
        final List<Long> spare = allocate(1, UNIT);
        final List<Long> pages = isolatedChunk();
        percpu.free(spare.get(0));
        final long stale = pages.get(0);
        pages.forEach(percpu::free);
        assertTrue(percpu.balancer().isAsked());
        percpu.balance();
        assertEquals(2, percpu.stats().chunks());
        percpu.balancer().ask();
        percpu.balance();
        assertTrue(world.chunkOf(stale) == null || world.chunkOf(spare.get(0)) == null);
        world.close();
    }

    /** While one gets pages, with the mutex but without the lock, another frees and allocates in the same chunk. */
    @Test
    void rp2FreesWhileAnotherPopulates() {
        final List<Long> held = allocate(7, PAGE);
        for (int i = 0; i < 8; i++) {
            final long one = percpu.allocate(PAGE, 4);
            final int before = held.size();
            atNextStep(() -> {
                percpu.free(one);
                assertThrows(IllegalStateException.class, () -> percpu.free(one));
                final long ready = percpu.allocateAtomic(64, 64);
                assertNotEquals(0, ready);
                held.add(ready);
            });
            held.add(percpu.allocate(6 * PAGE, PAGE));
            assertEquals(before + 2, held.size(), "no page had to be made");
            percpu.verify();
        }
        held.forEach(percpu::free);
        percpu.balance();
        world.close();
    }

    /** A free inside a section must not do what may wait there, even if it is the last of its chunk and unmaps are waited for. */
    @Test
    void rp3AFreeInsideASectionEndsNoChunk() {
        try (Vellum memory = SmallMemory.builder(2048, 4096).flushPolicy(FlushPolicy.EAGER).open()) {
            final PercpuAllocator own = memory.percpu();
            final long one = own.allocate(UNIT, 4);
            final long two = own.allocate(UNIT, 4);
            try (Cpu cpu = memory.enter()) {
                assertTrue(memory.cpus().isOccupant(cpu));
                own.free(one);
                own.free(two);
                assertEquals(3, own.stats().chunks());
                assertThrows(IllegalStateException.class, own::balance);
                assertEquals(3, own.stats().chunks());
            }
            own.balance();
            assertEquals(2, own.stats().chunks());
            SmallMemory.requireQuiet(memory, own.stats().frames(), 1);
        }
    }

    /** A second free finds what has been allocated there since, or nothing; the accounts stay right. */
    @Test
    void rp4FreedTwice() {
        final long one = percpu.allocate(64, 64);
        percpu.free(one);
        assertThrows(IllegalStateException.class, () -> percpu.free(one));
        final long large = percpu.allocate(256, 64);
        assertEquals(one, large);
        assertThrows(IllegalArgumentException.class, () -> percpu.free(one + 64));
        percpu.free(large);
        final PercpuStats before = percpu.stats();
        assertThrows(IllegalStateException.class, () -> percpu.free(one));
        assertThrows(IllegalStateException.class, () -> percpu.free(one + 64));
        assertEquals(before, percpu.stats());
        assertEquals(0, before.areas() + before.bytes());
        world.close();
    }

    /** Frames run out in the middle of a page's units: no unit keeps the page. */
    @Test
    void rp5PopulationFailsInTheMiddle() {
        final long held = percpu.allocate(7 * PAGE, 4);
        final long one = percpu.allocate(PAGE, PAGE);
        assertEquals(3, percpu.stats().emptyPages());
        world.leaveFrames(4 * SLOTS - 1);
        assertThrows(ExhaustedException.class, () -> percpu.allocate(7 * PAGE, PAGE));
        // The walk looks into each unit.
        world.requireQuiet();
        world.returnFrames();
        percpu.free(held);
        percpu.free(one);
        world.close();
    }

    /** While pages are given back nobody allocates there, however much would fit. */
    @Test
    void rp6AllocationsPassByAChunkThatIsDepopulated() {
        final List<Long> pages = isolatedChunk();
        final Chunk chunk = world.chunkOf(pages.get(0));
        final List<Long> others = new ArrayList<>();
        atNextStep(() -> {
            for (long pointer = percpu.allocateAtomic(PAGE, 4); pointer != 0; pointer = percpu.allocateAtomic(PAGE, 4)) {
                assertNotEquals(chunk, world.chunkOf(pointer));
                others.add(pointer);
            }
        });
        assertEquals(2 * SLOTS, percpu.balance());
        assertTrue(others.size() >= 7);
        world.requireQuiet();
        others.forEach(percpu::free);
        pages.forEach(percpu::free);
        percpu.balance();
        world.close();
    }

    /** A free into a chunk that is just being depopulated gives its room back, and what it makes empty is not lost either. */
    @Test
    void rp7FreesIntoAChunkThatIsDepopulated() {
        final List<Long> pages = isolatedChunk();
        final Chunk chunk = world.chunkOf(pages.get(0));
        // Both below the run that goes: of pages 0 and 5.
        final long near = pages.remove(5);
        final long far = pages.remove(0);
        atNextStep(() -> {
            percpu.free(near);
            percpu.free(far);
            assertEquals(4, chunk.emptyPages);
            assertEquals(8, chunk.populatedPages, "a free does not touch what is populated");
        });
        assertEquals(4 * SLOTS, percpu.balance());
        assertEquals(4, chunk.populatedPages);
        assertEquals(0, chunk.emptyPages);
        world.requireQuiet();
        // And once more, of a chunk that has been depopulated already.
        percpu.free(pages.remove(0));
        assertEquals(percpu.supply().chunks.slots.toDepopulate(), chunk.slot);
        // Behind the run that goes, where the walk has been already.
        final long behind = pages.remove(2);
        atNextStep(() -> percpu.free(behind));
        assertEquals(2 * SLOTS, percpu.balance());
        assertEquals(0, chunk.emptyPages);
        pages.forEach(percpu::free);
        percpu.balance();
        world.close();
    }

    /** The last free of a chunk that is just being depopulated: it is whole, but neither to be had nor to be ended before that is over. */
    @Test
    void rp7TheLastFreeOfAChunkThatIsDepopulated() {
        final List<Long> pages = isolatedChunk();
        final Chunk chunk = world.chunkOf(pages.get(0));
        final List<Long> others = new ArrayList<>();
        atNextStep(() -> {
            pages.forEach(percpu::free);
            assertTrue(chunk.map.isEmpty());
            assertEquals(percpu.supply().chunks.slots.toDepopulate(), chunk.slot);
            for (long pointer = percpu.allocateAtomic(PAGE, 4); pointer != 0; pointer = percpu.allocateAtomic(PAGE, 4)) {
                assertNotEquals(chunk, world.chunkOf(pointer));
                others.add(pointer);
            }
            assertEquals(8, chunk.populatedPages);
        });
        percpu.balance();
        assertTrue(others.size() >= 7);
        world.requireQuiet();
        final long one = percpu.allocate(UNIT, 4);
        world.requireZero(one, UNIT);
        percpu.free(one);
        others.forEach(percpu::free);
        percpu.balance();
        world.close();
    }

    /** A free that makes no page empty leaves an isolated chunk where it is, before it is depopulated, meanwhile and afterwards. */
    @Test
    void rp7ASmallFreeLeavesAnIsolatedChunkWhereItIs() {
        final List<Long> first = allocate(7, PAGE);
        first.add(percpu.allocate(PAGE - 64, 4));
        final List<Long> small = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            small.add(percpu.allocate(PAGE / 8, PAGE / 8));
        }
        final List<Long> pages = allocate(7, PAGE);
        final Chunk chunk = world.chunkOf(small.get(0));
        assertEquals(chunk, world.chunkOf(pages.get(6)));
        first.forEach(percpu::free);
        percpu.free(pages.remove(6));
        percpu.free(pages.remove(5));
        final ChunkSlots<Chunk> slots = percpu.supply().chunks.slots;
        final Runnable frees = () -> {
            final int before = chunk.slot;
            percpu.free(small.remove(small.size() - 1));
            assertTrue(chunk.isolated);
            assertEquals(before, chunk.slot);
        };
        frees.run();
        assertEquals(slots.toDepopulate(), chunk.slot);
        // While it is depopulated: before the pages are gone, and behind the last of them.
        atNextStep(frees);
        assertEquals(2 * SLOTS, percpu.balance());
        assertEquals(slots.sidelined(), chunk.slot);
        assertEquals(0, percpu.balance());
        frees.run();
        assertFalse(percpu.balancer().isAsked());
        world.requireQuiet();
        small.forEach(percpu::free);
        pages.forEach(percpu::free);
        percpu.balance();
        world.close();
    }

    /** Whoever does not wait must not get pages that are mapped in some units only. */
    @Test
    void rp8NobodyAllocatesInPagesThatAreHalfMapped() {
        final List<Long> held = allocate(7, PAGE);
        final long one = percpu.allocate(4, PAGE);
        final Chunk chunk = world.chunkOf(one);
        final List<Long> ready = new ArrayList<>();
        final int[] steps = {0};
        world.population.setBeforeStep(() -> {
            steps[0]++;
            final long pointer = percpu.allocateAtomic(PAGE / 2, PAGE / 2);
            if (pointer != 0) {
                world.requireZero(pointer, PAGE / 2);
                ready.add(pointer);
                assertTrue(pointer < chunk.base + PAGE || pointer >= chunk.base + UNIT, "in a page that is on its way");
            }
        });
        // Of the last of its pages it leaves a half.
        final long big = percpu.allocate(5 * PAGE - PAGE / 2, PAGE);
        world.population.setBeforeStep(() -> { });
        assertEquals(1 + SLOTS, steps[0]);
        assertEquals(2, ready.size(), "halves of pages that were there");
        assertEquals(chunk, world.chunkOf(big));
        world.requireZero(big, 5 * PAGE - PAGE / 2);
        final long half = percpu.allocateAtomic(PAGE / 2, PAGE / 2);
        assertEquals(big + 5 * PAGE - PAGE / 2, half);
        world.requireZero(half, PAGE / 2);
        world.requireQuiet();
        assertEquals(7, held.size());
    }

    /** Threads that all find no room make one chunk, not one each; and where each needs one, each gets one. */
    @Test
    void rp9ThreadsThatFindNoRoomMakeOneChunk() throws Exception {
        final int threads = 8;
        for (int round = 0; round < 20; round++) {
            final PercpuWorld own = PercpuWorld.of(4096);
            // What is left has no room for them, and is enough to be kept ready.
            final long held = own.percpu.allocate(UNIT - 64 - 3 * PAGE, 4);
            final CyclicBarrier start = new CyclicBarrier(threads);
            final long[] pointers = new long[threads];
            final int bytes = round % 2 == 0 ? UNIT / 2 : UNIT;
            SmallMemory.inThreads(threads, thread -> {
                start.await();
                pointers[thread] = own.percpu.allocate(bytes, 4);
                own.fill(pointers[thread], bytes);
            });
            assertEquals(bytes == UNIT ? threads : threads / 2, own.percpu.stats().chunksMade());
            for (final long pointer : pointers) {
                own.requireContent(pointer, bytes);
                own.percpu.free(pointer);
            }
            own.percpu.free(held);
            own.percpu.balance();
            own.close();
        }
    }

    /** The fight for memory goes on without the mutex, so that it may come back to this allocator; and no balance is part of it. */
    @Test
    void rp10TheFightForMemoryMayComeBackHere() {
        final long held = percpu.allocate(7 * PAGE, 4);
        final long victim = percpu.allocate(UNIT, 4);
        final long other = percpu.allocate(UNIT, 4);
        world.leaveFrames(3);
        final AtomicLong fights = new AtomicLong();
        world.rooms.reclaimer.add(new Reclaimer.Source() {
            @Override
            public int poll(final boolean all) {
                assertFalse(percpu.supply().mutex.isHeldByCurrentThread(), "the mutex is held");
                return 0;
            }

            @Override
            public int purge() {
                assertFalse(percpu.supply().mutex.isHeldByCurrentThread(), "the mutex is held");
                if (fights.getAndIncrement() == 0) {
                    // Whoever is asked to give something up gives up objects of this allocator, and has one made.
                    percpu.free(victim);
                    percpu.free(other);
                    percpu.free(percpu.allocate(64, 4));
                    percpu.balance();
                }
                return 0;
            }

            @Override
            public long limboBytes() {
                return 0;
            }
        });
        final long one = percpu.allocate(UNIT, 4);
        final long two = percpu.allocate(UNIT, 4);
        assertTrue(fights.get() > 0, "nobody had to fight");
        percpu.free(one);
        percpu.free(two);
        percpu.free(held);
        world.returnFrames();
        percpu.balance();
        world.close();
    }

    /** Another room's allocation gets the frames that this one has given back, as soon as it may. */
    @Test
    void framesInLimboServeOtherRooms() {
        final long one = percpu.allocate(UNIT, 4);
        final long two = percpu.allocate(UNIT, 4);
        world.leaveFrames(0);
        percpu.free(one);
        percpu.free(two);
        percpu.balancer().balance();
        assertEquals(8 * SLOTS, percpu.stats().pendingFrames());
        assertNotEquals(Fight.LOST, world.rooms.reclaimer.reclaim(Fight.BEGIN));
        assertEquals(0, percpu.stats().pendingFrames());
        assertEquals(8 * SLOTS, world.rooms.frames.freeFrames());
        world.returnFrames();
        world.close();
    }
}
