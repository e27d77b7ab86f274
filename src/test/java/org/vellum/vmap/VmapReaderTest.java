package org.vellum.vmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.SmallMemory.PAGE;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import org.agrona.ExpandableArrayBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.StressClock;
import org.vellum.Vellum;
import org.vellum.mmu.Address;

final class VmapReaderTest {
    private final Vellum memory = SmallMemory.builder(512, 2048).graceNanos(SmallMemory.PATIENT_NANOS).open();
    private final VmapReader reader = memory.reader();
    private final long[] frames = SmallMemory.frames(memory, 4);
    private long areas;

    @AfterEach
    void nothingIsLost() {
        SmallMemory.requireQuiet(memory, frames.length, areas);
        memory.close();
    }

    @Test
    void v40ReadsWhatIsMappedAndZeroesTheHoles() {
        final long first = memory.vmalloc(2 * PAGE);
        final long second = memory.vmalloc(PAGE);
        memory.access().setMemory(first, 2 * PAGE, (byte)1);
        memory.access().setMemory(second, PAGE, (byte)2);
        final byte[] bytes = new byte[6 * PAGE];
        Arrays.fill(bytes, (byte)9);
        final int from = 100;
        assertEquals(3 * PAGE - from, reader.vread(first + from, new UnsafeBuffer(bytes), 0, bytes.length));
        for (int i = 0; i < bytes.length; i++) {
            final int at = i + from;
            final int expected = at < 2 * PAGE ? 1 : at >= 3 * PAGE && at < 4 * PAGE ? 2 : 0;
            assertEquals(expected, bytes[i], "offset=" + at);
        }
        memory.vfree(first);
        assertEquals(PAGE, reader.vread(first, new UnsafeBuffer(bytes), 0, 4 * PAGE), "what is in limbo is a hole");
        memory.vfree(second);
        assertEquals(0, reader.vread(first, new UnsafeBuffer(bytes), 0, bytes.length));
        assertEquals(0, bytes[bytes.length - 1]);
    }

    @Test
    void v40WritesStepOverHolesAndWhatIsReadOnly() {
        final long first = memory.vmalloc(PAGE);
        final long locked = memory.vmalloc().vmalloc(PAGE, PAGE, VmallocFlags.READ_ONLY | VmallocFlags.ZERO);
        final long last = memory.vmalloc(PAGE);
        final UnsafeBuffer source = new UnsafeBuffer(new byte[6 * PAGE]);
        source.setMemory(0, 6 * PAGE, (byte)5);
        assertEquals(2 * PAGE - 10, reader.vwrite(first + 10, source, 0, 6 * PAGE - 10));
        assertEquals(5, memory.access().getByte(first + PAGE - 1));
        assertEquals(0, memory.access().getByte(locked));
        assertEquals(5, memory.access().getByte(last));
        memory.vfree(first);
        memory.vfree(locked);
        memory.vfree(last);
    }

    @Test
    void v40SparseAreasReadAsHolesAndBlocksAsTheirMappings() {
        final long sparse = memory.vmap().sparseArea(2 * PAGE);
        memory.vmap().mapPages(sparse, sparse, frames, 0, 1);
        memory.access().putByte(sparse, (byte)3);
        final UnsafeBuffer buffer = new UnsafeBuffer(new byte[PAGE]);
        buffer.setMemory(0, PAGE, (byte)7);
        assertEquals(0, reader.vread(sparse, buffer, 0, PAGE));
        assertEquals(0, buffer.getByte(0));
        assertEquals(0, reader.vwrite(sparse, buffer, 0, PAGE));
        final long ram = memory.vmMapRam(frames, 0, 2);
        memory.access().putByte(ram + PAGE, (byte)4);
        assertEquals(PAGE, reader.vread(ram + PAGE, buffer, 0, PAGE));
        assertEquals(4, buffer.getByte(0));
        memory.vmUnmapRam(ram, 2);
        memory.vmap().vunmap(sparse);
    }

