package org.vellum.alloc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.alloc.AllocatorMemory.PAGE;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.agrona.UnsafeApi;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vellum.SmallMemory;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.mmu.Address;
import org.vellum.report.ExhaustedException;

/** What is allocated: large enough, aligned, nobody else's, charged exactly, and all of it comes back. */
final class OffHeapAllocatorTest {
    private static final long BANK_BYTES = 1 << 20;
    private static final long FRAMES = 16 << 10;

    private Vellum memory = SmallMemory.builder(FRAMES, 4 * FRAMES).open();
    private OffHeapAllocator allocator = memory.allocator();

    @AfterEach
    void everythingIsBack() {
        AllocatorMemory.requireEmpty(memory);
        memory.close();
    }

    private void reopen(final Vellum other) {
        memory.close();
        memory = other;
        allocator = memory.allocator();
    }

    @Test
    void everySizeUpTo9000() {
        final List<Long> all = new ArrayList<>();
        for (int size = 1; size <= 9000; size++) {
            final long address = allocator.allocate(size);
            final long usable = allocator.sizeOf(address);
            assertTrue(usable >= size, "size=" + size + " usable=" + usable);
            assertTrue(size <= 64 || size > 8192 || usable - size <= usable / 8, "waste: size=" + size + " usable=" + usable);
            assertEquals(0, address & (size >= PAGE ? 15 : 7), "size=" + size);
            assertTrue(allocator.isContiguous(address));
            Content.fill(memory, address, size, size);
            all.add(address);
        }
        for (int size = 1; size <= 9000; size++) {
            Content.check(memory, all.get(size - 1), size, size);
            allocator.free(all.get(size - 1));
        }
    }

    @Test
    void pageSizesAroundEveryBorder() {
        final Budget child = allocator.budget().child("child", FRAMES * PAGE);
        final long bank = BANK_BYTES / PAGE;
        final long[] borders = {2, 3, 4, 5, 8, 9, 16, 20, 40, 63, 64, 65, bank - 1, bank, bank + 1, 3 * bank, FRAMES / 2};
        for (final long pages : borders) {
            for (long size = pages * PAGE - 1; size <= pages * PAGE + 1; size++) {
                final long address = allocator.allocate(size, 1, child);
                assertEquals(allocator.sizeOf(address), child.used(), "size=" + size);
                assertTrue(child.used() >= size && child.used() <= size + size / 4 + PAGE, "size=" + size + " used=" + child.used());
                assertEquals(size <= BANK_BYTES, allocator.isContiguous(address), "size=" + size);
                Content.fill(memory, address, size, size);
                Content.check(memory, address, size, size);
                allocator.free(address);
                assertEquals(0, child.used());
            }
        }
    }

    @Test
    void allOfMemoryAtOnce() {
        final long small = allocator.allocate(1);
        allocator.free(small);
        final long address = allocator.allocate(FRAMES * PAGE);
        assertFalse(allocator.isContiguous(address));
        Content.fill(memory, address, FRAMES * PAGE, 1);
        assertThrows(ExhaustedException.class, () -> allocator.allocate(1));
        assertThrows(ExhaustedException.class, () -> allocator.allocate(PAGE * 2));
        assertThrows(ExhaustedException.class, () -> allocator.allocate(BANK_BYTES + 1));
        Content.check(memory, address, FRAMES * PAGE, 1);
        allocator.free(address);
    }

    /** What an alignment costs beyond the size, the budget knows. */
    @Test
    void alignmentsUpToABankAreKeptAndChargedExactly() {
        final Budget child = allocator.budget().child("child", FRAMES * PAGE);
        for (final long size : new long[] {1, 100, 4096, 5000, 9000, 70_000, 260_000, 300_000, BANK_BYTES, BANK_BYTES + 1}) {
            final List<Long> all = new ArrayList<>();
            long bytes = 0;
            for (long alignment = 1; alignment <= BANK_BYTES; alignment *= 2) {
                final long address = allocator.allocate(size, alignment, child);
                assertEquals(0, address & Address.MASK & alignment - 1, "size=" + size + " alignment=" + alignment);
                bytes += allocator.sizeOf(address);
                assertEquals(bytes, child.used(), "size=" + size + " alignment=" + alignment);
                Content.fill(memory, address, size, alignment);
                all.add(address);
            }
            for (int i = 0; i < all.size(); i++) {
                Content.check(memory, all.get(i), size, 1L << i);
                allocator.free(all.get(i));
            }
            assertEquals(0, child.used(), "size=" + size);
        }
        child.close();
    }

