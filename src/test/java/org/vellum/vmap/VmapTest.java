package org.vellum.vmap;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.SmallMemory.PAGE;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mmu.Address;
import org.vellum.report.ExhaustedException;
import org.vellum.report.PageFaultException;

final class VmapTest {
    private static final long WINDOW = 2048;

    private final Vellum memory = SmallMemory.builder(512, WINDOW).graceNanos(1_000_000).open();
    private final Vmap vmap = memory.vmap();
    private final long[] frames = SmallMemory.frames(memory, 16);
    private long owned = 16;

    @AfterEach
    void nothingIsLost() {
        SmallMemory.requireQuiet(memory, owned, 0);
        memory.close();
    }

    private static long plain(final long address) {
        return address & Address.MASK;
    }

    @Test
    void framesAppearInTheOrderOfTheArrayAndStayTheCallers() {
        final long[] reversed = new long[16];
        for (int i = 0; i < 16; i++) {
            reversed[i] = frames[15 - i];
            memory.access().putLong(frames[i] * PAGE, 1000 + i);
        }
        final long address = vmap.vmap(reversed, 2, 10, 0);
        for (int i = 0; i < 10; i++) {
            assertEquals(1000 + 13 - i, memory.access().getLong(address + (long)i * PAGE));
        }
        assertThrows(PageFaultException.class, () -> memory.access().getLong(address + 10 * PAGE), "the guard");
        vmap.vunmap(address);
        assertThrows(PageFaultException.class, () -> memory.access().getLong(address));
        SmallMemory.settle(memory);
        assertEquals(16, memory.frames().allocatedFrames());
    }

    @Test
    void oneFrameMayAppearTwice() {
        final long address = vmap.vmap(new long[] {frames[0], frames[0]}, 0, 2, 0);
        memory.access().putInt(address, 5);
        assertEquals(5, memory.access().getInt(address + PAGE));
        vmap.vunmap(address);
    }

    @Test
    void readOnlyRefusesStores() {
        final long address = vmap.vmap(frames, 0, 2, VmallocFlags.READ_ONLY);
        memory.access().getInt(address);
        assertThrows(PageFaultException.class, () -> memory.access().putInt(address, 1));
        assertThrows(PageFaultException.class, () -> memory.buffer(address, PAGE).putInt(0, 1));
        vmap.vunmap(address);
    }

    @Test
    void v29NoGuardAndUnknownFlagsAreRefused() {
        for (final int flags : new int[] {VmallocFlags.NO_GUARD, VmallocFlags.ZERO, VmallocFlags.USER,
            VmallocFlags.CONTIGUOUS, 1 << 6, -1, Integer.MIN_VALUE}) {
            assertThrows(IllegalArgumentException.class, () -> vmap.vmap(frames, 0, 1, flags), "flags=" + flags);
        }
    }

    @Test
    void v32PutPagesHandsTheFramesOver() {
        final long address = vmap.vmap(frames, 0, 4, VmallocFlags.PUT_PAGES);
        assertThrows(IllegalArgumentException.class, () -> vmap.vunmap(address), "the frames are no longer the caller's");
        memory.access().putInt(address + 3 * PAGE, 1);
        memory.vfree(address);
        owned -= 4;
        SmallMemory.settle(memory);
        assertEquals(12, memory.frames().allocatedFrames());
    }

    @Test
    void v32OnlySingleFramesCanBePut() {
        final long block;
        try (Cpu cpu = memory.enter()) {
            block = memory.frames().allocate(cpu, 2);
        }
        final long[] four = {block, block + 1, block + 2, block + 3};
        assertThrows(IllegalArgumentException.class, () -> vmap.vmap(four, 0, 4, VmallocFlags.PUT_PAGES));
        final long address = vmap.vmap(four, 0, 4, 0);
        memory.access().putInt(address + 3 * PAGE, 1);
        vmap.vunmap(address);
        SmallMemory.settle(memory);
        try (Cpu cpu = memory.enter()) {
            memory.frames().free(cpu, block, 2);
        }
    }

