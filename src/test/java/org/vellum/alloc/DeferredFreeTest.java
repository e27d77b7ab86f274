package org.vellum.alloc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.alloc.AllocatorMemory.PAGE;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vellum.SmallMemory;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.report.ExhaustedException;

/** What is freed by a deferred free is nobody else's, and the same to the last byte, while a section is open that may see it. */
final class DeferredFreeTest {
    private static final int FRAMES = 8192;

    /** An object, a run that a slot holds, one that none does, an area. */
    @ParameterizedTest
    @ValueSource(longs = {100, 5000, 5 * 4096, 300_000, (1 << 20) + 1})
    void noByteChangesWhileASectionIsOpen(final long size) throws Exception {
        try (Vellum memory = SmallMemory.builder(FRAMES, 4 * FRAMES).graceNanos(1_000_000).open()) {
            final OffHeapAllocator allocator = memory.allocator();
            final Budget child = allocator.budget().child("child", FRAMES * PAGE);
            final List<Long> retired = new ArrayList<>();
            final List<Long> others = new ArrayList<>();
            try (SmallMemory.Reader reader = new SmallMemory.Reader(memory, "reader")) {
                for (int i = 0; i < 12; i++) {
                    final long address = allocator.allocate(size, 1, child);
                    Content.fill(memory, address, size, i);
                    retired.add(address);
                }
                retired.forEach(allocator::freeDeferred);
                assertEquals(0, child.used(), "what is freed is not charged");
                final long[] natives = natives(memory, retired, size);
                for (int i = 0; i < (size > 1 << 20 ? 15 : 40); i++) {
                    memory.poll();
                    allocator.drainIdle();
                    final long address = allocator.allocate(size);
                    assertFalse(retired.contains(address), "reused");
                    memory.access().setMemory(address, size, (byte)i);
                    others.add(address);
                    if (i % 3 == 0 || others.size() > 8) {
                        allocator.free(others.remove(0));
                    }
                }
                for (int i = 0; i < retired.size(); i++) {
                    check(memory, retired.get(i), natives[i], size, i);
                }
                assertTrue(reader.cpu.index() >= 0);
                assertTrue(allocator.raw().limboBytes() > 0 || memory.stats().limboBytes() > 0);
            }
            others.forEach(allocator::free);
            AllocatorMemory.requireEmpty(memory);
        }
    }

    private static long[] natives(final Vellum memory, final List<Long> addresses, final long size) {
        final long[] natives = new long[addresses.size()];
        for (int i = 0; i < natives.length; i++) {
            natives[i] = memory.allocator().isContiguous(addresses.get(i)) ? memory.allocator().nativeAddress(addresses.get(i)) : 0;
            assertTrue(natives[i] != 0 || size > 1 << 20);
        }
        return natives;
    }

    /** By the native address: what a reader has translated must hold, whatever has become of the slab. */
    private static void check(final Vellum memory, final long address, final long at, final long size, final long stamp) {
        if (at == 0) {
            Content.check(memory, address, size, stamp);
            return;
        }
        final long linear = address & -1L >>> 16;
        Content.check(memory, memory.allocator().nativeAddress(linear) == at ? linear(memory, address) : 0, size, stamp);
    }

    private static long linear(final Vellum memory, final long address) {
        // Slabs want their tag, runs have none.
        assertTrue(memory.access().readable(address) != 0);
        return address;
    }

    @ParameterizedTest
    @ValueSource(longs = {100, 5 * 4096, 300_000, (1 << 20) + 1})
    void isReusedAfterwards(final long size) {
        try (Vellum memory = SmallMemory.builder(1024, 4096).open()) {
            // Far more than there is: each must come back, without anybody's polling.
            for (long bytes = 0; bytes < 4 * 1024 * PAGE; bytes += Math.max(size, 1024)) {
                memory.allocator().freeDeferred(memory.allocate(size));
            }
            AllocatorMemory.requireEmpty(memory);
        }
    }

    /** A steady stream of deferred frees lives on what comes back, not on ever more memory. */
    @ParameterizedTest
    @ValueSource(longs = {100, 3000, 3 * 4096, 12 * 4096})
    void aSteadyStreamTakesNoMoreAndMoreMemory(final long size) {
        try (Vellum memory = SmallMemory.builder(16 << 10, 4096).open()) {
            for (int i = 0; i < 100_000; i++) {
                memory.allocator().freeDeferred(memory.allocate(size));
            }
            assertTrue(memory.stats().presentBytes() <= 16 << 20, "present=" + memory.stats().presentBytes());
            assertEquals(0, memory.stats().exhaustions());
            AllocatorMemory.requireEmpty(memory);
        }
    }

    /** What waits only for a grace period that has passed already is given up before a section hears of exhaustion. */
    @Test
    void insideASectionWhatHasPassedIsFound() throws Exception {
        try (Vellum memory = SmallMemory.builder(256, 1024).open()) {
            final List<Long> all = AllocatorMemory.fillUp(memory, 3 * PAGE);
            final int count = all.size();
            all.forEach(memory.allocator()::freeDeferred);
            memory.synchronize();
            try (Cpu cpu = memory.enter()) {
                final List<Long> again = new ArrayList<>();
                for (int i = 0; i < count * 3 / 16 - 1; i++) {
                    again.add(memory.allocator().allocate(cpu, 16 * PAGE));
                }
                again.forEach(memory.allocator()::free);
            }
            AllocatorMemory.requireEmpty(memory);
        }
    }

    @Test
    void exhaustionNamesWhoHoldsItUp() throws Exception {
        try (Vellum memory = SmallMemory.builder(64, 1024).graceNanos(1_000_000).open()) {
            try (SmallMemory.Reader reader = new SmallMemory.Reader(memory, "the-reader")) {
                final List<Long> all = AllocatorMemory.fillUp(memory, 3 * PAGE);
                all.forEach(memory.allocator()::freeDeferred);
                final ExhaustedException refused = assertThrows(ExhaustedException.class, () -> memory.allocate(16 * PAGE));
                assertTrue(refused.getMessage().contains("the-reader"), refused.getMessage() + reader.cpu);
                final long bytes = all.size() * 3L * PAGE;
                for (final String word : List.of("free bytes=", " of " + 64 * PAGE + " (", "cached bytes=0", "in limbo: " + bytes + " bytes")) {
                    assertTrue(refused.getMessage().contains(word), word + " is not in: " + refused.getMessage());
                }
            }
            AllocatorMemory.requireEmpty(memory);
        }
    }
}
