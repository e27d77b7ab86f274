package org.vellum.vmap;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import org.agrona.UnsafeApi;
import org.agrona.concurrent.UnsafeBuffer;
import org.agrona.concurrent.status.AtomicCounter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.vellum.mem.Pages;
import org.vellum.mmu.Address;
import org.vellum.mmu.Entry;
import org.vellum.mmu.MappedAccess;
import org.vellum.mmu.PageTable;
import org.vellum.mmu.ScatteredPages;
import org.vellum.report.PageFaultException;

/** What a view refuses, and that a fault changes nothing. */
final class VmapBufferLimitsTest {
    private static final int LAST_OF_FIRST_PAGE = Pages.SIZE - 3;

    private final ScatteredPages pages = new ScatteredPages(4, 11);
    private final VmapBuffer view = new VmapBuffer(pages.access(), pages.address(0), pages.bytes());

    /** Stores that begin in page 0 and end in page 1, one of each kind. */
    private static final List<Consumer<VmapBuffer>> CROSSING_STORES = List.of(
        v -> v.putLong(LAST_OF_FIRST_PAGE, -1),
        v -> v.putInt(LAST_OF_FIRST_PAGE, -1),
        v -> v.putDouble(LAST_OF_FIRST_PAGE, -1),
        v -> v.putFloat(LAST_OF_FIRST_PAGE, -1),
        v -> v.putShort(Pages.SIZE - 1, (short)-1),
        v -> v.putChar(Pages.SIZE - 1, (char)-1),
        v -> v.putBytes(LAST_OF_FIRST_PAGE, new byte[16]),
        v -> v.putBytes(100, new byte[Pages.SIZE]),
        v -> v.putBytes(100, ByteBuffer.allocateDirect(Pages.SIZE), 0, Pages.SIZE),
        v -> v.putBytes(100, new UnsafeBuffer(new byte[Pages.SIZE]), 0, Pages.SIZE),
        v -> v.setMemory(0, 2 * Pages.SIZE, (byte)1),
        v -> v.setMemory(LAST_OF_FIRST_PAGE, 8, (byte)1),
        v -> v.putStringAscii(LAST_OF_FIRST_PAGE - 8, "across the boundary"),
        v -> v.putStringWithoutLengthAscii(LAST_OF_FIRST_PAGE, "across the boundary"),
        v -> v.putStringUtf8(LAST_OF_FIRST_PAGE - 8, "across the boundary"),
        v -> v.putLongAscii(LAST_OF_FIRST_PAGE, Long.MIN_VALUE),
        v -> v.putNaturalIntAscii(LAST_OF_FIRST_PAGE, 1_234_567),
        v -> v.putNaturalPaddedIntAscii(LAST_OF_FIRST_PAGE, 9, 5),
        v -> v.putNaturalIntAsciiFromEnd(1_234_567, LAST_OF_FIRST_PAGE + 6));

    private static final List<Consumer<VmapBuffer>> CROSSING_LOADS = List.of(
        v -> v.getLong(LAST_OF_FIRST_PAGE),
        v -> v.getShort(Pages.SIZE - 1),
        v -> v.getBytes(100, new byte[Pages.SIZE]),
        v -> v.getStringWithoutLengthAscii(LAST_OF_FIRST_PAGE, 10),
        v -> v.parseIntAscii(LAST_OF_FIRST_PAGE, 5),
        VmapBuffer::hashCode);

    /** Runs it, and sees that it faults at page 1 and leaves all memory as it was. */
    private void assertFaultsAtSecondPage(final Consumer<VmapBuffer> access, final String what) {
        pages.fill(new Random(1));
        // Digits in page 0, so that parsing comes to page 1.
        for (int i = 0; i < 3; i++) {
            UnsafeApi.putByte(pages.nativePage(0) + LAST_OF_FIRST_PAGE + i, (byte)'1');
        }
        final byte[] before = pages.snapshot();
        final PageFaultException fault = assertThrows(PageFaultException.class, () -> access.accept(view), what);
        assertEquals(pages.address(Pages.SIZE), fault.address(), what);
        assertArrayEquals(before, pages.snapshot(), what);
        assertFalse(pages.cpus().inSection(), what);
    }

    @Test
    void unmappedPagesFaultAndNothingChanges() {
        pages.unmap(1);
        for (int i = 0; i < CROSSING_STORES.size(); i++) {
            assertFaultsAtSecondPage(CROSSING_STORES.get(i), "store " + i);
        }
        for (int i = 0; i < CROSSING_LOADS.size(); i++) {
            assertFaultsAtSecondPage(CROSSING_LOADS.get(i), "load " + i);
        }
    }

    @Test
    void pagesOfAnotherGenerationFaultAndNothingChanges() {
        pages.map(1, ScatteredPages.TAG ^ 1L << Address.TAG_SHIFT, Entry.WRITABLE);
        for (int i = 0; i < CROSSING_STORES.size(); i++) {
            assertFaultsAtSecondPage(CROSSING_STORES.get(i), "store " + i);
        }
        for (int i = 0; i < CROSSING_LOADS.size(); i++) {
            assertFaultsAtSecondPage(CROSSING_LOADS.get(i), "load " + i);
        }
    }