    @Test
    void v32VunmapAndVfreeEndOnlyTheirOwnKinds() {
        final long mapped = vmap.vmap(frames, 0, 1, 0);
        final long allocated = memory.vmalloc(1);
        final long sparse = vmap.sparseArea(1);
        assertThrows(IllegalArgumentException.class, () -> memory.vfree(mapped));
        assertThrows(IllegalArgumentException.class, () -> memory.retire(mapped));
        assertThrows(IllegalArgumentException.class, () -> vmap.vunmap(allocated));
        assertThrows(IllegalArgumentException.class, () -> memory.vfree(sparse));
        assertThrows(IllegalArgumentException.class, () -> memory.vmUnmapRam(mapped, 1));
        assertThrows(IllegalArgumentException.class, () -> memory.vmUnmapRam(sparse, 1));
        assertThrows(IllegalArgumentException.class, () -> memory.vmalloc().vrealloc(mapped, 100));
        vmap.vunmap(mapped);
        vmap.vunmap(sparse);
        memory.vfree(allocated);
    }

    @Test
    void framesThatAreNotAllocatedAreRefused() {
        final long free = frames[15];
        SmallMemory.free(memory, free);
        owned--;
        for (final long bad : new long[] {free, -1, 0, PhysicalMemory.NO_FRAME, Long.MAX_VALUE, 1L << 40}) {
            assertThrows(IllegalArgumentException.class, () -> vmap.vmap(new long[] {frames[0], bad}, 0, 2, 0), "" + bad);
        }
        assertThrows(IllegalArgumentException.class, () -> vmap.vmap(frames, 0, 0, 0));
        assertThrows(IllegalArgumentException.class, () -> vmap.vmap(frames, -1, 2, 0));
        assertThrows(IllegalArgumentException.class, () -> vmap.vmap(frames, 15, 2, 0));
        assertThrows(IllegalArgumentException.class, () -> vmap.vmap(frames, 0, Integer.MAX_VALUE, 0));
        assertThrows(NullPointerException.class, () -> vmap.vmap(null, 0, 1, 0));
    }

    @Test
    void v44SparseAreasAreMappedPageByPage() {
        final long area = vmap.sparseArea(8 * PAGE);
        assertThrows(PageFaultException.class, () -> memory.access().getByte(area));
        vmap.mapPages(area, area + 2 * PAGE, frames, 0, 3);
        memory.access().putInt(area + 4 * PAGE, 7);
        assertThrows(PageFaultException.class, () -> memory.access().getByte(area + 5 * PAGE));
        assertThrows(IllegalArgumentException.class, () -> vmap.mapPages(area, area + PAGE, frames, 0, 2), "mapped already");
        assertThrows(PageFaultException.class, () -> memory.access().getByte(area + PAGE), "nothing was changed");
        assertThrows(IllegalArgumentException.class, () -> vmap.mapPages(area, area + 6 * PAGE, frames, 0, 3), "outside");
        assertThrows(IllegalArgumentException.class, () -> vmap.mapPages(area, area + 8 * PAGE, frames, 0, 1), "the guard");
        assertThrows(IllegalArgumentException.class, () -> vmap.mapPages(area, area - PAGE, frames, 0, 1));
        assertThrows(IllegalArgumentException.class, () -> vmap.mapPages(area, area + 1, frames, 0, 1));
        assertThrows(IllegalArgumentException.class, () -> vmap.mapPages(area, plain(area), frames, 0, 1), "no tag");
        assertThrows(IllegalArgumentException.class, () -> vmap.mapPages(area + PAGE, area + PAGE, frames, 0, 1));
        assertThrows(IllegalArgumentException.class, () -> vmap.mapPages(area, area, new long[] {-1}, 0, 1));
        assertThrows(IllegalArgumentException.class, () -> vmap.unmapPages(area, area + 6 * PAGE, 3));
        assertThrows(IllegalArgumentException.class, () -> vmap.unmapPages(area, area, Integer.MAX_VALUE));
        vmap.unmapPages(area, area, 4);
        assertThrows(PageFaultException.class, () -> memory.access().getByte(area + 3 * PAGE));
        assertEquals(7, memory.access().getInt(area + 4 * PAGE));
        vmap.mapPages(area, area, frames, 5, 4);
        final long kind = memory.vmalloc(1);
        assertThrows(IllegalArgumentException.class, () -> vmap.mapPages(kind, kind, frames, 0, 1), "wrong kind");
        memory.vfree(kind);
        vmap.vunmap(area);
        assertThrows(IllegalArgumentException.class, () -> vmap.mapPages(area, area, frames, 0, 1));
    }

