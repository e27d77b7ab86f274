package org.vellum.mmu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.ReadOnlyBufferException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.BiConsumer;
import org.agrona.ExpandableArrayBuffer;
import org.agrona.UnsafeApi;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.vellum.cpu.Cpu;
import org.vellum.mem.Pages;
import org.vellum.report.PageFaultException;

/** Access by address of a space: what it reads and writes, and what it refuses. */
final class SpaceAccessTest {
    private static final int PAGES = 6;
    private static final ByteOrder BIG = ByteOrder.BIG_ENDIAN;

    private static final Map<String, BiConsumer<SpaceAccess, Long>> LOADS = new LinkedHashMap<>();
    private static final Map<String, BiConsumer<SpaceAccess, Long>> STORES = new LinkedHashMap<>();
    private static final Map<String, BiConsumer<SpaceAccess, Long>> ORDERED_LOADS = new LinkedHashMap<>();
    private static final Map<String, BiConsumer<SpaceAccess, Long>> ORDERED_STORES = new LinkedHashMap<>();

    static {
        LOADS.put("short", SpaceAccess::getShort);
        LOADS.put("char", SpaceAccess::getChar);
        LOADS.put("int", SpaceAccess::getInt);
        LOADS.put("long", SpaceAccess::getLong);
        LOADS.put("float", SpaceAccess::getFloat);
        LOADS.put("double", SpaceAccess::getDouble);
        LOADS.put("big long", (a, at) -> a.getLong(at, BIG));
        LOADS.put("bytes", (a, at) -> a.getBytes(at, new byte[8], 0, 8));
        LOADS.put("buffer", (a, at) -> a.getBytes(at, new UnsafeBuffer(new byte[8]), 0, 8));
        LOADS.put("direct", (a, at) -> a.getBytes(at, ByteBuffer.allocateDirect(8), 0, 8));
        STORES.put("short", (a, at) -> a.putShort(at, (short)-2));
        STORES.put("char", (a, at) -> a.putChar(at, (char)-2));
        STORES.put("int", (a, at) -> a.putInt(at, -2));
        STORES.put("long", (a, at) -> a.putLong(at, -2));
        STORES.put("float", (a, at) -> a.putFloat(at, -2));
        STORES.put("double", (a, at) -> a.putDouble(at, -2));
        STORES.put("big int", (a, at) -> a.putInt(at, -2, BIG));
        STORES.put("require", (a, at) -> a.requireWritable(at, 8));
        for (final boolean ints : new boolean[] {true, false}) {
            ordered(ints);
        }
        ORDERED_LOADS.put("short volatile", SpaceAccess::getShortVolatile);
        ORDERED_LOADS.put("char volatile", SpaceAccess::getCharVolatile);
        ORDERED_STORES.put("short volatile", (a, at) -> a.putShortVolatile(at, (short)-2));
        ORDERED_STORES.put("char volatile", (a, at) -> a.putCharVolatile(at, (char)-2));
    }

    private final SpacePages pages = new SpacePages(PAGES, 3);
    private final SpaceAccess access = pages.access();

    private static void ordered(final boolean ints) {
        final String type = ints ? "int " : "long ";
        ORDERED_LOADS.put(type + "volatile", ints ? SpaceAccess::getIntVolatile : SpaceAccess::getLongVolatile);
        ORDERED_LOADS.put(type + "acquire", ints ? SpaceAccess::getIntAcquire : SpaceAccess::getLongAcquire);
        ORDERED_LOADS.put(type + "opaque", ints ? SpaceAccess::getIntOpaque : SpaceAccess::getLongOpaque);
        ORDERED_STORES.put(type + "volatile", ints ? (a, at) -> a.putIntVolatile(at, -2) : (a, at) -> a.putLongVolatile(at, -2));
        ORDERED_STORES.put(type + "release", ints ? (a, at) -> a.putIntRelease(at, -2) : (a, at) -> a.putLongRelease(at, -2));
        ORDERED_STORES.put(type + "opaque", ints ? (a, at) -> a.putIntOpaque(at, -2) : (a, at) -> a.putLongOpaque(at, -2));
        ORDERED_STORES.put(type + "add", ints ? (a, at) -> a.getAndAddInt(at, -2) : (a, at) -> a.getAndAddLong(at, -2));
        ORDERED_STORES.put(type + "set", ints ? (a, at) -> a.getAndSetInt(at, -2) : (a, at) -> a.getAndSetLong(at, -2));
        ORDERED_STORES.put(type + "cas", ints ? (a, at) -> a.compareAndSetInt(at, 0, -2) : (a, at) -> a.compareAndSetLong(at, 0, -2));
        ORDERED_STORES.put(type + "cae",
            ints ? (a, at) -> a.compareAndExchangeInt(at, 0, -2) : (a, at) -> a.compareAndExchangeLong(at, 0, -2));
    }