    @Test
    void readOnlyPagesFaultOnStoresOnly() {
        pages.map(1, ScatteredPages.TAG, 0);
        for (int i = 0; i < CROSSING_STORES.size(); i++) {
            assertFaultsAtSecondPage(CROSSING_STORES.get(i), "store " + i);
        }
        assertThrows(PageFaultException.class, () -> view.putByte(Pages.SIZE, (byte)1));
        assertThrows(PageFaultException.class, () -> view.putLongVolatile(Pages.SIZE, 1));
        assertThrows(PageFaultException.class, () -> view.compareAndSetLong(Pages.SIZE, 0, 1));
        assertThrows(PageFaultException.class, () -> view.getAndAddInt(Pages.SIZE, 1));
        view.setMemory(0, Pages.SIZE, (byte)'1');
        assertEquals('1', view.getByte(LAST_OF_FIRST_PAGE));
        view.getLong(LAST_OF_FIRST_PAGE);
        view.getLongVolatile(Pages.SIZE);
        view.getBytes(0, new byte[pages.bytes()]);
    }

    @Test
    void accessAfterUnmapNamesTheAddress() {
        pages.unmap(2);
        final long address = pages.address(2 * Pages.SIZE + 16);
        assertEquals(address, assertThrows(PageFaultException.class, () -> view.getLong(2 * Pages.SIZE + 16)).address());
        assertEquals(address, assertThrows(PageFaultException.class, () -> view.putInt(2 * Pages.SIZE + 16, 1)).address());
        assertEquals(address,
            assertThrows(PageFaultException.class, () -> view.getIntVolatile(2 * Pages.SIZE + 16)).address());
    }

    @Test
    void atomicsAcrossPagesAreRefused() {
        pages.fill(new Random(2));
        final byte[] before = pages.snapshot();
        final int index = LAST_OF_FIRST_PAGE;
        final List<Executable> accesses = List.of(
            () -> view.getLongVolatile(index), () -> view.getLongAcquire(index), () -> view.getLongOpaque(index),
            () -> view.putLongVolatile(index, 1), () -> view.putLongRelease(index, 1), () -> view.putLongOpaque(index, 1),
            () -> view.getAndAddLong(index, 1), () -> view.getAndSetLong(index, 1), () -> view.addLongRelease(index, 1),
            () -> view.compareAndSetLong(index, 1, 2), () -> view.compareAndExchangeLong(index, 1, 2),
            () -> view.getIntVolatile(index), () -> view.putIntRelease(index, 1), () -> view.getAndAddInt(index, 1),
            () -> view.compareAndSetInt(index, 1, 2), () -> view.getShortVolatile(Pages.SIZE - 1),
            () -> view.putCharVolatile(Pages.SIZE - 1, 'x'));
        for (final Executable access : accesses) {
            final String text = assertThrows(IllegalArgumentException.class, access).getMessage();
            assertTrue(text.contains("address=0x") && text.contains("width="), text);
        }
        assertArrayEquals(before, pages.snapshot());
        // Misaligned within a page they do what they do in UnsafeBuffer.
        view.putLongVolatile(17, 5);
        assertEquals(5, view.getAndAddLong(17, 1));
        assertEquals(6, view.getLongVolatile(17));
    }

    @Test
    void thereIsNoNativeAddress() {
        final UnsafeBuffer unsafe = new UnsafeBuffer(new byte[64]);
        assertThrows(UnsupportedOperationException.class, view::addressOffset);
        assertThrows(UnsupportedOperationException.class, () -> new UnsafeBuffer(view));
        assertThrows(UnsupportedOperationException.class, () -> unsafe.wrap(view, 0, 8));
        assertThrows(UnsupportedOperationException.class, () -> unsafe.compareTo(view));
        assertThrows(UnsupportedOperationException.class, () -> new AtomicCounter(view, 0));
        assertNull(view.byteArray());
        assertNull(view.byteBuffer());
        assertEquals(0, view.wrapAdjustment());
    }

    @Test
    void bulkBetweenTheTwoIsAskedOfTheView() {
        final UnsafeBuffer unsafe = new UnsafeBuffer(new byte[64]);
        view.putStringWithoutLengthAscii(Pages.SIZE - 4, "both sides");
        assertThrows(UnsupportedOperationException.class, () -> unsafe.putBytes(0, view, Pages.SIZE - 4, 10));
        assertArrayEquals(new byte[64], unsafe.byteArray());
        view.getBytes(Pages.SIZE - 4, unsafe, 0, 10);
        assertEquals("both sides", unsafe.getStringWithoutLengthAscii(0, 10));
        view.putBytes(2 * Pages.SIZE - 5, unsafe, 0, 10);
        assertEquals("both sides", view.getStringWithoutLengthAscii(2 * Pages.SIZE - 5, 10));
        // Agrona's getBytes asks the target, so from this side it may be written either way round.
        unsafe.getBytes(0, view, 7, 10);
        assertEquals("both sides", view.getStringWithoutLengthAscii(7, 10));
    }

