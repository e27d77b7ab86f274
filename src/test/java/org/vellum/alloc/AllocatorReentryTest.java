package org.vellum.alloc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.alloc.AllocatorMemory.PAGE;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.Vellum;

/** Callbacks that run in the middle of an allocation, and use the very thing that waits for it. */
final class AllocatorReentryTest {
    private static final long FRAMES = 8192;

    private final Vellum memory = SmallMemory.builder(FRAMES, 4 * FRAMES).open();
    private final OffHeapAllocator allocator = memory.allocator();

    /** A watermark's callback takes the place that the slot had found vacant for the run at hand. */
    @Test
    void aRunThatTheWatermarkTookMeanwhile() {
        for (final long size : new long[] {20_000, 5000, 100, 60 * PAGE}) {
            final List<Long> taken = new ArrayList<>();
            memory.frames().setLowWatermark(FRAMES, () -> taken.add(memory.allocate(size)));
            taken.add(memory.allocate(size));
            memory.frames().setLowWatermark(0, () -> { });
            assertEquals(2, taken.size(), "not called: size=" + size);
            assertNotEquals(taken.get(0), taken.get(1));
            memory.verify();
            taken.forEach(allocator::free);
            AllocatorMemory.requireEmpty(memory);
        }
        memory.close();
    }

    /** A reclaim callback carves the arena for whose chunk it makes room: never is more carved than there is. */
    @Test
    void anArenaThatItsOwnBudgetsCallbackCarves() {
        for (final boolean shared : new boolean[] {false, true}) {
            final Arena[] arena = new Arena[1];
            final List<Long> pieces = new ArrayList<>();
            final Budget budget = allocator.budget().child("arena", 1 << 20, 2 * PAGE, (of, wanted) -> {
                for (int i = 0; i < 9; i++) {
                    pieces.add(arena[0].allocate(PAGE));
                }
            });
            arena[0] = shared ? allocator.sharedArena(budget) : allocator.arena(budget);
            while (pieces.size() < 9) {
                pieces.add(arena[0].allocate(PAGE));
            }
            for (int i = 0; i < 40; i++) {
                pieces.add(arena[0].allocate(PAGE));
                assertTrue(pieces.size() * PAGE <= arena[0].reservedBytes(), "carved=" + pieces.size() * PAGE + " reserved="
                    + arena[0].reservedBytes());
            }
            requireApart(pieces);
            arena[0].close();
            memory.quiesce();
            assertEquals(0, budget.used());
            budget.close();
        }
        AllocatorMemory.requireEmpty(memory);
        memory.close();
    }

    private void requireApart(final List<Long> pieces) {
        for (int i = 0; i < pieces.size(); i++) {
            Content.fill(memory, pieces.get(i), PAGE, i);
        }
        for (int i = 0; i < pieces.size(); i++) {
            Content.check(memory, pieces.get(i), PAGE, i);
        }
    }

    /** The chunk that comes after all is not kept by an arena which has ended. */
    @Test
    void anArenaThatItsOwnBudgetsCallbackCloses() {
        final Arena[] arena = new Arena[1];
        for (final boolean shared : new boolean[] {false, true}) {
            final Budget budget = allocator.budget().child("arena", 1 << 20, 2 * PAGE, (of, wanted) -> arena[0].close());
            arena[0] = shared ? allocator.sharedArena(budget) : allocator.arena(budget);
            assertThrows(IllegalStateException.class, () -> {
                for (int i = 0; i < 100; i++) {
                    arena[0].allocate(PAGE);
                }
            });
            memory.quiesce();
            assertEquals(0, budget.used(), "shared=" + shared);
            budget.close();
        }
        AllocatorMemory.requireEmpty(memory);
        memory.close();
    }

    /** Memory that is freed while it is being moved: the second free is told, and the copy does not stay behind. */
    @Test
    void memoryThatItsOwnBudgetsCallbackFreesWhileItMoves() {
        memory.close();
        for (final boolean checked : new boolean[] {false, true}) {
            try (Vellum other = SmallMemory.builder(FRAMES, 4 * FRAMES).checked(checked).open()) {
                final long[] address = new long[1];
                for (final long size : new long[] {20_000, 1_500_000}) {
                    final Budget budget =
                        other.allocator().budget().child("moving", 1 << 22, 10, (of, wanted) -> other.free(address[0]));
                    address[0] = other.allocator().allocate(100, 1, budget);
                    assertThrows(IllegalStateException.class, () -> other.allocator().reallocate(address[0], size));
                    other.quiesce();
                    assertEquals(0, budget.used(), "checked=" + checked + " size=" + size);
                    budget.close();
                }
                AllocatorMemory.requireEmpty(other);
            }
        }
    }
}
