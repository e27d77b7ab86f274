package org.vellum.mmu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.ReadOnlyBufferException;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.agrona.UnsafeApi;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.vellum.cpu.Cpu;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mem.Pages;
import org.vellum.report.PageFaultException;

final class MappedAccessTest {
    private static final int PAGES = 600;

    private final Random random = new Random(8);
    private final ScatteredPages pages = new ScatteredPages(PAGES, 21);
    private final MappedAccess access = pages.access();

    private byte[] bytes(final long address, final int length) {
        final byte[] bytes = new byte[length];
        access.getBytes(address, bytes, 0, length);
        return bytes;
    }

    /** Every width and order at every offset around a boundary, against a {@link ByteBuffer}. */
    @Test
    void valuesAcrossBoundaries() {
        for (int offset = Pages.SIZE - 9; offset <= Pages.SIZE + 9; offset++) {
            for (final ByteOrder order : List.of(ByteOrder.BIG_ENDIAN, ByteOrder.LITTLE_ENDIAN)) {
                values(pages.address(offset), order);
            }
            nativeValues(pages.address(offset));
        }
    }

    private void values(final long at, final ByteOrder order) {
        final long bits = random.nextLong();
        final ByteBuffer expected = ByteBuffer.allocate(8).order(order);
        access.putLong(at, bits, order);
        assertArrayEquals(expected.putLong(0, bits).array(), bytes(at, 8));
        assertEquals(bits, access.getLong(at, order));
        access.putDouble(at, Math.E, order);
        assertArrayEquals(expected.putDouble(0, Math.E).array(), bytes(at, 8));
        assertEquals(Math.E, access.getDouble(at, order));
        access.putInt(at, (int)bits, order);
        assertArrayEquals(expected.putInt(0, (int)bits).array(), bytes(at, 8));
        assertEquals((int)bits, access.getInt(at, order));
        access.putFloat(at, 1.25f, order);
        assertArrayEquals(expected.putFloat(0, 1.25f).array(), bytes(at, 8));
        assertEquals(1.25f, access.getFloat(at, order));
        access.putShort(at, (short)bits, order);
        assertArrayEquals(expected.putShort(0, (short)bits).array(), bytes(at, 8));
        assertEquals((short)bits, access.getShort(at, order));
        access.putChar(at, (char)~bits, order);
        assertArrayEquals(expected.putChar(0, (char)~bits).array(), bytes(at, 8));
        assertEquals((char)~bits, access.getChar(at, order));
        access.putByte(at, (byte)(bits >> 8));
        assertArrayEquals(expected.put(0, (byte)(bits >> 8)).array(), bytes(at, 8));
        assertEquals((byte)(bits >> 8), access.getByte(at));
    }

    private void nativeValues(final long at) {
        final long bits = random.nextLong();
        access.putLong(at, bits);
        assertEquals(bits, access.getLong(at, ByteOrder.nativeOrder()));
        assertEquals(bits, access.getLong(at));
        access.putInt(at, (int)bits);
        assertEquals((int)bits, access.getInt(at));
        access.putShort(at, (short)bits);
        assertEquals((short)bits, access.getShort(at));
        access.putChar(at, (char)bits);
        assertEquals((char)bits, access.getChar(at));
        access.putDouble(at, 0.1);
        assertEquals(0.1, access.getDouble(at));
        access.putFloat(at, 0.1f);
        assertEquals(0.1f, access.getFloat(at));
    }

    @Test
    void orderedAccess() {
        final long at = pages.address(Pages.SIZE - 8);
        access.putLongVolatile(at, 1);
        assertEquals(1, access.getLongVolatile(at));
        access.putLongRelease(at, 2);
        assertEquals(2, access.getLongAcquire(at));
        access.putLongOpaque(at, 3);
        assertEquals(3, access.getLongOpaque(at));
        assertEquals(3, access.getAndAddLong(at, 4));
        assertEquals(7, access.getAndSetLong(at, 8));
        assertFalse(access.compareAndSetLong(at, 7, 9));
        assertTrue(access.compareAndSetLong(at, 8, 9));
        access.putIntVolatile(at, 1);
        assertEquals(1, access.getIntVolatile(at));
        access.putIntRelease(at, 2);
        assertEquals(2, access.getIntAcquire(at));
        access.putIntOpaque(at, 3);
        assertEquals(3, access.getIntOpaque(at));
        assertEquals(3, access.getAndAddInt(at, 4));
        assertEquals(7, access.getAndSetInt(at, 8));
        assertFalse(access.compareAndSetInt(at, 7, 9));
        assertTrue(access.compareAndSetInt(at, 8, 9));
    }