    private static void each(final List<Map<String, BiConsumer<SpaceAccess, Long>>> kinds,
        final BiConsumer<String, BiConsumer<SpaceAccess, Long>> check) {
        kinds.forEach(kind -> kind.forEach(check));
    }

    @Test
    void theFirstAccessOfEachKindFaultsAndLeavesItsMarks() {
        final long at = pages.address(100);
        assertEquals(0, access.getLong(at));
        assertEquals(1, pages.faults());
        assertTrue(SpaceEntry.has(pages.world.table.get(1), SpaceEntry.READ_CHECK));
        assertFalse(SpaceEntry.has(pages.world.table.get(1), SpaceEntry.DIRTY));
        assertEquals(0, access.getInt(at + 8));
        assertEquals(1, pages.faults());
        access.putLong(at, 42);
        assertEquals(2, pages.faults(), "A and D are set without one");
        assertTrue(SpaceEntry.has(pages.world.table.get(1), SpaceEntry.WRITE_CHECK));
        access.putLong(at, 43);
        assertEquals(43, access.getLong(at));
        assertEquals(2, pages.faults());
    }

    @Test
    void valuesOfEveryWidthCrossPages() {
        final Random random = new Random(5);
        pages.fill(random);
        final ByteBuffer model = ByteBuffer.wrap(pages.snapshot());
        for (int at = Pages.SIZE - 9; at <= Pages.SIZE + 1; at++) {
            final long address = pages.address(at);
            for (final ByteOrder order : List.of(BIG, ByteOrder.LITTLE_ENDIAN)) {
                model.order(order);
                assertEquals(model.getShort(at), access.getShort(address, order));
                assertEquals(model.getChar(at), access.getChar(address, order));
                assertEquals(model.getInt(at), access.getInt(address, order));
                assertEquals(model.getLong(at), access.getLong(address, order));
                assertEquals(Float.floatToIntBits(model.getFloat(at)), Float.floatToIntBits(access.getFloat(address, order)));
                final long value = random.nextLong();
                access.putLong(address, value, order);
                model.putLong(at, value);
                access.putDouble(address + 16, at, order);
                model.putDouble(at + 16, at);
                access.putFloat(address + 24, at, order);
                model.putFloat(at + 24, at);
                access.putShort(address + 28, (short)value, order);
                model.putShort(at + 28, (short)value);
                assertEquals(at, access.getDouble(address + 16, order));
                assertArrayEquals(model.array(), pages.snapshot());
            }
        }
    }

    @Test
    void whatCrossesAndIsNotAllowedInItsSecondPageChangesNothing() {
        pages.fill(new Random(6));
        pages.forbid(3, true);
        final byte[] before = pages.snapshot();
        final long address = pages.address(3 * Pages.SIZE - 1);
        each(List.of(STORES, LOADS), (name, operation) -> {
            final PageFaultException fault = assertThrows(PageFaultException.class, () -> operation.accept(access, address), name);
            assertEquals(pages.address(3 * Pages.SIZE), fault.address(), name);
            assertEquals("a region", fault.region());
            assertArrayEquals(before, pages.snapshot(), name);
            assertFalse(pages.cpus().inSection(), name);
        });
    }

    @Test
    void orderedAccessAcrossPagesIsRefused() {
        pages.fill(new Random(8));
        final byte[] before = pages.snapshot();
        each(List.of(ORDERED_LOADS, ORDERED_STORES), (name, operation) ->
            assertThrows(IllegalArgumentException.class, () -> operation.accept(access, pages.address(Pages.SIZE - 1)), name));
        assertEquals(0, pages.faults());
        assertArrayEquals(before, pages.snapshot());
    }

