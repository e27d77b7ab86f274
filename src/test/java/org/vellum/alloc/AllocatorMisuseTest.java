package org.vellum.alloc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.alloc.AllocatorMemory.PAGE;

import java.util.List;
import java.util.function.LongConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.mmu.Address;
import org.vellum.report.ExhaustedException;
import org.vellum.vmap.FlushPolicy;

/** Addresses that are not the allocator's, or not any more: each is told, and changes nothing. */
final class AllocatorMisuseTest {
    private static final long AREA = (1 << 20) + 1;
    private static final long[] SIZES = {1, 100, 8192, 8193, 5 * PAGE, 262_144, 300_000, AREA};

    private final Vellum memory = SmallMemory.builder(8192, 4 * 8192).open();
    private final OffHeapAllocator allocator = memory.allocator();
    private final Budget child = allocator.budget().child("child", 8192 * PAGE);
    private final List<LongConsumer> calls = List.of(allocator::free, a -> allocator.free(null, a), allocator::freeDeferred,
        allocator::sizeOf, a -> allocator.reallocate(a, 1), a -> allocator.reallocate(a, 3 * PAGE));

    @AfterEach
    void nothingHasChanged() {
        AllocatorMemory.requireEmpty(memory);
        memory.close();
    }

    private void refusedByAll(final long address, final String what) {
        final long used = child.used();
        for (final LongConsumer call : calls) {
            final RuntimeException refused = assertThrows(RuntimeException.class, () -> call.accept(address), what);
            assertTrue(refused instanceof IllegalArgumentException || refused instanceof IllegalStateException, refused.toString());
            assertTrue(refused.getMessage().contains("0x" + Long.toHexString(address)), refused.getMessage());
            assertEquals(used, child.used());
        }
        memory.verify();
    }

    @Test
    void theSecondFreeOfTwo() {
        for (final long size : SIZES) {
            for (final boolean deferred : new boolean[] {false, true}) {
                final long address = allocator.allocate(size, 1, child);
                if (deferred) {
                    allocator.freeDeferred(address);
                } else {
                    allocator.free(address);
                }
                assertEquals(0, child.used());
                refusedByAll(address, "size=" + size + " deferred=" + deferred);
                final Class<? extends RuntimeException> type =
                    size == AREA ? IllegalArgumentException.class : IllegalStateException.class;
                assertThrows(type, () -> allocator.free(address), "size=" + size + " deferred=" + deferred);
            }
        }
    }

    @Test
    void addressesInsideAnAllocation() {
        for (final long size : SIZES) {
            final long address = allocator.allocate(size, 1, child);
            for (final long offset : new long[] {1, 8, size / 2, size - 1, PAGE, size & -PAGE}) {
                if (offset > 0 && offset < size) {
                    refusedByAll(address + offset, "size=" + size + " offset=" + offset);
                }
            }
            Content.fill(memory, address, size, size);
            allocator.free(address);
        }
    }

    @Test
    void addressesOfNobody() {
        final long object = allocator.allocate(100);
        final long end = memory.frames().memory().physEnd();
        for (final long address : new long[] {1, 8, PAGE, -1, -PAGE, Long.MIN_VALUE, Long.MAX_VALUE, end - PAGE, end, end + PAGE,
            1L << 47, (1L << 48) - PAGE, object & (1L << 48) - 1, object ^ 1L << 48, object ^ 1L << 60}) {
            refusedByAll(address, "address=" + Long.toHexString(address));
        }
        allocator.free(object);
        assertThrows(IllegalArgumentException.class, () -> allocator.sizeOf(0));
    }

    @Test
    void zeroIsNothingToDo() {
        allocator.free(0);
        allocator.free(null, 0);
        allocator.freeDeferred(0);
        memory.free(0);
        allocator.free(allocator.reallocate(0, 100));
    }