    /** A whole bank for one byte would be a poor bargain. */
    @Test
    void anAlignmentBeyondTheHeldRunsKeepsNoMoreFramesThanTheSizeNeeds() {
        final long address = allocator.allocate(PAGE + 1, BANK_BYTES);
        assertEquals(2 * PAGE, allocator.sizeOf(address));
        memory.frames().drainIdle();
        assertEquals(2, memory.frames().allocatedFrames());
        allocator.free(address);
    }

    @Test
    void zeroedMemoryIsZeroWhateverWasThereBefore() {
        final long[] sizes = {1, 7, 32, 100, 4096, 8192, 8193, 50_000, 262_144, 262_145, BANK_BYTES, BANK_BYTES + 1, 3 * BANK_BYTES};
        for (final long size : sizes) {
            for (int round = 0; round < 3; round++) {
                final long dirty = allocator.allocate(size);
                memory.access().setMemory(dirty, allocator.sizeOf(dirty), (byte)0xA5);
                allocator.free(dirty);
                memory.poll();
                final long address = round == 0 ? allocator.allocateZeroed(size) : allocator.allocateZeroed(size, 64, null);
                for (long i = 0; i < size; i++) {
                    if (memory.access().getByte(address + i) != 0) {
                        throw new AssertionError("not zero: size=" + size + " offset=" + i);
                    }
                }
                allocator.free(address);
            }
        }
    }

    @Test
    void viewsShowTheSameBytes() {
        for (final int size : new int[] {1, 100, 8192, 8193, 262_144, 300_000}) {
            final long address = allocator.allocate(size);
            Content.fill(memory, address, size, size);
            final UnsafeBuffer wrapped = new UnsafeBuffer(0, 0);
            allocator.wrap(address, size, wrapped);
            final ByteBuffer bytes = allocator.byteBuffer(address, size);
            assertEquals(size, bytes.remaining());
            assertEquals(allocator.nativeAddress(address), wrapped.addressOffset());
            for (int i = 0; i < size; i++) {
                final byte expected = memory.access().getByte(address + i);
                assertEquals(expected, wrapped.getByte(i));
                assertEquals(expected, bytes.get(i));
                assertEquals(expected, UnsafeApi.getByte(allocator.nativeAddress(address + i)));
            }
            wrapped.putByte(size - 1, (byte)0x5A);
            assertEquals(0x5A, memory.access().getByte(address + size - 1));
            allocator.free(address);
        }
    }

    @Test
    void scatteredMemoryHasNoNativeView() {
        final long area = allocator.allocate(BANK_BYTES + 1);
        assertThrows(IllegalArgumentException.class, () -> allocator.nativeAddress(area));
        assertThrows(IllegalArgumentException.class, () -> allocator.wrap(area, 1, new UnsafeBuffer(0, 0)));
        assertThrows(IllegalArgumentException.class, () -> allocator.byteBuffer(area, 1));
        final long object = allocator.allocate(100);
        assertThrows(IllegalArgumentException.class, () -> allocator.wrap(object, -1, new UnsafeBuffer(0, 0)));
        assertThrows(IllegalArgumentException.class, () -> allocator.wrap(object, Integer.MAX_VALUE, new UnsafeBuffer(0, 0)));
        assertThrows(IllegalArgumentException.class, () -> allocator.byteBuffer(object, (int)BANK_BYTES + 1));
        allocator.free(area);
        allocator.free(object);
    }

    /** With the smallest banks the longest contiguous memory is 16 pages, and what is beyond them is scattered. */
    @Test
    void banksOf64KiB() {
        reopen(SmallMemory.builder(256, 2048).bank(64 << 10).open());
        final Budget child = allocator.budget().child("child", 256 * PAGE);
        for (final int pages : new int[] {1, 2, 3, 9, 13, 15, 16, 17, 40, 64, 65, 100}) {
            final long address = allocator.allocate(pages * PAGE, 1, child);
            assertEquals(pages <= 16, allocator.isContiguous(address), "pages=" + pages);
            assertEquals(allocator.sizeOf(address), child.used());
            Content.fill(memory, address, pages * PAGE, pages);
            final long longer = allocator.reallocate(address, (pages + 1) * PAGE);
            Content.check(memory, longer, pages * PAGE, pages);
            assertEquals(allocator.sizeOf(longer), child.used());
            allocator.free(longer);
            assertEquals(0, child.used());
        }
        final long aligned = allocator.allocate(1, 64 << 10, child);
        assertEquals(0, aligned & (64 << 10) - 1);
        allocator.free(aligned);
        assertThrows(IllegalArgumentException.class, () -> allocator.allocate(1, 128 << 10));
        child.close();
    }