    @Test
    void orderedAccessAcrossPagesIsRefused() {
        final long at = pages.address(Pages.SIZE - 3);
        pages.fill(random);
        final byte[] before = pages.snapshot();
        final List<Executable> refused = List.of(
            () -> access.getLongVolatile(at), () -> access.getLongAcquire(at), () -> access.getLongOpaque(at),
            () -> access.putLongVolatile(at, 1), () -> access.putLongRelease(at, 1), () -> access.putLongOpaque(at, 1),
            () -> access.getAndAddLong(at, 1), () -> access.getAndSetLong(at, 1), () -> access.compareAndSetLong(at, 0, 1),
            () -> access.getIntVolatile(at), () -> access.getIntAcquire(at), () -> access.getIntOpaque(at),
            () -> access.putIntVolatile(at, 1), () -> access.putIntRelease(at, 1), () -> access.putIntOpaque(at, 1),
            () -> access.getAndAddInt(at, 1), () -> access.getAndSetInt(at, 1), () -> access.compareAndSetInt(at, 0, 1));
        for (final Executable executable : refused) {
            final String text = assertThrows(IllegalArgumentException.class, executable).getMessage();
            assertTrue(text.contains("address=0x" + Long.toHexString(at)), text);
        }
        assertArrayEquals(before, pages.snapshot());
    }

    @Test
    void faultsNameTheAddressAndChangeNothing() {
        pages.unmap(1);
        pages.map(3, 0, Entry.WRITABLE);
        pages.map(5, ScatteredPages.TAG, 0);
        pages.fill(random);
        final byte[] before = pages.snapshot();
        for (final int bad : new int[] {1, 3, 5}) {
            final long at = pages.address((long)bad * Pages.SIZE);
            assertFault(at, () -> access.putLong(at - 3, -1));
            assertFault(at, () -> access.putShort(at - 1, (short)-1));
            assertFault(at, () -> access.putByte(at, (byte)1));
            assertFault(at + 8, () -> access.getAndAddLong(at + 8, 1));
            assertFault(at, () -> access.setMemory(at - 100, 200, (byte)1));
            assertFault(at, () -> access.putBytes(at - 100, new byte[Pages.SIZE], 0, Pages.SIZE));
            assertFault(at, () -> access.copyMemory(pages.address(10 * Pages.SIZE), at - 10, Pages.SIZE));
            assertFault(at, () -> access.requireWritable(at - Pages.SIZE, 2 * Pages.SIZE));
            if (bad != 5) {
                assertFault(at, () -> access.getLong(at - 3));
                assertFault(at, () -> access.getIntVolatile(at));
                assertFault(at, () -> access.copyMemory(at - 10, pages.address(10 * Pages.SIZE), Pages.SIZE));
                assertFault(at, () -> access.forEachRun(at - 10, 20, (run, length) -> {
                    throw new AssertionError("a run was handed out");
                }));
            }
        }
        // Past either end of the mapped range, past the window, and nowhere at all.
        assertFault(pages.address(-1), () -> access.getByte(pages.address(-1)));
        assertFault(pages.address(pages.bytes()), () -> access.getLong(pages.address(pages.bytes() - 1)));
        assertFault(pages.table().end(), () -> access.getByte(pages.table().end()));
        assertFault(-1, () -> access.getByte(-1));
        assertFault(0, () -> access.putInt(0, 1));
        assertThrows(IllegalArgumentException.class, () -> access.setMemory(pages.address(0), -1, (byte)0));
        assertArrayEquals(before, pages.snapshot());
        assertFalse(pages.cpus().inSection());
    }

    private static void assertFault(final long address, final Executable access) {
        final PageFaultException fault = assertThrows(PageFaultException.class, access);
        assertEquals(Long.toHexString(address), Long.toHexString(fault.address()));
    }

