package org.vellum.alloc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.alloc.AllocatorMemory.PAGE;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.Vellum;
import org.vellum.mmu.Address;
import org.vellum.report.ExhaustedException;

/** Every way in which a size changes: the content stays, the budget is charged for exactly what is there, and a free gives it back. */
final class ReallocateTest {
    private static final long BANK_BYTES = 1 << 20;

    private final Vellum memory = SmallMemory.builder(8192, 4 * 8192).open();
    private final OffHeapAllocator allocator = memory.allocator();
    private final Budget child = allocator.budget().child("child", 8192 * PAGE);

    @AfterEach
    void everythingIsBack() {
        AllocatorMemory.requireEmpty(memory);
        memory.close();
    }

    private long filled(final long size) {
        final long address = allocator.allocate(size, 1, child);
        Content.fill(memory, address, size, size);
        return address;
    }

    /** Returns the new address, whose content and charge are right. */
    private long resized(final long address, final long before, final long after) {
        final long moved = allocator.reallocate(address, after);
        Content.check(memory, moved, Math.min(before, after), before);
        assertTrue(allocator.sizeOf(moved) >= after, "before=" + before + " after=" + after + " has=" + allocator.sizeOf(moved));
        assertEquals(allocator.sizeOf(moved), child.used(), "before=" + before + " after=" + after);
        if (moved != address) {
            assertThrows(RuntimeException.class, () -> allocator.sizeOf(address));
        }
        return moved;
    }

    private void done(final long address) {
        allocator.free(address);
        assertEquals(0, child.used());
    }

    @Test
    void withinItsClassAnObjectStays() {
        final long address = filled(100);
        assertEquals(address, resized(address, 100, 104));
        assertEquals(address, resized(address, 100, 97));
        done(address);
    }

    @Test
    void fromSlabToSlab() {
        long address = filled(100);
        final long longer = resized(address, 100, 5000);
        assertNotEquals(address, longer);
        address = resized(longer, 100, 33);
        assertNotEquals(longer, address);
        done(address);
    }

    @Test
    void fromSlabToRunAndBack() {
        final long object = filled(8000);
        final long run = resized(object, 8000, 9000);
        assertEquals(0, Address.tag(run));
        final long again = resized(run, 8000, 1000);
        assertNotEquals(0, Address.tag(again));
        done(again);
    }

    /** What fits in two pages must not be left with one, only because objects of that size would come from slabs. */
    @Test
    void aRunIsNeverCutBelowWhatWasAskedFor() {
        for (final long pages : new long[] {2, 3, 5, 16, 64, 100}) {
            for (final long size : new long[] {1, 3000, 4095, 4096, 4097, 5000, 5312, 7400, 8191, 8192, 8193}) {
                final long before = pages * PAGE;
                done(resized(filled(before), before, size));
            }
        }
    }

    @Test
    void aRunGrowsAndShrinksWhereItIs() {
        // A bank of its own: all behind it is free.
        final long address = filled(10 * PAGE);
        assertEquals(address, resized(address, 10 * PAGE, 24 * PAGE));
        assertEquals(address, resized(address, 10 * PAGE, 100 * PAGE));
        assertEquals(100 * PAGE, allocator.sizeOf(address));
        assertEquals(address, resized(address, 10 * PAGE, 12 * PAGE));
        assertEquals(address, resized(address, 10 * PAGE, 3 * PAGE));
        assertEquals(3 * PAGE, allocator.sizeOf(address));
        done(address);
    }

    @Test
    void aRunWhoseNeighbourIsTakenMoves() {
        final List<Long> neighbours = new ArrayList<>();
        final long address = filled(16 * PAGE);
        for (int i = 0; i < 8; i++) {
            neighbours.add(allocator.allocate(16 * PAGE));
        }
        assertNotEquals(address, resized(address, 16 * PAGE, 17 * PAGE));
        neighbours.forEach(allocator::free);
        memory.verify();
        AllocatorMemory.requireEmptyBut(memory, 20);
        done(lastOf(child));
    }

    private long lastOf(final Budget budget) {
        // The only run that is left.
        for (long frame = 0; frame < memory.frames().memory().physEnd() >>> 12; frame++) {
            final int mark = memory.frames().table().mark(frame);
            if (RunMark.isLive(mark) && RunMark.owner(mark) == budget.id()) {
                return frame << 12;
            }
        }
        throw new AssertionError("none");
    }

