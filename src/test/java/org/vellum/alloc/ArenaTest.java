package org.vellum.alloc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.mmu.Address;
import org.vellum.report.ExhaustedException;

final class ArenaTest {
    private final Vellum memory = Vellum.open(64L << 20);

    @AfterEach
    void nothingIsLeft() {
        AllocatorMemory.requireEmpty(memory);
        memory.close();
    }

    private Arena open(final boolean shared) {
        return shared ? memory.sharedArena() : memory.arena();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatItGivesIsDisjointAlignedAndKeepsItsContent(final boolean shared) {
        try (Arena arena = open(shared)) {
            final TreeMap<Long, Long> given = new TreeMap<>();
            for (int i = 0; i < 3_000; i++) {
                final long size = i % 100 == 99 ? 100_000L + i : 1 + i % 700;
                final long alignment = 1L << i % 13;
                final long address = arena.allocate(size, alignment);
                assertEquals(0, address & alignment - 1, "alignment=" + alignment);
                Content.fill(memory, address, size, i);
                // Without the tag, which depends on how many memories there were before: it would decide the order.
                given.put(address & Address.MASK, size);
            }
            long end = 0;
            for (final var entry : given.entrySet()) {
                assertTrue(entry.getKey() >= end);
                end = entry.getKey() + entry.getValue();
            }
            assertTrue(arena.reservedBytes() >= given.values().stream().mapToLong(Long::longValue).sum());
        }
    }

    @ParameterizedTest
    @CsvSource({"false, 0, 8", "false, -1, 8", "true, 0, 8", "true, -5, 8", "false, 8, 0", "false, 8, 3", "true, 8, 24", "true, 8, 8192",
        "false, 8, 8192", "false, 8, -8", "true, 8, -9223372036854775808"})
    void badRequestsChangeNothing(final boolean shared, final long size, final long alignment) {
        try (Arena arena = open(shared)) {
            final long before = arena.allocate(16);
            assertThrows(IllegalArgumentException.class, () -> arena.allocate(size, alignment));
            assertThrows(ExhaustedException.class, () -> arena.allocate(Long.MAX_VALUE));
            assertEquals(before + 16, arena.allocate(16));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void closedTwiceIsTold(final boolean shared) {
        final Arena arena = open(shared);
        arena.allocate(10);
        arena.close();
        assertThrows(IllegalStateException.class, arena::close);
        assertThrows(IllegalStateException.class, () -> arena.allocate(1));
        assertThrows(IllegalStateException.class, () -> arena.allocate(1 << 20));
        assertEquals(0, arena.reservedBytes());
        final Arena unused = open(shared);
        unused.close();
        assertThrows(IllegalStateException.class, unused::close);
    }

    @Test
    void confinedIsOfOneThread() throws Exception {
        try (Arena arena = memory.arena()) {
            arena.allocate(100);
            final FutureTask<Void> other = new FutureTask<>(() -> {
                assertThrows(IllegalStateException.class, () -> arena.allocate(1));
                assertThrows(IllegalStateException.class, arena::close);
            }, null);
            new Thread(other).start();
            other.get();
            arena.allocate(100);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aBudgetThatIsFullLeavesTheArenaUsable(final boolean shared) {
        final Budget budget = memory.child("arenas", 100_000);
        try (Arena arena = shared ? memory.allocator().sharedArena(budget) : memory.allocator().arena(budget)) {
            final List<Long> all = new ArrayList<>();
            final ExhaustedException full = assertThrows(ExhaustedException.class, () -> {
                while (true) {
                    all.add(arena.allocate(1_000));
                }
            });
            assertEquals(ExhaustedException.Resource.BUDGET, full.resource());
            assertTrue(full.getMessage().contains("arenas"), full.getMessage());
            assertTrue(all.size() > 20);
            assertTrue(budget.used() > 0 && budget.used() <= 100_000);
        }
        memory.quiesce();
        assertEquals(0, budget.used());
        budget.close();
    }

    /** The reader has found something in the arena; its owner closes it, and memory is wanted by others. */
    @Test
    void whatAReaderSawInASectionStaysUntilItLeaves() throws Exception {
        final Arena arena = memory.sharedArena();
        final long address = arena.allocate(5_000);
        Content.fill(memory, address, 5_000, 3);
        final Cpu cpu = memory.enter();
        try {
            final FutureTask<Void> closer = new FutureTask<>(() -> {
                arena.close();
                for (int i = 0; i < 1_000; i++) {
                    memory.poll();
                    final long other = memory.allocate(8_000);
                    Content.fill(memory, other, 8_000, 99);
                    memory.free(other);
                }
            }, null);
            new Thread(closer).start();
            closer.get();
            Content.check(memory, address, 5_000, 3);
        } finally {
            cpu.exit();
        }
    }

    @Test
    void manyThreadsShareOneAndOneOfThemClosesIt() throws Exception {
        for (int round = 0; round < 30; round++) {
            final Arena arena = memory.sharedArena();
            final Set<Long> given = ConcurrentHashMap.newKeySet();
            inThreads(number -> {
                for (int i = 0; i < 1_000; i++) {
                    assertTrue(given.add(arena.allocate(64)), "given twice");
                }
            });
            final AtomicInteger refused = new AtomicInteger();
            inThreads(number -> {
                if (number == 0) {
                    arena.close();
                }
                for (int i = 0; i < 1_000; i++) {
                    try {
                        arena.allocate(64);
                    } catch (final IllegalStateException e) {
                        refused.incrementAndGet();
                    }
                }
            });
            assertTrue(refused.get() >= 1_000);
        }
    }

    private static void inThreads(final IntConsumer work) throws Exception {
        final List<FutureTask<Void>> tasks = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            final int number = i;
            tasks.add(new FutureTask<>(() -> work.accept(number), null));
        }
        tasks.forEach(task -> new Thread(task).start());
        for (final FutureTask<Void> task : tasks) {
            task.get();
        }
    }
}
