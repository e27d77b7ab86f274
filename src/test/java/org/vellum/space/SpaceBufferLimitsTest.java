package org.vellum.space;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Random;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.vellum.mem.Pages;
import org.vellum.mmu.ScatteredPages;
import org.vellum.mmu.SpacePages;
import org.vellum.report.PageFaultException;
import org.vellum.vmap.VmapBuffer;

/** What a view of a space refuses, and what it does with other views. */
final class SpaceBufferLimitsTest {
    private final SpacePages pages = new SpacePages(4, 11);
    private final SpaceBuffer view = new SpaceBuffer(pages.access(), pages.address(0), pages.bytes());

    @Test
    void thereIsNoNativeAddress() {
        assertThrows(UnsupportedOperationException.class, view::addressOffset);
        assertThrows(UnsupportedOperationException.class, () -> new UnsafeBuffer(view));
        assertNull(view.byteArray());
        assertNull(view.byteBuffer());
        assertEquals(0, view.wrapAdjustment());
    }

    @Test
    void itShowsItsOwnSpaceOnly() {
        final SpaceBuffer foreign = new SpaceBuffer(new SpacePages(1, 1).access(), 0, 8);
        final List<Executable> wraps = List.of(() -> view.wrap(new byte[8]), () -> view.wrap(new byte[8], 0, 8),
            () -> view.wrap(ByteBuffer.allocate(8)), () -> view.wrap(ByteBuffer.allocate(8), 0, 8),
            () -> view.wrap(new UnsafeBuffer(new byte[8])), () -> view.wrap(foreign), () -> view.wrap(foreign, 0, 8));
        for (final Executable wrap : wraps) {
            assertThrows(UnsupportedOperationException.class, wrap);
        }
        final long end = pages.access().bytes();
        for (final Executable wrap : List.<Executable>of(() -> view.wrap(-1L, 1), () -> view.wrap(end - 7, 8), () -> view.wrap(end + 1, 0),
            () -> view.wrap(Long.MAX_VALUE, Integer.MAX_VALUE), () -> view.wrap(0L, -1))) {
            assertThrows(IllegalArgumentException.class, wrap);
        }
        assertEquals(pages.address(0), view.address());
        assertEquals(pages.bytes(), view.capacity());
        final SpaceBuffer part = new SpaceBuffer(pages.access());
        part.wrap(view, 100, 8);
        part.putLong(0, 42);
        assertEquals(42, view.getLong(100));
        assertThrows(IndexOutOfBoundsException.class, () -> part.wrap(view, pages.bytes() - 7, 8));
        assertThrows(IllegalStateException.class, () -> new SpaceBuffer(pages.access(), 12, 8).verifyAlignment());
        view.verifyAlignment();
        assertNotEquals(part, view);
        assertEquals(part, new SpaceBuffer(pages.access(), pages.address(100), 8));
    }

    @Test
    void textThatDoesNotFitItsPagesChangesNothing() {
        pages.fill(new Random(1));
        pages.forbid(1, true);
        final byte[] before = pages.snapshot();
        final int at = Pages.SIZE - 3;
        for (final Executable store : List.<Executable>of(() -> view.putStringAscii(at - 8, "across the boundary"),
            () -> view.putStringUtf8(at - 8, "across the boundary"), () -> view.putStringWithoutLengthAscii(at, "across the boundary"),
            () -> view.putLongAscii(at, Long.MIN_VALUE), () -> view.putNaturalPaddedIntAscii(at, 9, 5), () -> view.putLong(at, 1))) {
            assertEquals(pages.address(Pages.SIZE), assertThrows(PageFaultException.class, store).address());
        }
        assertThrows(PageFaultException.class, view::hashCode);
        assertArrayEquals(before, pages.snapshot());
        assertFalse(pages.cpus().inSection());
    }

    @Test
    void viewsOfSpacesAndOfTheWindowCopyToEachOther() {
        final ScatteredPages window = new ScatteredPages(4, 2);
        window.fill(new Random(2));
        final VmapBuffer mapped = new VmapBuffer(window.access(), window.address(0), window.bytes());
        final SpacePages others = new SpacePages(4, 3);
        final SpaceBuffer third = new SpaceBuffer(others.access(), others.address(0), others.bytes());
        final int length = 3 * Pages.SIZE - 50;
        view.putBytes(11, mapped, 22, length);
        third.putBytes(33, view, 11, length);
        third.getBytes(33, view, 5, length);
        view.getBytes(5, mapped, 0, length);
        mapped.putBytes(100, third, 33, length);
        final byte[] wanted = new byte[length];
        third.getBytes(33, wanted);
        final byte[] got = new byte[length];
        mapped.getBytes(100, got);
        assertArrayEquals(wanted, got);
        mapped.getBytes(100, third, 0, length);
        third.getBytes(0, got);
        assertArrayEquals(wanted, got);
        final byte[] window22 = new byte[8];
        mapped.getBytes(100, window22);
        assertEquals(view.getLong(5), new UnsafeBuffer(window22).getLong(0));
        assertThrows(IndexOutOfBoundsException.class, () -> view.getBytes(0, third, 10, others.bytes()));
    }
}