    @Test
    void foreignMemoryIsRefused() {
        assertThrows(UnsupportedOperationException.class, () -> view.wrap(new byte[8]));
        assertThrows(UnsupportedOperationException.class, () -> view.wrap(new byte[8], 0, 8));
        assertThrows(UnsupportedOperationException.class, () -> view.wrap(ByteBuffer.allocate(8)));
        assertThrows(UnsupportedOperationException.class, () -> view.wrap(ByteBuffer.allocate(8), 0, 8));
        assertThrows(UnsupportedOperationException.class, () -> view.wrap(new UnsafeBuffer(new byte[8])));
        final ScatteredPages others = new ScatteredPages(1, 3);
        final VmapBuffer foreign = new VmapBuffer(others.access(), others.address(0), 8);
        assertThrows(UnsupportedOperationException.class, () -> view.wrap(foreign));
        final long before = pages.table().start() - Pages.SIZE;
        assertThrows(IllegalArgumentException.class, () -> view.wrap(before, 8));
        assertThrows(IllegalArgumentException.class, () -> view.wrap(pages.table().end(), 8));
        assertThrows(IllegalArgumentException.class, () -> view.wrap(pages.address(0), 6 * Pages.SIZE));
        assertThrows(IllegalArgumentException.class, () -> view.wrap(pages.address(0), -1));
        assertThrows(IllegalArgumentException.class, () -> view.wrap(pages.nativePage(0), 8));
        assertEquals(pages.address(0), view.address());
        assertEquals(pages.bytes(), view.capacity());
    }

    @Test
    void rangesNeverHandedOutFaultAtOnce() {
        final PageTable table = new PageTable(1L << 41, 20_000);
        table.onFault((address, write) -> new PageFaultException(address, "never handed out"));
        table.extendTo(1);
        final VmapBuffer early = new VmapBuffer(
            new MappedAccess(table, pages.linear().memory(), pages.cpus()), table.addressOf(0), Pages.SIZE);
        final long beyond = table.addressOf(19_000);
        assertEquals(beyond, assertThrows(PageFaultException.class, () -> early.wrap(beyond, 8)).address());
        assertThrows(PageFaultException.class, () -> early.wrap(table.addressOf(0), 19_000 * Pages.SIZE));
        assertEquals(table.addressOf(0), early.address());
        // Handed out, but not mapped: at the access.
        assertEquals(table.addressOf(0), assertThrows(PageFaultException.class, () -> early.getByte(0)).address());
        table.extendTo(20_000);
        early.wrap(beyond, 8);
        assertThrows(PageFaultException.class, () -> early.getLong(0));
    }

    @Test
    void partsOfViews() {
        final VmapBuffer part = new VmapBuffer(pages.access());
        assertEquals(0, part.capacity());
        assertThrows(IndexOutOfBoundsException.class, () -> part.getByte(0));
        part.wrap(view, Pages.SIZE - 2, 10);
        part.putLong(1, 0x1122334455667788L);
        assertEquals(0x1122334455667788L, view.getLong(Pages.SIZE - 1));
        assertThrows(IndexOutOfBoundsException.class, () -> part.wrap(view, pages.bytes() - 1, 2));
        assertThrows(IndexOutOfBoundsException.class, () -> part.getLong(3));
        final VmapBuffer twin = new VmapBuffer(pages.access(), pages.address(Pages.SIZE - 2), 10);
        assertEquals(part, twin);
        assertEquals(part.hashCode(), twin.hashCode());
        part.wrap(view);
        assertNotEquals(part, twin);
        assertEquals(view, part);
        assertTrue(view.toString().contains("capacity=" + pages.bytes()), view.toString());
    }

    @Test
    void copiesBetweenTwoMemories() {
        final ScatteredPages others = new ScatteredPages(4, 5);
        final VmapBuffer target = new VmapBuffer(others.access(), others.address(3), 3 * Pages.SIZE);
        pages.fill(new Random(4));
        target.putBytes(0, view, 100, target.capacity());
        for (int i = 0; i < target.capacity(); i++) {
            assertEquals(view.getByte(100 + i), target.getByte(i));
        }
        view.setMemory(0, view.capacity(), (byte)0);
        target.getBytes(0, view, 100, target.capacity());
        assertEquals(0, new UnsafeBuffer(bytes(view, 100, target.capacity())).compareTo(
            new UnsafeBuffer(bytes(target, 0, target.capacity()))));
    }

    private static byte[] bytes(final VmapBuffer buffer, final int index, final int length) {
        final byte[] bytes = new byte[length];
        buffer.getBytes(index, bytes);
        return bytes;
    }

    @Test
    void alignmentIsOfTheAddress() {
        view.verifyAlignment();
        view.wrap(pages.address(24), 64);
        view.verifyAlignment();
        view.wrap(pages.address(4), 64);
        assertThrows(IllegalStateException.class, view::verifyAlignment);
    }
}
