package org.vellum.percpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.percpu.LayoutWorld.MIB;
import static org.vellum.percpu.PercpuWorld.PAGE;
import static org.vellum.percpu.PercpuWorld.UNIT;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory.Reader;
import org.vellum.Vellum;
import org.vellum.cpu.CpuOptions;

/** What is given back, what is kept, and when. */
final class PercpuBalanceTest {
    private static final int SLOTS = 4;

    private final PercpuWorld world = PercpuWorld.of(4096);
    private final PercpuAllocator percpu = world.percpu;

    private List<Long> allocate(final int count, final int bytes, final int align) {
        final List<Long> pointers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            pointers.add(percpu.allocate(bytes, align));
        }
        return pointers;
    }

    /**
     * The scenario by which partial depopulation was argued for: 1,000 times one object group and ten more, and the ten are freed. Each has the
     * allocations of a control group: large statistics, smaller ones, a counter or two; 2 KB together.
     */
    @Test
    void tenOfElevenGoneGiveTwoThirdsOfThePagesBack() {
        final int[] sizes = {1312, 592, 96, 8, 8};
        final PercpuWorld big = new PercpuWorld(2, 64 * MIB, 256 * MIB, PercpuOptions.DEFAULT);
        final List<Long> kept = new ArrayList<>();
        final List<Long> gone = new ArrayList<>();
        for (int i = 0; i < 11_000; i++) {
            for (final int size : sizes) {
                (i % 11 == 0 ? kept : gone).add(big.percpu.allocate(size, 8));
            }
        }
        final long before = big.percpu.stats().frames();
        final long populated = big.percpu.stats().populatedPages();
        gone.forEach(big.percpu::free);
        assertEquals(before, big.percpu.stats().frames(), "nobody who frees waits for it");
        big.percpu.balance();
        big.requireQuiet();
        final long after = big.percpu.stats().frames();
        System.out.println("PercpuBalanceTest 10 of 11: " + before * 4 + " KiB, then " + after * 4 + " KiB");
        assertTrue(before > 2 * 11_000 * 2016L / PAGE, "before=" + before);
        assertTrue(3 * after <= before, "before=" + before + " after=" + after);
        assertTrue(populated - big.percpu.stats().populatedPages() >= 2 * populated / 3);
        // What stays is used again before anything new is made.
        final long chunks = big.percpu.stats().chunksMade();
        final List<Long> again = new ArrayList<>();
        for (int i = 0; i < 1_000; i++) {
            again.add(big.percpu.allocate(1312, 8));
        }
        assertEquals(chunks, big.percpu.stats().chunksMade());
        kept.forEach(big.percpu::free);
        again.forEach(big.percpu::free);
        big.percpu.balance();
        assertTrue(big.percpu.stats().chunks() <= 2, "the first, and one to spare: " + big.percpu.stats());
        big.close();
    }

    @Test
    void oneChunkToSpareAndNoMore() {
        final List<Long> pointers = allocate(5, UNIT, 4);
        assertEquals(6, percpu.stats().chunks());
        percpu.free(pointers.get(0));
        assertFalse(percpu.balancer().isAsked(), "one free chunk is no reason");
        percpu.free(pointers.get(1));
        assertTrue(percpu.balancer().isAsked(), "two are");
        percpu.balance();
        assertEquals(5, percpu.stats().chunks());
        pointers.subList(2, 5).forEach(percpu::free);
        assertEquals(3 * 8 * SLOTS, percpu.balance());
        assertEquals(2, percpu.stats().chunks());
        assertEquals(0, percpu.balance());
        world.close();
    }

    /** Frees all that is allocated in a chunk, which is isolated on the way, and stays so. */
    private Chunk isolateAndFree(final List<Long> pages) {
        final Chunk chunk = world.chunkOf(pages.get(0));
        pages.forEach(percpu::free);
        assertTrue(chunk.isolated && chunk.map.isEmpty());
        return chunk;
    }

    private Chunk spare() {
        final ChunkSlots<Chunk> slots = percpu.supply().chunks.slots;
        return slots.first(slots.free());
    }

    /** Somebody could not wait, but what was made ready for him was no chunk of its own: the spare one is ready, and that is enough. */
    @Test
    void aFailureIsNoReasonForASecondChunkToSpare() {
        final List<Long> first = allocate(7, PAGE, 4);
        final List<Long> pages = allocate(8, PAGE, PAGE);
        final long big = percpu.allocate(UNIT, 4);
        first.forEach(percpu::free);
        isolateAndFree(pages);
        assertEquals(0, percpu.allocateAtomic(UNIT, 4));
        percpu.free(big);
        percpu.balance();
        assertEquals(2, percpu.stats().chunks(), () -> "the first, and one to spare: " + percpu.stats());
        assertEquals(big, percpu.allocateAtomic(UNIT, 4), "which is the one that had most pages");
        percpu.free(big);
        world.close();
    }

    /** What it still has is wanted for the reserve, but of two chunks to spare one is ended all the same: the one with fewer pages. */
    @Test
    void aLowReserveIsNoReasonForASecondChunkToSpare() {
        final List<Long> first = allocate(7, PAGE, 4);
        final List<Long> pages = allocate(8, PAGE, PAGE);
        // The reserve had come to its low mark on the way, and what was missing had to be made in another chunk.
        final Chunk poorer = spare();
        final int few = poorer.populatedPages;
        assertTrue(few > 0 && few < Chunks.EMPTY_PAGES_HIGH, () -> "few=" + few);
        first.forEach(percpu::free);
        final Chunk chunk = isolateAndFree(pages);
        final long reserve = percpu.allocateAtomic(7 * PAGE, 4);
        assertEquals(few, percpu.stats().emptyPages());
        assertEquals(few * SLOTS, percpu.balance());
        assertEquals(2, percpu.stats().chunks(), () -> "the first, and one to spare: " + percpu.stats());
        assertEquals(chunk, spare());
        assertEquals(8, chunk.populatedPages);
        percpu.free(reserve);
        world.close();
    }

    @Test
    void aSpareChunkAllOfWhichIsReadyIsEnoughForAnybody() {
        final long big = percpu.allocate(UNIT, 4);
        assertEquals(0, percpu.allocateAtomic(UNIT, 4));
        percpu.free(big);
        percpu.balance();
        assertEquals(2, percpu.stats().chunks());
        final long again = percpu.allocateAtomic(UNIT, 4);
        assertEquals(big, again);
        percpu.free(again);
        world.close();
    }

    @Test
    void aChunkOfWhichAQuarterIsEmptyPagesIsDepopulatedFromItsEnd() {
        final List<Long> first = allocate(7, PAGE, 4);
        final List<Long> pages = allocate(16, PAGE, PAGE);
        final Chunk chunk = world.chunkOf(pages.get(0));
        final Chunk other = world.chunkOf(pages.get(8));
        assertNotEquals(chunk, other);
        // Reserve enough elsewhere: more than the high mark.
        first.forEach(percpu::free);
        final long reserve = percpu.stats().emptyPages();
        assertTrue(reserve >= 7);
        percpu.free(pages.get(2));
        assertFalse(chunk.isolated, "one page of eight");
        percpu.free(pages.get(6));
        assertTrue(chunk.isolated && chunk.slot == percpu.supply().chunks.slots.toDepopulate(), "two");
        percpu.free(pages.get(7));
        assertEquals(reserve, percpu.stats().emptyPages(), "an isolated chunk's do not count");
        assertEquals(3 * SLOTS, percpu.balance());
        assertEquals(5, chunk.populatedPages);
        assertTrue(chunk.isPopulated(0) && !chunk.isPopulated(2) && !chunk.isPopulated(6) && !chunk.isPopulated(7));
        assertEquals(percpu.supply().chunks.slots.sidelined(), chunk.slot);
        world.requireQuiet();
        // For want of a better one it is used again.
        final List<Long> more = allocate(7, PAGE, 4);
        final long last = percpu.allocate(PAGE, PAGE);
        assertEquals(pages.get(2), last);
        assertFalse(chunk.isolated);
        world.requireZero(last, PAGE);
        world.requireQuiet();
        percpu.free(last);
        more.forEach(percpu::free);
        for (int i = 0; i < 16; i++) {
            if (i != 2 && i != 6 && i != 7) {
                percpu.free(pages.get(i));
            }
        }
        percpu.balance();
        world.close();
    }

    @Test
    void reclaimStopsAtTheReserve() {
        // The first chunk's pages are the reserve that lets the chunk be isolated; then they are taken.
        final List<Long> first = allocate(7, PAGE, 4);
        final List<Long> pages = allocate(8, PAGE, PAGE);
        first.forEach(percpu::free);
        final Chunk chunk = world.chunkOf(pages.get(0));
        pages.subList(3, 8).forEach(percpu::free);
        assertTrue(chunk.isolated);
        final List<Long> again = new ArrayList<>();
        while (percpu.stats().emptyPages() >= Chunks.EMPTY_PAGES_HIGH) {
            again.add(percpu.allocateAtomic(PAGE, 4));
            assertNotEquals(chunk, world.chunkOf(again.get(again.size() - 1)));
        }
        assertEquals(5, chunk.emptyPages);
        assertEquals(0, percpu.balance(), "what is needed is not given back");
        assertFalse(chunk.isolated);
        assertEquals(Chunks.EMPTY_PAGES_HIGH - 1 + 5, percpu.stats().emptyPages());
        world.requireQuiet();
        again.forEach(percpu::free);
        pages.subList(0, 3).forEach(percpu::free);
        percpu.balance();
        world.close();
    }

    @Test
    void keepsPagesReadyWithinItsLimits() {
        final List<Long> pointers = allocate(1, 7 * PAGE, 4);
        assertTrue(percpu.balancer().isAsked(), "below the low mark");
        percpu.balance();
        assertEquals(Chunks.EMPTY_PAGES_HIGH, percpu.stats().emptyPages());
        for (int left = Chunks.EMPTY_PAGES_HIGH - 1; left >= Chunks.EMPTY_PAGES_LOW; left--) {
            pointers.add(percpu.allocateAtomic(PAGE, PAGE));
            assertEquals(left, percpu.stats().emptyPages());
            assertFalse(percpu.balancer().isAsked());
        }
        pointers.add(percpu.allocateAtomic(PAGE, PAGE));
        assertTrue(percpu.balancer().isAsked());
        // Without a worker the next allocation that may wait does it.
        final long balances = percpu.stats().balances();
        pointers.add(percpu.allocate(4, 4));
        assertEquals(balances + 1, percpu.stats().balances());
        assertTrue(percpu.stats().emptyPages() >= Chunks.EMPTY_PAGES_HIGH - 1);
        pointers.forEach(percpu::free);
        percpu.balance();
        world.close();
    }

    /** Stricter than the kernel: a frame that is unmapped stays as it is until whoever may have translated it is gone. */
    @Test
    void framesAreFreedAfterAGracePeriodOnly() throws Exception {
        final List<Long> pointers = allocate(3, UNIT, 4);
        final long allocated = world.rooms.frames.allocatedFrames();
        try (Reader reader = new Reader(world.rooms.cpus, "reader")) {
            assertTrue(world.rooms.cpus.occupant(reader.cpu.index()) != null);
            pointers.forEach(percpu::free);
            assertEquals(2 * 8 * SLOTS, percpu.balance());
            assertEquals(2 * 8 * SLOTS, percpu.stats().pendingFrames());
            assertEquals(allocated, world.rooms.frames.allocatedFrames());
            assertEquals(2 * 8 * SLOTS * PAGE, percpu.supply().pending.limboBytes());
            assertEquals(0, percpu.balance());
            assertEquals(allocated, world.rooms.frames.allocatedFrames());
        }
        percpu.balance();
        assertEquals(0, percpu.stats().pendingFrames());
        assertEquals(allocated - 2 * 8 * SLOTS, world.rooms.frames.allocatedFrames());
        world.close();
    }

    @Test
    void theWorkerDoesItUnasked() {
        try (Vellum memory = Vellum.builder().memory(32 << 20).bank(1 << 20).window(64 << 20).cpus(CpuOptions.forThisMachine().withCachedSlots(2))
            .open()) {
            final PercpuAllocator own = memory.percpu();
            final List<Long> pointers = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                pointers.add(own.allocate(own.maxBytes(), 4));
            }
            pointers.forEach(own::free);
            while (own.stats().chunks() > 2 || own.stats().pendingFrames() > 0) {
                LockSupport.parkNanos(100_000);
            }
            // More than is ever ready: what fails has more made ready.
            pointers.clear();
            while (pointers.size() < 100) {
                final long pointer = own.allocateAtomic(4096, 4096);
                if (pointer == 0) {
                    LockSupport.parkNanos(100_000);
                } else {
                    pointers.add(pointer);
                }
            }
            pointers.forEach(own::free);
            memory.quiesce();
            memory.verify();
        }
    }
}