    @Test
    void framesAndAreasThatOthersTook() {
        final long[] frames = SmallMemory.frames(memory, 3);
        refusedByAll(frames[0] << 12, "a frame of somebody's");
        final long run;
        try (Cpu cpu = memory.enter()) {
            run = memory.frames().allocate(cpu, 4);
        }
        refusedByAll(run << 12, "a block of somebody's");
        refusedByAll(run + 1 << 12, "inside a block of somebody's");
        final long vmalloc = memory.vmalloc(AREA);
        refusedByAll(vmalloc, "an area of vmalloc's");
        final long vmap = memory.vmap().vmap(frames, 0, 3, 0);
        refusedByAll(vmap, "an area of vmap's");
        memory.vmap().vunmap(vmap);
        memory.vfree(vmalloc);
        SmallMemory.free(memory, frames);
        try (Cpu cpu = memory.enter()) {
            memory.frames().free(cpu, run, 4);
        }
    }

    /** What the allocator has made others neither end nor resize: its charge would stay for ever. */
    @Test
    void anAreaOfTheAllocatorsIsNobodyElses() {
        final long[] frames = SmallMemory.frames(memory, 1);
        SmallMemory.free(memory, frames);
        final long address = allocator.allocate(AREA, 1, child);
        final long used = child.used();
        final List<LongConsumer> others = List.of(memory::vfree, memory::retire, memory.vmalloc()::vfreeAtomic,
            memory.vmalloc()::sizeOf, a -> memory.vmalloc().vrealloc(a, 3 * AREA), a -> memory.vmalloc().vrealloc(a, 0),
            memory.vmap()::vunmap, a -> memory.vmUnmapRam(a, 257));
        for (final LongConsumer other : others) {
            final IllegalArgumentException refused = assertThrows(IllegalArgumentException.class, () -> other.accept(address));
            assertTrue(refused.getMessage().contains("allocation area"), refused.getMessage());
        }
        assertTrue(assertThrows(IllegalArgumentException.class, () -> memory.vfree(address)).getMessage().endsWith("ended by free"));
        final long vmalloc = memory.vmalloc(AREA);
        assertTrue(assertThrows(IllegalArgumentException.class, () -> allocator.free(vmalloc)).getMessage().endsWith("ended by vfree"));
        memory.vfree(vmalloc);
        assertEquals(used, child.used());
        final long moved = allocator.reallocate(address, 3 * AREA);
        assertTrue(child.used() > used);
        allocator.free(moved);
        assertEquals(0, child.used());
    }

    /** The root's own allocations are charged to nobody, and yet are used. */
    @Test
    void theRootCountsItsOwnAllocationsToo() {
        final Budget root = allocator.budget();
        for (final long size : SIZES) {
            final long own = allocator.allocate(size);
            final long childs = allocator.allocate(size, 1, child);
            final long bytes = allocator.sizeOf(own);
            assertEquals(List.of(bytes, 2 * bytes), List.of(child.used(), root.used()), "size=" + size);
            memory.verify();
            allocator.free(own);
            assertEquals(bytes, root.used(), "size=" + size);
            allocator.freeDeferred(childs);
            assertEquals(0, root.used(), "size=" + size);
        }
    }

    /** The eager policy refuses to free an area inside a section: then it is still there, charged and live. */
    @Test
    void aFreeThatTheEagerPolicyRefusesChangesNothing() {
        try (Vellum eager = SmallMemory.builder(8192, 4 * 8192).flushPolicy(FlushPolicy.EAGER).open()) {
            final Budget budget = eager.child("eager", 8192 * PAGE);
            final long address = eager.allocator().allocate(AREA, 1, budget);
            try (Cpu cpu = eager.enter()) {
                assertEquals(cpu, eager.cpus().current());
                assertThrows(IllegalStateException.class, () -> eager.free(address));
            }
            Content.fill(eager, address, AREA, 1);
            Content.check(eager, address, AREA, 1);
            assertEquals(1, eager.allocator().raw().areas());
            eager.free(address);
            assertEquals(0, budget.used());
            AllocatorMemory.requireEmpty(eager);
        }
    }

    @Test
    void addressesOfAnotherMemory() {
        try (Vellum other = SmallMemory.builder(8192, 4 * 8192).open()) {
            for (final long size : SIZES) {
                final long foreign = other.allocate(size);
                refusedByAll(foreign, "size=" + size);
                other.free(foreign);
            }
        }
    }

