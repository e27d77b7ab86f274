package org.vellum.alloc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.report.ExhaustedException;
import org.vellum.report.Listener;

/** Each mistake that the checked mode is there for, made. */
final class CheckedModeTest {
    private record Report(long address, long offset, String detail) {
    }

    private final List<Report> damaged = new ArrayList<>();
    private final List<Report> leaks = new ArrayList<>();
    private final Listener listener = new Listener() {
        @Override
        public void memoryDamaged(final long address, final long offset, final String detail) {
            damaged.add(new Report(address, offset, detail));
        }

        @Override
        public void leakedAtClose(final String what, final long count, final long bytes, final String detail) {
            leaks.add(new Report(count, bytes, what + ": " + detail));
        }
    };
    private final Vellum memory = Vellum.builder().memory(16L << 20).bank(1 << 20).checked(true).worker(false)
        .listener(listener).open();

    @AfterEach
    void close() {
        memory.close();
    }

    private void everythingComesBack() {
        AllocatorMemory.requireEmpty(memory);
        assertEquals(List.of(), damaged);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 7, 100, 8_000, 20_000, 300_000, 3_000_000})
    void whatIsRightIsNotComplainedOf(final long size) {
        final long address = memory.allocate(size);
        assertEquals(size, memory.allocator().sizeOf(address));
        Content.fill(memory, address, size, 5);
        final long moved = memory.allocator().reallocate(address, size + 100);
        Content.check(memory, moved, size, 5);
        memory.allocator().freeDeferred(moved);
        everythingComesBack();
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, -16, 100, 115})
    void aWriteOutOfBoundsIsToldAtTheFree(final long offset) {
        final long address = memory.allocate(100);
        memory.access().putByte(address + offset, (byte)1);
        final IllegalStateException told = assertThrows(IllegalStateException.class, () -> memory.free(address));
        assertTrue(told.getMessage().contains("offset=" + offset + " ")
            && told.getMessage().contains("aWriteOutOfBoundsIsToldAtTheFree"), told.getMessage());
        everythingComesBack();
    }

    @Test
    void aWriteAfterTheFreeIsReportedWithBothStacks() {
        final long address = memory.allocate(100);
        memory.free(address);
        memory.synchronize();
        memory.poll();
        // Poisoned by now.
        assertEquals(CheckedAllocator.POISON, memory.access().getByte(address + 42));
        memory.access().putByte(address + 42, (byte)1);
        AllocatorMemory.requireEmpty(memory);
        assertEquals(1, damaged.size());
        assertEquals(address, damaged.get(0).address());
        assertEquals(42, damaged.get(0).offset());
        final String detail = damaged.get(0).detail();
        assertTrue(detail.contains("allocated by") && detail.contains("freed by")
            && detail.indexOf("CheckedModeTest") != detail.lastIndexOf("CheckedModeTest"), detail);
    }

    @Test
    void noByteChangesBeforeTheGracePeriodEnds() {
        final long address = memory.allocate(1_000);
        Content.fill(memory, address, 1_000, 9);
        final Cpu cpu = memory.enter();
        memory.free(address);
        memory.poll();
        Content.check(memory, address, 1_000, 9);
        cpu.exit();
        everythingComesBack();
    }

    @Test
    void aSecondFreeNamesTheFirst() {
        final long address = memory.allocate(50);
        memory.free(address);
        final IllegalStateException told = assertThrows(IllegalStateException.class, () -> memory.free(address));
        assertTrue(told.getMessage().contains("allocated by") && told.getMessage().contains("freed by"), told.getMessage());
        assertThrows(IllegalStateException.class, () -> memory.allocator().reallocate(address, 10));
        everythingComesBack();
    }

    @Test
    void interiorAndUnknownAddressesAreTold() {
        final long address = memory.allocate(50);
        final IllegalArgumentException interior =
            assertThrows(IllegalArgumentException.class, () -> memory.free(address + 8));
        assertTrue(interior.getMessage().contains("inside") && interior.getMessage().contains("allocated by"));
        assertThrows(IllegalArgumentException.class, () -> memory.free(12_345));
        memory.free(address);
        everythingComesBack();
    }

    @Test
    void whatIsKeptToBeLookedAtIsGivenUpWhenMemoryIsShort() {
        for (int i = 0; i < 200; i++) {
            memory.free(memory.allocate(500_000));
        }
        final List<Long> all = AllocatorMemory.fillUp(memory, 100_000);
        assertTrue(all.size() > 100, "allocations=" + all.size());
        assertThrows(ExhaustedException.class, () -> memory.allocate(8 << 20));
        all.forEach(memory::free);
        everythingComesBack();
    }

    @Test
    void leaksAreReportedByCallSiteAndBudget() {
        final Budget child = memory.child("cache", 1 << 20);
        for (int i = 0; i < 3; i++) {
            memory.allocate(100);
        }
        memory.allocator().allocate(70, 1, child);
        memory.close();
        final Report report = leaks.stream().filter(leak -> leak.detail().startsWith("allocation")).findFirst().orElseThrow();
        assertEquals(4, report.address());
        assertEquals(370, report.offset());
        assertTrue(report.detail().contains("3 allocations, 300 bytes") && report.detail().contains("memory/cache")
            && report.detail().contains("CheckedModeTest.leaksAreReportedByCallSiteAndBudget"), report.detail());
    }

    @Test
    void leaksAreReportedInSumsWithoutChecks() {
        try (Vellum plain = Vellum.builder().memory(1L << 20).worker(false).listener(listener).open()) {
            plain.allocate(100);
            plain.allocate(20_000);
        }
        assertTrue(leaks.stream().anyMatch(leak -> leak.address() == 2), leaks.toString());
    }
}