    @Test
    void readOnlyPagesRefuseStoresOnly() {
        pages.fill(new Random(7));
        pages.forbid(0, false);
        final byte[] before = pages.snapshot();
        final long address = pages.address(64);
        each(List.of(LOADS, ORDERED_LOADS), (name, operation) -> operation.accept(access, address));
        access.getByte(address);
        each(List.of(STORES, ORDERED_STORES), (name, operation) -> {
            final PageFaultException fault = assertThrows(PageFaultException.class, () -> operation.accept(access, address), name);
            assertTrue(fault.isWrite(), name);
        });
        assertThrows(PageFaultException.class, () -> access.putByte(address, (byte)1));
        assertThrows(PageFaultException.class, () -> access.putBytes(address, new byte[8], 0, 8));
        assertThrows(PageFaultException.class, () -> access.setMemory(address, 8, (byte)1));
        assertThrows(PageFaultException.class, () -> access.copyMemory(pages.address(Pages.SIZE), address, 8));
        assertArrayEquals(before, pages.snapshot());
        assertFalse(pages.cpus().inSection());
    }

    @Test
    void anyAddressOutsideFaultsAndChangesNothing() {
        final long end = access.bytes();
        assertEquals((PAGES + 2L) * Pages.SIZE, end);
        final byte[] before = pages.snapshot();
        for (final long bad : new long[] {end, end + 8, end + 4096, 1L << 21, 1L << 40, 1L << 47, Long.MAX_VALUE - 7, Long.MAX_VALUE,
            Long.MIN_VALUE, Long.MIN_VALUE + 4096, -4096, -8, -1}) {
            each(List.of(LOADS, STORES, ORDERED_LOADS, ORDERED_STORES), (name, operation) -> {
                if ((bad & 7) == 0 || !name.contains(" ")) {
                    final PageFaultException fault = assertThrows(PageFaultException.class, () -> operation.accept(access, bad), name);
                    assertNull(fault.region());
                    assertEquals(bad, fault.address(), name);
                }
            });
            assertThrows(PageFaultException.class, () -> access.getByte(bad));
            assertThrows(PageFaultException.class, () -> access.copyMemory(bad, pages.address(0), 8));
            assertThrows(PageFaultException.class, () -> access.copyMemory(pages.address(0), bad, 8));
        }
        final long start = pages.address(0);
        for (final long length : new long[] {end - start + 1, Long.MAX_VALUE, Long.MAX_VALUE - start}) {
            assertEquals(end, assertThrows(PageFaultException.class, () -> access.setMemory(start, length, (byte)1)).address());
            assertThrows(PageFaultException.class, () -> access.copyMemory(start, start + 8, length));
            assertThrows(PageFaultException.class, () -> access.requireWritable(start, length));
        }
        assertThrows(IllegalArgumentException.class, () -> access.setMemory(start, -1, (byte)1));
        assertThrows(IllegalArgumentException.class, () -> access.copyMemory(start, start, Long.MIN_VALUE));
        access.setMemory(-1, 0, (byte)1);
        assertArrayEquals(before, pages.snapshot());
        assertEquals(0, pages.faults(), "nobody was asked");
    }

    @Test
    void whatCrossesTheEndOfTheSpaceChangesNothing() {
        final SpaceWorld world = new SpaceWorld(1, 1);
        world.attach(0, world.newFrame(0));
        world.set(0, world.present(world.newFrame(7), SpaceEntry.READABLE | SpaceEntry.WRITABLE));
        final SpaceAccess small = new SpaceAccess(world.table, (page, write) -> {
            throw new AssertionError("page=" + page);
        }, world.cpus);
        small.putLong(4088, 8);
        assertEquals(4096, assertThrows(PageFaultException.class, () -> small.putLong(4092, -1)).address());
        assertEquals(4096, assertThrows(PageFaultException.class, () -> small.putBytes(4000, new byte[97], 0, 97)).address());
        assertEquals(4096, assertThrows(PageFaultException.class, () -> small.getLong(4092)).address());
        assertEquals(8, small.getLong(4088));
        assertEquals(7, small.getLong(4080));
    }