    @Test
    void v44UnmapAliasesWaitsForUnmappedPagesToo() throws Exception {
        final long area = vmap.sparseArea(PAGE);
        vmap.mapPages(area, area, frames, 0, 1);
        final long flushes = memory.stats().flushes();
        vmap.unmapPages(area, area, 1);
        memory.unmapAliases();
        assertTrue(memory.stats().flushes() > flushes);
        vmap.vunmap(area);
    }

    @Test
    void v45CongruentAreasLieAtTheirOffsetsAsFarUpAsTheyFit() {
        final long end = memory.vmalloc().space().table.end();
        final long top = vmap.sparseArea(PAGE);
        final long[] areas = vmap.congruentAreas(new long[] {0, 64 * PAGE, 256 * PAGE},
            new long[] {16 * PAGE, 32 * PAGE, 16 * PAGE}, 16 * PAGE);
        assertEquals(plain(areas[0]) + 64 * PAGE, plain(areas[1]));
        assertEquals(plain(areas[0]) + 256 * PAGE, plain(areas[2]));
        assertEquals(end, plain(areas[2]) + 16 * PAGE, "at the top");
        assertEquals(0, plain(areas[0]) % (16 * PAGE));
        vmap.mapPages(areas[1], areas[1], frames, 0, 2);
        memory.access().putByte(areas[1] + PAGE, (byte)1);
        final long[] second = vmap.congruentAreas(new long[] {0, 64 * PAGE}, new long[] {16 * PAGE, 16 * PAGE}, 16 * PAGE);
        assertTrue(plain(second[1]) < end);
        for (final long area : areas) {
            vmap.vunmap(area);
        }
        vmap.vunmap(second[0]);
        vmap.vunmap(second[1]);
        vmap.vunmap(top);
    }

    @Test
    void v45AreasOfOneCallShareATag() {
        final long[] offsets = {0, 64 * PAGE, 256 * PAGE};
        final long[] sizes = {2 * PAGE, 2 * PAGE, 2 * PAGE};
        final long[] areas = vmap.congruentAreas(offsets, sizes, PAGE);
        for (int i = 0; i < areas.length; i++) {
            assertEquals(areas[0] + offsets[i], areas[i], "tags included");
            vmap.mapPages(areas[i], areas[i], frames, i, 1);
            memory.access().putLong(areas[i] + 8, 100 + i);
        }
        for (int from = 0; from < areas.length; from++) {
            for (int to = 0; to < areas.length; to++) {
                assertEquals(100 + to, memory.access().getLong(areas[from] + 8 - offsets[from] + offsets[to]));
            }
        }
        final long[] others = vmap.congruentAreas(offsets, sizes, PAGE);
        assertTrue(Address.tag(others[0]) != Address.tag(areas[0]), "calls do not share one");
        // Each is ended for itself, and once.
        vmap.vunmap(areas[1]);
        assertThrows(IllegalArgumentException.class, () -> vmap.vunmap(areas[1]));
        assertThrows(PageFaultException.class, () -> memory.access().getLong(areas[1] + 8));
        assertEquals(102, memory.access().getLong(areas[1] + 8 - offsets[1] + offsets[2]));
        for (final long area : new long[] {areas[0], areas[2], others[0], others[1], others[2]}) {
            vmap.vunmap(area);
        }
    }

    @Test
    void v45AlignmentIsOfTheAddress() {
        final long align = 8L << 20;
        final long held = vmap.sparseArea(100 * PAGE);
        try {
            final long[] areas = vmap.congruentAreas(new long[] {0}, new long[] {align}, align);
            assertEquals(0, plain(areas[0]) % align);
            vmap.vunmap(areas[0]);
        } catch (final ExhaustedException e) {
            // The window of 8 MiB need not hold an aligned 8 MiB; what it must not do is hand out a misaligned one.
            assertTrue(e.getMessage().contains("congruentAreas"), e.getMessage());
        }
        vmap.vunmap(held);
    }