    @Test
    void theLinearMap() {
        final Cpu cpu = pages.cpus().enter();
        final long frame = pages.linear().allocate(cpu, 1);
        cpu.exit();
        assertTrue(frame != PhysicalMemory.NO_FRAME);
        final long at = frame << Pages.SHIFT;
        access.putLong(at + Pages.SIZE - 3, 0x0102030405060708L, ByteOrder.BIG_ENDIAN);
        final long raw = pages.linear().memory().nativeAddressOrZero(at);
        for (int i = 0; i < 8; i++) {
            assertEquals(i + 1, UnsafeApi.getByte(raw + Pages.SIZE - 3 + i));
        }
        access.setMemory(at, 2 * Pages.SIZE, (byte)9);
        access.copyMemory(at, pages.address(50), 2 * Pages.SIZE);
        assertEquals(9, access.getByte(pages.address(50 + 2 * Pages.SIZE - 1)));
        assertFault(at | ScatteredPages.TAG, () -> access.getByte(at | ScatteredPages.TAG));
        assertFault(pages.linear().memory().physEnd(), () -> access.getByte(pages.linear().memory().physEnd()));
        assertThrows(IllegalArgumentException.class,
            () -> new MappedAccess(new PageTable(Pages.SIZE, 1), pages.linear().memory(), pages.cpus()));
    }

    @Test
    void bulkOfMoreThanOneSection() {
        final int length = pages.bytes() - 77;
        assertTrue(length > 2 * BulkCopy.SECTION_BYTES, "length=" + length);
        final byte[] source = new byte[length + 5];
        random.nextBytes(source);
        final long at = pages.address(33);
        access.putBytes(at, source, 5, length);
        assertArrayEquals(Arrays.copyOfRange(source, 5, length + 5), bytes(at, length));
        final ByteBuffer direct = ByteBuffer.allocateDirect(length);
        access.getBytes(at, direct, 0, length);
        assertEquals(ByteBuffer.wrap(source, 5, length), direct);
        final ByteBuffer slice = ByteBuffer.wrap(new byte[length + 3], 3, length).slice();
        access.getBytes(at, slice, 0, length);
        assertEquals(direct, slice);
        assertThrows(ReadOnlyBufferException.class, () -> access.getBytes(at, direct.asReadOnlyBuffer(), 0, 1));
        access.setMemory(at, length, (byte)0);
        access.putBytes(at, direct.asReadOnlyBuffer(), 0, length);
        final UnsafeBuffer buffer = new UnsafeBuffer(new byte[length]);
        access.getBytes(at, buffer, 0, length);
        assertArrayEquals(Arrays.copyOfRange(source, 5, length + 5), buffer.byteArray());
        access.setMemory(at, length, (byte)-1);
        access.putBytes(at, buffer, 0, length);
        assertArrayEquals(buffer.byteArray(), bytes(at, length));
    }

    /** Copies between overlapping ranges, by small and large distances, both ways, against {@code System.arraycopy}. */
    @Test
    void overlappingCopies() {
        final byte[] model = new byte[pages.bytes()];
        random.nextBytes(model);
        access.putBytes(pages.address(0), model, 0, model.length);
        final int[] distances = {1, 63, Pages.SIZE - 1, Pages.SIZE, Pages.SIZE + 1, 3 * Pages.SIZE + 7,
            (int)BulkCopy.SECTION_BYTES + 13};
        for (final int distance : distances) {
            final int length = model.length - distance - 20;
            access.copyMemory(pages.address(10), pages.address(10 + distance), length);
            System.arraycopy(model, 10, model, 10 + distance, length);
            assertArrayEquals(model, bytes(pages.address(0), model.length), "upwards by " + distance);
            access.copyMemory(pages.address(10 + distance), pages.address(10), length);
            System.arraycopy(model, 10 + distance, model, 10, length);
            assertArrayEquals(model, bytes(pages.address(0), model.length), "downwards by " + distance);
        }
        access.copyMemory(pages.address(10), pages.address(10), 1_000);
        access.copyMemory(pages.address(10), pages.address(20), 0);
        assertArrayEquals(model, bytes(pages.address(0), model.length));
    }

    @Test
    void runsCoverTheRangeInOrderAndInSections() {
        final byte[] model = new byte[pages.bytes()];
        random.nextBytes(model);
        access.putBytes(pages.address(0), model, 0, model.length);
        final int[] seen = {100};
        final int[] runs = {0};
        access.forEachRun(pages.address(100), model.length - 150, (run, length) -> {
            assertTrue(length > 0 && length <= BulkCopy.SECTION_BYTES, "length=" + length);
            assertTrue(pages.cpus().inSection());
            for (int i = 0; i < length; i++) {
                assertEquals(model[seen[0] + i], UnsafeApi.getByte(run + i));
            }
            seen[0] += length;
            runs[0]++;
        });
        assertEquals(model.length - 50, seen[0]);
        assertFalse(pages.cpus().inSection());
        assertTrue(runs[0] > PAGES / 4 && runs[0] < PAGES, "contiguous pages come as one run: runs=" + runs[0]);
    }
}