    @Test
    void aHintIsOnlyAHint() {
        final Cpu stale = memory.enter();
        stale.exit();
        final List<Long> all = new ArrayList<>();
        try (Vellum other = SmallMemory.open(256, 1024); Cpu foreign = other.enter()) {
            for (final long size : new long[] {1, 8192, 8193, BANK_BYTES + 1}) {
                all.add(allocator.allocate(null, size));
                all.add(allocator.allocate(stale, size));
                all.add(allocator.allocate(foreign, size));
            }
            assertEquals(0, other.frames().allocatedFrames());
        }
        try (Cpu cpu = memory.enter()) {
            all.add(allocator.allocate(cpu, 100));
            all.add(allocator.allocate(cpu, 10_000));
            allocator.free(cpu, allocator.allocate(cpu, 100));
            assertTrue(memory.cpus().inSection());
        }
        all.forEach(allocator::free);
    }

    /** Runs and slabs may be used up inside sections, where nobody waits, and what idle slots keep is given up there, too. */
    @Test
    void insideASectionExhaustionGivesUpWhatIdleSlotsKeep() {
        reopen(SmallMemory.builder(256, 1024).graceNanos(1_000_000).open());
        final List<Long> kept = new ArrayList<>();
        for (int slot = 0; slot < 4; slot++) {
            for (int i = 0; i < 8; i++) {
                kept.add(AllocatorMemory.allocateAt(memory, slot, PAGE * 2 - 1 + PAGE));
            }
        }
        kept.forEach(allocator::free);
        try (Cpu cpu = memory.enter()) {
            final List<Long> all = new ArrayList<>();
            for (int i = 0; i < 240 / 16; i++) {
                all.add(allocator.allocate(cpu, 16 * PAGE));
            }
            all.forEach(allocator::free);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -1, Long.MIN_VALUE})
    void sizesBelowOneAreRefused(final long size) {
        final long live = allocator.allocate(100);
        final List<Runnable> calls = List.of(() -> allocator.allocate(size), () -> allocator.allocate(null, size),
            () -> allocator.allocate(size, 8), () -> allocator.allocateZeroed(size), () -> allocator.reallocate(live, size),
            () -> allocator.reallocate(0, size), () -> memory.allocate(size));
        for (final Runnable call : calls) {
            final IllegalArgumentException refused = assertThrows(IllegalArgumentException.class, call::run);
            assertTrue(refused.getMessage().contains("size=" + size), refused.getMessage());
            memory.verify();
        }
        allocator.free(live);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -1, 3, 12, 2 << 20, 1L << 62, Long.MIN_VALUE})
    void badAlignmentsAreRefused(final long alignment) {
        for (final long size : new long[] {1, 9000, 300_000, 3 << 20}) {
            final IllegalArgumentException refused =
                assertThrows(IllegalArgumentException.class, () -> allocator.allocate(size, alignment));
            assertTrue(refused.getMessage().contains("alignment=" + alignment), refused.getMessage());
        }
        memory.verify();
    }

    @ParameterizedTest
    @ValueSource(longs = {FRAMES * 4096 + 1, 1L << 40, 1L << 62, Long.MAX_VALUE - 4095, Long.MAX_VALUE})
    void sizesBeyondAllMemoryAreExhaustionAndChargeNothing(final long size) {
        final Budget child = allocator.budget().child("child", Long.MAX_VALUE);
        final long[] live = {0, allocator.allocate(10, 1, child), allocator.allocate(9000, 1, child),
            allocator.allocate(BANK_BYTES + 1, 1, child)};
        final long used = child.used();
        final ExhaustedException refused = assertThrows(ExhaustedException.class, () -> allocator.allocate(size, 1, child));
        assertEquals(ExhaustedException.Resource.FRAMES, refused.resource());
        for (final String word : List.of("free bytes=", "cached bytes=", "in limbo: ")) {
            assertTrue(refused.getMessage().contains(word), refused.getMessage());
        }
        for (final long address : live) {
            assertThrows(ExhaustedException.class, () -> allocator.reallocate(address, size));
            assertEquals(used, child.used(), "address=" + Long.toHexString(address));
        }
        for (final long address : live) {
            allocator.free(address);
        }
        assertEquals(0, child.used());
        child.close();
    }
}