    @Test
    void v45ReclaimsAndThenFails() {
        final long all = vmap.sparseArea((WINDOW - 1) * PAGE);
        vmap.vunmap(all);
        final long[] one = vmap.congruentAreas(new long[] {0}, new long[] {1024 * PAGE}, PAGE);
        assertTrue(memory.stats().exhaustions() > 0);
        final ExhaustedException refused = assertThrows(ExhaustedException.class,
            () -> vmap.congruentAreas(new long[] {0, 1024 * PAGE}, new long[] {1024 * PAGE, 1024 * PAGE}, PAGE));
        assertEquals(ExhaustedException.Resource.WINDOW, refused.resource());
        vmap.vunmap(one[0]);
    }

    @Test
    void v45RefusesWhatBreaksItsRules() {
        final long[][][] bad = {
            {{0, PAGE}, {2 * PAGE, PAGE}, {PAGE}}, {{0, 0}, {PAGE, PAGE}, {PAGE}}, {{0}, {PAGE, PAGE}, {PAGE}},
            {{}, {}, {PAGE}}, {{0}, {0}, {PAGE}}, {{0}, {PAGE}, {2 * PAGE}}, {{PAGE}, {2 * PAGE}, {2 * PAGE}},
            {{0}, {PAGE}, {3 * PAGE}}, {{0}, {PAGE}, {0}}, {{0}, {PAGE}, {-PAGE}}, {{0}, {PAGE}, {PAGE / 2}},
            {{-PAGE}, {PAGE}, {PAGE}}, {{0}, {-PAGE}, {PAGE}}, {{0}, {100}, {PAGE}}};
        for (final long[][] arguments : bad) {
            assertThrows(IllegalArgumentException.class,
                () -> vmap.congruentAreas(arguments[0], arguments[1], arguments[2][0]), java.util.Arrays.deepToString(arguments));
        }
        for (final long huge : new long[] {1L << 62, Long.MAX_VALUE & -PAGE}) {
            assertThrows(ExhaustedException.class, () -> vmap.congruentAreas(new long[] {huge}, new long[] {PAGE}, PAGE));
            assertThrows(ExhaustedException.class, () -> vmap.congruentAreas(new long[] {0}, new long[] {huge}, PAGE));
        }
        assertThrows(NullPointerException.class, () -> vmap.congruentAreas(null, new long[1], PAGE));
    }

    @Test
    void aClearByAThreadWithoutASlotIsWaitedForToo() throws Exception {
        // One slot, and a reader holds it: whoever unmaps now must do without. What it cleared, the reader may still see.
        try (Vellum tiny = SmallMemory.builder(64, 1024).cpus(org.vellum.cpu.CpuOptions.forThisMachine().withCachedSlots(1)
            .withMaxSlots(1).withSlotWaitNanos(1_000_000)).open()) {
            final long[] own = SmallMemory.frames(tiny, 2);
            final long address = tiny.vmap().vmap(own, 0, 2, 0);
            tiny.unmapAliases();
            final Thread waiter;
            try (SmallMemory.Reader reader = new SmallMemory.Reader(tiny, "reader")) {
                assertEquals(0, reader.cpu.index());
                tiny.vmap().vunmap(address);
                waiter = new Thread(tiny::unmapAliases, "waiter");
                waiter.setDaemon(true);
                waiter.start();
                waiter.join(200);
                assertTrue(waiter.isAlive(), "unmapAliases returned although the reader may use the old mapping");
            }
            waiter.join(60_000);
            assertFalse(waiter.isAlive());
            SmallMemory.free(tiny, own);
            SmallMemory.requireQuiet(tiny, 0, 0);
        }
    }

    @Test
    void liveAreasAreReportedByTheReader() {
        final long address = vmap.vmap(frames, 0, 3, 0);
        final AreaInfo info = memory.reader().findArea(address + PAGE + 3);
        assertEquals(new AreaInfo(address, 3 * PAGE, 3, 4, AreaKind.VMAP, false), info);
        vmap.vunmap(address);
        assertNull(memory.reader().findArea(address));
        assertArrayEquals(new long[] {0, 0}, new long[] {memory.stats().liveAreas(), memory.stats().limboFrameBytes()});
    }
}