    @Test
    void boundsAndWrapAroundAreRefused() {
        final UnsafeBuffer buffer = new UnsafeBuffer(new byte[100]);
        final long address = memory.vmalloc(1);
        assertThrows(IllegalArgumentException.class, () -> reader.vread(address, buffer, 0, -1));
        assertThrows(IllegalArgumentException.class, () -> reader.vread(-1, buffer, 0, 100));
        assertThrows(IllegalArgumentException.class, () -> reader.vwrite(Address.MASK - 1, buffer, 0, 100));
        assertThrows(IndexOutOfBoundsException.class, () -> reader.vread(address, buffer, 1, 100));
        assertThrows(IndexOutOfBoundsException.class, () -> reader.vwrite(address, buffer, -1, 1));
        assertEquals(0, reader.vread(0, buffer, 0, 100), "outside the window");
        assertEquals(0, reader.vread(address, buffer, 0, 0));
        assertEquals(10, reader.vread(address, new ExpandableArrayBuffer(10), 0, 10));
        memory.vfree(address);
    }

    @Test
    void v31InteriorAddressesFindTheirArea() {
        final long address = memory.vmalloc(3 * PAGE - 5);
        for (final long inside : new long[] {address, address + 1, address + 3 * PAGE - 1,
            (address + PAGE) & Address.MASK}) {
            final AreaInfo info = reader.findArea(inside);
            assertNotNull(info, Long.toHexString(inside));
            assertEquals(address, info.address());
            assertEquals(3 * PAGE - 5, info.size());
        }
        assertNull(reader.findArea(address + 3 * PAGE), "the guard");
        assertNull(reader.findArea(address ^ 1L << 50), "another tag");
        assertNull(reader.findArea(0));
        assertNull(reader.findArea(-1));
        memory.vfree(address);
        assertNull(reader.findArea(address));
    }

    @Test
    void theBlockBehindAShortMappingIsFound() {
        final long ram = memory.vmMapRam(frames, 0, 4);
        final AreaInfo info = reader.findArea(ram + 2 * PAGE);
        assertNotNull(info);
        assertEquals(AreaKind.BLOCK, info.kind());
        memory.vmUnmapRam(ram, 4);
    }

    @Test
    void v41TheReportListsAreasInOrderAndSaysWhichAreLazy() {
        final long first = memory.vmalloc(PAGE + 1);
        final long second = memory.vmap().vmap(frames, 0, 1, 0);
        final long third = memory.vmalloc(1);
        memory.vfree(third);
        final String[] lines = reader.vmallocInfo().split("\\R");
        assertEquals(3, lines.length);
        assertTrue(lines[0].contains("4097") && lines[0].contains(" 2 pages vmalloc"), lines[0]);
        assertTrue(lines[1].contains("1 pages vmap"), lines[1]);
        assertTrue(lines[2].endsWith("vmalloc lazy"), lines[2]);
        memory.vmap().vunmap(second);
        memory.vfree(first);
    }

    @Test
    void v36WhoeverLooksWhileAreasComeAndGoSeesWholeOnes() throws Exception {
        final AtomicLong seen = new AtomicLong();
        final StressClock clock = new StressClock(500, () -> seen.get() > 0);
        SmallMemory.inThreads(3, thread -> {
            if (thread == 0) {
                final UnsafeBuffer buffer = new UnsafeBuffer(new byte[64 * PAGE]);
                while (clock.running()) {
                    for (int page = 0; page < 64; page++) {
                        final AreaInfo info = reader.findArea(memory.vmalloc().space().table.addressOf(page));
                        if (info != null) {
                            seen.incrementAndGet();
                            assertEquals(info.pages() + 1, info.spanPages());
                            assertEquals(info.size(), info.pages() * PAGE - info.pages(), "fields of one area");
                        }
                    }
                    reader.vmallocInfo();
                    reader.vread(memory.vmalloc().space().table.start(), buffer, 0, buffer.capacity());
                }
            } else {
                // One is always there, or whoever looks would see something only when this is preempted at the right moment.
                long live = memory.vmalloc(PAGE - 1);
                for (int i = 0; clock.running(); i++) {
                    final long pages = 1 + (i + thread) % 7;
                    final long next = memory.vmalloc(pages * PAGE - pages);
                    memory.vfree(live);
                    live = next;
                }
                memory.vfree(live);
            }
        });
        clock.assertCovered(() -> "seen=" + seen);
    }
}