    @Test
    void aFaultIsOutsideTheAccessorsSectionAndInsideTheCallers() {
        final List<Boolean> inside = new ArrayList<>();
        final SpaceAccess watched = new SpaceAccess(pages.world.table, (page, write) -> {
            inside.add(pages.cpus().inSection());
            pages.fault(page, write);
        }, pages.cpus());
        watched.putLong(pages.address(0), 1);
        watched.getLong(pages.address(Pages.SIZE));
        watched.setMemory(pages.address(2 * Pages.SIZE), 100, (byte)1);
        watched.putLong(pages.address(3 * Pages.SIZE - 4), 1);
        assertEquals(List.of(false, false, false, false), inside);
        inside.clear();
        try (Cpu section = pages.cpus().enter()) {
            watched.putLong(section, pages.address(4 * Pages.SIZE), 1);
            watched.putLong(pages.address(5 * Pages.SIZE), 1);
            assertEquals(List.of(true, true), inside);
            pages.putAway(4);
            watched.copyMemory(pages.address(5 * Pages.SIZE), pages.address(4 * Pages.SIZE + 8), 8);
            assertEquals(List.of(true, true, true), inside);
            assertTrue(pages.cpus().isOccupant(section), "still in the caller's");
        }
        assertFalse(pages.cpus().inSection());
        assertEquals(1, watched.getLong(pages.address(4 * Pages.SIZE)));
        assertEquals(1, watched.getLong(pages.address(4 * Pages.SIZE + 8)));
        pages.cpus().verifyQuiet();
    }

    @Test
    void hintsOfAnotherSlotOrAnotherMemoryAreIgnored() {
        final Cpu stale = pages.cpus().enter();
        stale.exit();
        final SpacePages others = new SpacePages(2, 1);
        try (Cpu foreign = others.cpus().enter()) {
            access.putLong(foreign, pages.address(8), 7);
            access.putInt(stale, pages.address(16), 8);
            assertEquals(7, access.getAndAddLong(foreign, pages.address(8), 1));
            assertEquals(8, access.getAndSetInt(null, pages.address(16), 9));
            assertTrue(access.compareAndSetInt(stale, pages.address(16), 9, 10));
        }
        assertFalse(pages.cpus().inSection());
        pages.cpus().verifyQuiet();
        others.cpus().verifyQuiet();
    }

    @Test
    void nativeAddressesAreForSections() {
        final long address = pages.address(Pages.SIZE + 24);
        final Cpu cpu = pages.cpus().enter();
        UnsafeApi.putLong(access.writable(cpu, address), 77);
        assertEquals(77, UnsafeApi.getLong(access.readable(cpu, address)));
        assertThrows(PageFaultException.class, () -> access.writable(cpu, -1));
        assertThrows(PageFaultException.class, () -> access.readable(cpu, 0));
        cpu.exit();
        assertEquals(77, access.getLong(address));
        assertThrows(IllegalStateException.class, () -> access.readable(cpu, address));
        assertThrows(IllegalStateException.class, () -> access.writable(null, address));
        pages.cpus().verifyQuiet();
    }

    @Test
    void aBulkOperationThatFaultsLeavesWhatItHasMoved() {
        pages.fill(new Random(9));
        pages.forbid(2, true);
        final byte[] before = pages.snapshot();
        final byte[] bytes = new byte[3 * Pages.SIZE];
        new Random(10).nextBytes(bytes);
        final long start = pages.address(100);
        final long bad = pages.address(2 * Pages.SIZE);
        assertEquals(bad, assertThrows(PageFaultException.class, () -> access.putBytes(start, bytes, 0, bytes.length)).address());
        System.arraycopy(bytes, 0, before, 100, 2 * Pages.SIZE - 100);
        assertArrayEquals(before, pages.snapshot());
        final byte[] target = new byte[bytes.length];
        assertEquals(bad, assertThrows(PageFaultException.class, () -> access.getBytes(start, target, 0, target.length)).address());
        for (int i = 0; i < target.length; i++) {
            assertEquals(i < 2 * Pages.SIZE - 100 ? bytes[i] : 0, target[i]);
        }
        assertEquals(bad, assertThrows(PageFaultException.class, () -> access.setMemory(start, bytes.length, (byte)3)).address());
        assertEquals(3, access.getByte(bad - 1));
        // Downwards: from the end to the page that may not be read.
        assertThrows(PageFaultException.class, () -> access.copyMemory(start, start + 8, 4 * Pages.SIZE));
        assertEquals(3, access.getByte(start));
        assertFalse(pages.cpus().inSection());
    }