    /**
     * Both memories have done the same, so what lives here at the other's address is of the same kind. Tags tell them apart; runs of frames
     * have none.
     */
    @Test
    void addressesOfAnotherMemoryThatHasDoneTheSame() {
        try (Vellum other = SmallMemory.builder(8192, 4 * 8192).open()) {
            for (final long size : new long[] {1, 100, 8192, AREA * 2}) {
                final long foreign = other.allocate(size);
                final long own = allocator.allocate(size);
                assertEquals(foreign & Address.MASK, own & Address.MASK, "size=" + size);
                refusedByAll(foreign, "size=" + size);
                other.free(foreign);
                allocator.free(own);
            }
        }
    }

    /** A slab that was given back and made again has another generation. */
    @Test
    void anAddressOfARecycledSlab() {
        final long stale = allocator.allocate(8192);
        allocator.free(stale);
        memory.trim();
        refusedByAll(stale, "given back");
        final List<Long> again = List.of(allocator.allocate(8192), allocator.allocate(64), allocator.allocate(20_000));
        refusedByAll(stale, "recycled");
        again.forEach(allocator::free);
    }

    @Test
    void budgetsOfOthersAndClosedOnes() {
        final Budget closed = allocator.budget().child("closed", 100_000);
        closed.close();
        assertThrows(IllegalStateException.class, () -> allocator.allocate(100, 1, closed));
        try (Vellum other = SmallMemory.open(256, 1024)) {
            final Budget foreign = other.allocator().budget().child("child", 100_000);
            for (final long size : SIZES) {
                assertThrows(IllegalArgumentException.class, () -> allocator.allocate(size, 1, foreign));
                assertThrows(IllegalArgumentException.class, () -> allocator.allocateZeroed(size, 1, other.allocator().budget()));
            }
            assertEquals(0, foreign.used());
        }
    }

    @Test
    void aBudgetThatIsUsedUpIsNamedAndNothingIsKept() {
        final Budget tight = child.child("tight", 20_000);
        for (final long size : new long[] {20_001, 30_000, 300_000, AREA}) {
            final ExhaustedException refused =
                assertThrows(ExhaustedException.class, () -> allocator.allocate(size, 1, tight));
            assertEquals(ExhaustedException.Resource.BUDGET, refused.resource());
            assertTrue(refused.getMessage().contains("tight"), refused.getMessage());
            assertEquals(0, child.used());
        }
        final long address = allocator.allocate(12_000, 1, tight);
        Content.fill(memory, address, 12_000, 1);
        for (final long size : new long[] {20_481, 100_000, AREA}) {
            assertThrows(ExhaustedException.class, () -> allocator.reallocate(address, size));
            assertEquals(3 * PAGE, tight.used());
            Content.check(memory, address, 12_000, 1);
        }
        allocator.free(address);
        tight.close();
    }

    /** Where soft and hard limit are one, the charge that would exceed it has the callback called, and then fits. */
    @Test
    void aCallbackMakesRoomForTheChargeThatWasRefused() {
        final long[] cached = new long[1];
        final Budget soft = allocator.budget().child("soft", 10 * PAGE, 10 * PAGE, (budget, wanted) -> {
            allocator.free(cached[0]);
            cached[0] = 0;
        });
        cached[0] = allocator.allocate(8 * PAGE, 1, soft);
        final long address = allocator.allocate(6 * PAGE, 1, soft);
        assertEquals(0, cached[0], "not called");
        assertEquals(6 * PAGE, soft.used());
        assertThrows(ExhaustedException.class, () -> allocator.allocate(6 * PAGE, 1, soft), "nothing is left to free");
        allocator.free(address);
        soft.close();
    }

    @Test
    void afterTheEnd() {
        final Vellum closed = SmallMemory.open(256, 1024);
        final OffHeapAllocator its = closed.allocator();
        final long address = closed.allocate(100);
        closed.close();
        assertThrows(IllegalStateException.class, () -> closed.allocate(1));
        assertThrows(IllegalStateException.class, () -> closed.free(address));
        assertThrows(IllegalStateException.class, () -> its.allocate(1));
        assertThrows(IllegalStateException.class, () -> its.allocate(9000));
        assertThrows(IllegalStateException.class, () -> its.allocate(1 << 20));
        assertThrows(IllegalStateException.class, closed::arena);
    }
}