    @Test
    void aRunThatAnotherSlotRemembersMoves() {
        final long address = AllocatorMemory.allocateAt(memory, 3, 3 * PAGE);
        Content.fill(memory, address, 3 * PAGE, 7);
        final long moved = allocator.reallocate(address, 20 * PAGE);
        assertNotEquals(address, moved);
        Content.check(memory, moved, 3 * PAGE, 7);
        allocator.free(moved);
    }

    @Test
    void aRunBecomesAnAreaAndAnAreaGrowsAndShrinks() {
        final long run = filled(200 * PAGE);
        assertTrue(allocator.isContiguous(run));
        final long area = resized(run, 200 * PAGE, BANK_BYTES + 5);
        assertFalse(allocator.isContiguous(area));
        final long longer = resized(area, 200 * PAGE, 3 * BANK_BYTES);
        final long same = resized(longer, 200 * PAGE, 3 * BANK_BYTES - 1);
        assertEquals(longer, same);
        final long shorter = resized(same, 200 * PAGE, 2 * BANK_BYTES);
        // Short enough to be contiguous by promise, it is.
        final long small = resized(shorter, 200 * PAGE, 50 * PAGE);
        assertTrue(allocator.isContiguous(small));
        Content.fill(memory, small, 50 * PAGE, 50 * PAGE);
        done(resized(small, 50 * PAGE, 4 * BANK_BYTES));
    }

    @Test
    void inASectionAsWell() {
        final long address = filled(100);
        try (org.vellum.cpu.Cpu cpu = memory.enter()) {
            long moved = resized(address, 100, 9000);
            moved = resized(moved, 100, 40_000);
            moved = resized(moved, 100, BANK_BYTES + 1);
            moved = resized(moved, 100, 2 * BANK_BYTES);
            moved = resized(moved, 100, 50);
            assertTrue(memory.cpus().isOccupant(cpu));
            done(moved);
        }
    }

    @Test
    void withoutMemoryToGrowIntoTheOldStays() {
        try (Vellum small = SmallMemory.builder(64, 1024).graceNanos(0).open()) {
            final OffHeapAllocator its = small.allocator();
            final Budget budget = its.budget().child("budget", 64 * PAGE);
            final long[] sizes = {100, 3 * PAGE, 6 * PAGE, 20 * PAGE};
            final long[] live = new long[sizes.length];
            for (int i = 0; i < sizes.length; i++) {
                live[i] = its.allocate(sizes[i], 1, budget);
                Content.fill(small, live[i], sizes[i], i);
            }
            final long used = budget.used();
            for (int i = 0; i < sizes.length; i++) {
                final long address = live[i];
                assertThrows(ExhaustedException.class, () -> its.reallocate(address, 60 * PAGE));
                assertEquals(used, budget.used());
                Content.check(small, live[i], sizes[i], i);
            }
            for (final long address : live) {
                its.free(address);
            }
            AllocatorMemory.requireEmpty(small);
        }
    }

    /** Sizes at random, one object after the other, so that slack, growth and moves follow each other in any order. */
    @Test
    void anySequenceOfSizes() {
        final long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("ReallocateTest seed=" + seed);
        final Random random = new Random(seed);
        int stayed = 0;
        int moved = 0;
        for (int round = 0; round < 40; round++) {
            long size = 1 + (long)Math.pow(2 * BANK_BYTES, random.nextDouble());
            long address = filled(size);
            for (int i = 0; i < 30; i++) {
                final long next = random.nextInt(3) == 0 ? Math.max(1, size + random.nextInt(9000) - 4500)
                    : 1 + (long)Math.pow(2 * BANK_BYTES, random.nextDouble());
                final long old = address;
                address = resized(address, size, next);
                stayed += old == address ? 1 : 0;
                moved += old == address ? 0 : 1;
                Content.fill(memory, address, next, next);
                size = next;
            }
            done(address);
        }
        assertTrue(stayed > 10 && moved > 10, "seed=" + seed + " stayed=" + stayed + " moved=" + moved);
    }
}