    @Test
    void bulkCopiesGoToWhateverThereIs() {
        pages.fill(new Random(11));
        final byte[] content = pages.snapshot();
        final int length = 2 * Pages.SIZE + 77;
        final long from = pages.address(33);
        final ByteBuffer direct = ByteBuffer.allocateDirect(length + 5);
        access.getBytes(from, direct, 5, length);
        final ExpandableArrayBuffer expanding = new ExpandableArrayBuffer(8);
        access.getBytes(from, expanding, 3, length);
        final SpacePages others = new SpacePages(PAGES, 12);
        access.copyMemory(from, others.access(), others.address(7), length);
        final SpaceAccess same = new SpaceAccess(pages.world.table, pages, pages.cpus());
        access.copyMemory(from, same, pages.address(4 * Pages.SIZE - 90), length - 4096);
        final byte[] elsewhere = others.snapshot();
        final byte[] here = pages.snapshot();
        for (int i = 0; i < length; i++) {
            assertEquals(content[33 + i], direct.get(5 + i));
            assertEquals(content[33 + i], expanding.getByte(3 + i));
            assertEquals(content[33 + i], elsewhere[7 + i]);
            assertTrue(i >= length - 4096 || content[33 + i] == here[4 * Pages.SIZE - 90 + i]);
        }
        others.access().putBytes(others.address(0), direct, 5, length);
        others.access().putBytes(others.address(length), expanding, 3, length);
        assertEquals(content[33], others.snapshot()[0]);
        assertEquals(content[33 + length - 1], others.snapshot()[2 * length - 1]);
        assertThrows(ReadOnlyBufferException.class, () -> access.getBytes(from, direct.asReadOnlyBuffer(), 0, 8));
        assertThrows(IndexOutOfBoundsException.class, () -> access.getBytes(from, new byte[8], 4, 5));
        assertThrows(IndexOutOfBoundsException.class, () -> access.putBytes(from, new UnsafeBuffer(new byte[8]), 4, 5));
    }

    @Test
    void bulkOperationsOfSeveralSectionsMoveEveryByte() {
        final SpacePages many = new SpacePages(400, 13);
        final SpaceAccess by = many.access();
        final Random random = new Random(14);
        many.fill(random);
        final byte[] model = many.snapshot();
        final byte[] got = new byte[model.length];
        by.getBytes(many.address(0), got, 0, got.length);
        assertArrayEquals(model, got);
        final int length = model.length - 9000;
        for (final int distance : new int[] {7, 4096, 5003, -5, -8192}) {
            for (int i = 0; i < 50; i++) {
                many.putAway(random.nextInt(400));
            }
            final int from = distance < 0 ? 8500 : 100;
            by.copyMemory(many.address(from), many.address(from + distance), length);
            System.arraycopy(model, from, model, from + distance, length);
            assertArrayEquals(model, many.snapshot(), "distance=" + distance);
        }
        by.putBytes(many.address(1), got, 1, got.length - 2);
        System.arraycopy(got, 1, model, 1, got.length - 2);
        assertArrayEquals(model, many.snapshot());
        by.setMemory(many.address(3), (long)got.length - 6, (byte)9);
        Arrays.fill(model, 3, model.length - 3, (byte)9);
        assertArrayEquals(model, many.snapshot());
        many.cpus().verifyQuiet();
    }

    @Test
    void accessesMakeNoGarbage() {
        final ThreadMXBean threads = (ThreadMXBean)ManagementFactory.getThreadMXBean();
        final byte[] bytes = new byte[5000];
        long sum = 0;
        long before = 0;
        for (int i = 0; i < 60_000; i++) {
            if (i == 30_000) {
                before = threads.getThreadAllocatedBytes(Thread.currentThread().getId());
            }
            final long at = pages.address(i % 20_000);
            access.putLong(at, i);
            access.putShort(at + 9, (short)i);
            sum += access.getLong(at) + access.getInt(at + 3) + access.getAndAddLong(pages.address(8 * (i % 500)), 1);
            access.putBytes(at, bytes, 0, i % 3000);
            access.getBytes(at, bytes, 0, i % 3000);
            access.copyMemory(at, at + 5, i % 300);
        }
        final long made = threads.getThreadAllocatedBytes(Thread.currentThread().getId()) - before;
        assertTrue(sum != 0 && made < 20_000, "bytes=" + made);
    }
}
