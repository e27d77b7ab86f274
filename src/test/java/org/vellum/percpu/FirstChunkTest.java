package org.vellum.percpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.percpu.LayoutWorld.MIB;
import static org.vellum.percpu.LayoutWorld.PAGE;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.cpu.Cpu;
import org.vellum.mmu.Address;
import org.vellum.report.ExhaustedException;
import org.vellum.report.ExhaustedException.Resource;
import org.vellum.report.Listener;
import org.vellum.report.PageFaultException;

/** The first chunk: embedded or mapped, as chosen and for the reason told; all of it, or nothing. */
final class FirstChunkTest {
    private static final int UNIT = 32 << 10;
    private static final int UNIT_PAGES = UNIT / PAGE;
    private static final int SLOTS = 4;
    private static final PercpuOptions DEFAULT = PercpuOptions.DEFAULT;
    /** Even and odd CPUs are far apart. */
    private static final CpuDistance TWO_NODES = (from, to) -> (from & 1) == (to & 1) ? CpuDistance.LOCAL : CpuDistance.REMOTE;
    /** Each CPU is far from all others. */
    private static final CpuDistance FAR = (from, to) -> from == to ? CpuDistance.LOCAL : CpuDistance.REMOTE;

    private static LayoutWorld world() {
        return new LayoutWorld(SLOTS, 2 * MIB, 8 * MIB);
    }

    private static byte[] image(final int length) {
        final byte[] image = new byte[length];
        for (int i = 0; i < length; i++) {
            image[i] = (byte)(i * 7 + 1);
        }
        return image;
    }

    /** Each copy begins with the image, all else is zero, and no two copies share a byte. */
    private static void checkContent(final LayoutWorld world, final FirstChunk chunk, final byte[] image) {
        final Layout layout = chunk.layout();
        for (int slot = 0; slot < layout.slots(); slot++) {
            final long unit = chunk.base() + layout.unitOffset(slot);
            for (int i = 0; i < layout.firstBytes(); i++) {
                final byte expected = i < image.length ? image[i] : 0;
                assertEquals(expected, world.access.getByte(unit + i), "slot=" + slot + " offset=" + i);
            }
        }
        for (int slot = 0; slot < layout.slots(); slot++) {
            for (int i = 0; i < layout.firstBytes(); i += Long.BYTES) {
                world.access.putLong(chunk.base() + layout.unitOffset(slot) + i, (long)slot << 32 | i);
            }
        }
        for (int slot = 0; slot < layout.slots(); slot++) {
            for (int i = 0; i < layout.firstBytes(); i += Long.BYTES) {
                final long expected = (long)slot << 32 | i;
                assertEquals(expected, world.access.getLong(chunk.base() + layout.unitOffset(slot) + i));
                if (chunk.embedded()) {
                    assertEquals(expected, UnsafeApi.getLong(chunk.nativeUnit(slot) + i));
                }
            }
        }
    }

    @Test
    void embedsInContiguousFramesByDefault() {
        final LayoutWorld world = world();
        world.dirty(9);
        final byte[] image = image(64);
        final FirstChunk chunk = FirstChunk.setUp(DEFAULT.withStaticImage(image), world.below);
        assertTrue(chunk.embedded());
        assertEquals(0, Address.tag(chunk.base()), "linear");
        assertEquals(SLOTS * UNIT, chunk.bytes());
        world.requireQuiet(SLOTS * UNIT_PAGES, 0);
        checkContent(world, chunk, image);
        assertEquals(List.of("""
            percpu: embed, 8 pages a CPU, 4 CPUs, base 0x%x: the groups span 131072 bytes, at most 3/4 of the window of 8388608
              static=64 reserved=0 dynamic=32704 unit=32768 atom=4096 alloc=1*32768
              group 0 at 0x0: 00 01 02 03""".formatted(chunk.base())), world.ear.heard);
        assertTrue(chunk.close());
        assertTrue(chunk.close(), "once more");
        world.requireQuiet(0, 0);
    }

    @Test
    void unitsWithoutACpuAndEndsOfUnitsAreFreed() {
        final LayoutWorld world = new LayoutWorld(8, 2 * MIB, 8 * MIB);
        world.dirty(9);
        // 5 near each other and 3 others, two units an atom: a hole in each group; and of each unit three pages are used.
        final CpuDistance distance = (from, to) -> from < 5 == to < 5 ? CpuDistance.LOCAL : CpuDistance.REMOTE;
        final PercpuOptions options = DEFAULT.withDistance(distance).withAtomBytes(2 * UNIT).withDynamicBytes(3 * PAGE - 64);
        final FirstChunk chunk = FirstChunk.setUp(options, world.below);
        assertTrue(chunk.embedded());
        assertEquals(UNIT, chunk.layout().unitBytes());
        assertEquals(3 * PAGE, chunk.layout().firstBytes());
        assertTrue(world.ear.heard.get(0).contains("00 01 | 02 03 | 04 --"), world.ear.heard.get(0));
        assertEquals(8 * 3 * PAGE, chunk.bytes());
        world.requireQuiet(8 * 3, 0);
        checkContent(world, chunk, new byte[0]);
        assertTrue(chunk.close());
        world.requireQuiet(0, 0);
    }

    /** The case that all this is for: nodes 64 GiB apart, later chunks with the same holes, all from one arithmetic. */
    @Test
    void nodes64GibApartAndChunksCongruentToThem() {
        final long distance = 64L << 30;
        final LayoutWorld world = new LayoutWorld(SLOTS, 2 * MIB, 96L << 30);
        final long[] sizes = {3 * UNIT, UNIT};
        final WindowSource source = new WindowSource(world, new long[] {0, distance}, sizes);
        final CpuDistance nodes = (from, to) -> from < 63 == to < 63 ? CpuDistance.LOCAL : CpuDistance.REMOTE;
        final byte[] image = image(60);
        final FirstChunk chunk = FirstChunk.setUp(
            DEFAULT.withCpuIds(0, 2, 5, 63).withDistance(nodes).withSource(source).withStaticImage(image), world.below);
        assertTrue(chunk.embedded(), chunk.reason());
        assertEquals(source.areas[0], chunk.base());
        final Layout layout = chunk.layout();
        assertEquals(distance, layout.unitOffset(layout.slotOf(63)));
        checkContent(world, chunk, image);
        final long[][] more = new long[3][];
        for (int i = 0; i < more.length; i++) {
            more[i] = world.vmap.congruentAreas(layout.groupOffsets(), layout.groupBytes(), layout.areaAlign());
        }
        final int[] ids = {0, 2, 5, 63};
        final long first = world.takeBlock(4);
        for (int i = 0; i < more.length; i++) {
            for (final int id : ids) {
                final int slot = layout.slotOf(id);
                final long copy = more[i][0] + 2 * PAGE + layout.unitOffset(slot);
                world.vmap.mapPages(more[i][layout.groupOf(slot)], copy, new long[] {first + i * SLOTS + slot}, 0, 1);
                world.access.putLong(copy + 8, i * 1000L + id);
            }
        }
        for (int i = 0; i < more.length; i++) {
            for (final int id : ids) {
                assertEquals(i * 1000L + id, world.access.getLong(more[i][0] + 2 * PAGE + 8 + layout.unitOffset(layout.slotOf(id))));
            }
        }
        Arrays.stream(more).flatMapToLong(Arrays::stream).forEach(world.vmap::vunmap);
        world.free(first, 16);
        assertTrue(chunk.close());
        world.requireQuiet(0, 0);
    }

    /** Two pieces of one block, the second so far behind the first. */
    private static UnitSource apart(final LayoutWorld world, final long distance) {
        final long block = world.takeBlock(10) * PAGE;
        return new UnitSource() {
            private int calls;

            @Override
            public long allocate(final int cpu, final long bytes, final long align) {
                return block + calls++ * distance;
            }

            @Override
            public void free(final long address, final long bytes) {
                if (--calls == 0) {
                    world.free(block / PAGE, 1 << 10);
                }
            }
        };
    }

    @Test
    void groupsMaySpanThreeQuartersOfTheWindowAndNoMore() {
        final PercpuOptions options = DEFAULT.withDistance(TWO_NODES);
        final long fits = 3 * MIB - 2 * UNIT;
        final LayoutWorld near = new LayoutWorld(SLOTS, 8 * MIB, 4 * MIB);
        final FirstChunk chunk = FirstChunk.setUp(options.withSource(apart(near, fits)), near.below);
        assertTrue(chunk.embedded(), chunk.reason());
        assertEquals(fits, chunk.layout().unitOffset(1));
        checkContent(near, chunk, new byte[0]);
        assertTrue(chunk.close());
        near.requireQuiet(0, 0);

        final LayoutWorld far = new LayoutWorld(SLOTS, 8 * MIB, 4 * MIB);
        final FirstChunk paged = FirstChunk.setUp(options.withSource(apart(far, fits + PAGE)), far.below);
        assertFalse(paged.embedded());
        assertEquals("the groups span 3149824 bytes, more than 3/4 of the window of 4194304", paged.reason());
        far.requireQuiet(SLOTS * UNIT_PAGES, 1);
        checkContent(far, paged, new byte[0]);
        assertTrue(paged.close());
        far.requireQuiet(0, 0);
        final UnitSource again = apart(far, fits + PAGE);
        final ExhaustedException refused = assertThrows(ExhaustedException.class,
            () -> FirstChunk.setUp(options.withSource(again).withFirstChunk(FirstChunkKind.EMBED), far.below));
        assertEquals(Resource.WINDOW, refused.resource());
        assertTrue(refused.getMessage().contains("firstChunk=EMBED, but the groups span"), refused.getMessage());
        far.requireQuiet(0, 0);
    }

    @Test
    void whateverFailsForOneGroupFreesTheOthers() {
        for (final TestSource.Failure failure : TestSource.Failure.values()) {
            for (int call = 0; call < SLOTS && failure != TestSource.Failure.NONE; call++) {
                final LayoutWorld world = world();
                final TestSource forced = new TestSource(new FrameUnitSource(world.below), failure, call);
                final PercpuOptions options = DEFAULT.withDistance(FAR);
                final RuntimeException thrown = assertThrows(RuntimeException.class, () -> FirstChunk.setUp(
                    options.withSource(forced).withFirstChunk(FirstChunkKind.EMBED), world.below));
                assertEquals(expected(failure), thrown.getClass());
                assertTrue(failure == TestSource.Failure.THROWS || thrown.getMessage().contains("cpu=" + call), thrown.getMessage());
                checkRolledBack(world, forced, failure, call);
                assertEquals(List.of(), world.ear.heard);

                final TestSource asked = new TestSource(new FrameUnitSource(world.below), failure, call);
                if (failure != TestSource.Failure.THROWS) {
                    final FirstChunk chunk = FirstChunk.setUp(options.withSource(asked), world.below);
                    assertFalse(chunk.embedded());
                    assertTrue(chunk.reason().contains("cpu=" + call), chunk.reason());
                    assertTrue(world.ear.heard.get(0).contains("percpu: page, ") && world.ear.heard.get(0).contains(chunk.reason()));
                    checkContent(world, chunk, new byte[0]);
                    assertTrue(chunk.close());
                } else {
                    assertThrows(UnsupportedOperationException.class, () -> FirstChunk.setUp(options.withSource(asked), world.below));
                }
                checkRolledBack(world, asked, failure, call);
            }
        }
    }

    private static Class<?> expected(final TestSource.Failure failure) {
        return switch (failure) {
            case REFUSES -> ExhaustedException.class;
            case MISALIGNS -> IllegalArgumentException.class;
            default -> UnsupportedOperationException.class;
        };
    }

    private static void checkRolledBack(final LayoutWorld world, final TestSource source, final TestSource.Failure failure, final int call) {
        assertEquals(Map.of(), source.out);
        assertEquals(call + 1, source.calls, "nothing is asked for after a failure");
        assertEquals(call + (failure == TestSource.Failure.MISALIGNS ? 1 : 0), source.frees);
        world.requireQuiet(0, 0);
    }

    @Test
    void whatFreeingThrowsIsAddedToWhatItIsFreedFor() {
        final LayoutWorld world = world();
        final TestSource source = new TestSource(new FrameUnitSource(world.below), TestSource.Failure.THROWS, 3);
        source.throwsOnFree = true;
        final UnsupportedOperationException thrown = assertThrows(UnsupportedOperationException.class,
            () -> FirstChunk.setUp(DEFAULT.withDistance(FAR).withSource(source), world.below));
        assertEquals("call=3", thrown.getMessage());
        assertEquals(IllegalCallerException.class, thrown.getSuppressed()[0].getClass());
        assertEquals(3, source.frees);
        world.requireQuiet(0, 0);
    }

    @Test
    void aSourceThatTakesOnlyTheWholeBackGetsTheWhole() {
        final LayoutWorld world = world();
        final TestSource source = new TestSource(new FrameUnitSource(world.below), TestSource.Failure.NONE, -1);
        final FirstChunk chunk = FirstChunk.setUp(DEFAULT.withDistance(TWO_NODES).withSource(source).withDynamicBytes(0), world.below);
        assertEquals(PAGE, chunk.layout().firstBytes());
        assertEquals(SLOTS * UNIT, chunk.bytes());
        assertEquals(0, source.frees);
        checkContent(world, chunk, new byte[0]);
        assertTrue(chunk.close());
        assertEquals(2, source.frees);
        world.requireQuiet(0, 0);
    }

    /** Hands out what the test says, and checks that just that comes back. */
    private static final class Given implements UnitSource {
        final long[] addresses;
        int out;

        Given(final long... addresses) {
            this.addresses = addresses;
        }

        @Override
        public long allocate(final int cpu, final long bytes, final long align) {
            return addresses[out++];
        }

        @Override
        public void free(final long address, final long bytes) {
            assertEquals(addresses[--out], address);
            assertEquals(2 * UNIT, bytes);
        }
    }

    private static void refused(final LayoutWorld world, final String reason, final long... addresses) {
        final Given forced = new Given(addresses);
        final PercpuOptions options = DEFAULT.withDistance(TWO_NODES);
        final IllegalArgumentException thrown = assertThrows(IllegalArgumentException.class,
            () -> FirstChunk.setUp(options.withSource(forced).withFirstChunk(FirstChunkKind.EMBED), world.below));
        assertTrue(thrown.getMessage().contains(reason), thrown.getMessage());
        assertEquals(0, forced.out);
        final Given asked = new Given(addresses);
        final FirstChunk chunk = FirstChunk.setUp(options.withSource(asked), world.below);
        assertFalse(chunk.embedded());
        assertTrue(chunk.reason().contains(reason), chunk.reason());
        assertEquals(0, asked.out);
        assertTrue(chunk.close());
    }

    @Test
    void memoryThatIsNotThereOrNotInOnePieceIsNotEmbedded() {
        final LayoutWorld world = world();
        final long block = world.takeBlock(5);
        final long[] areas = world.vmap.congruentAreas(new long[] {0, 4 * UNIT}, new long[] {2 * UNIT, 2 * UNIT}, PAGE);
        final long[] frames = new long[2 * UNIT_PAGES];
        Arrays.setAll(frames, i -> block + i);
        world.vmap.mapPages(areas[0], areas[0], frames, 0, frames.length);
        refused(world, "not mapped side by side: cpu=1 address=0x" + Long.toHexString(areas[1]), areas[0], areas[1]);
        Arrays.setAll(frames, i -> block + 16 + (i ^ 1));
        world.vmap.mapPages(areas[1], areas[1], frames, 0, frames.length);
        refused(world, "not mapped side by side: cpu=1 address=0x" + Long.toHexString(areas[1]), areas[0], areas[1]);
        refused(world, "bears several tags", areas[0], block * PAGE);
        refused(world, "not mapped side by side", block * PAGE, world.frames.memory().physEnd());
        final Given overlapping = new Given(block * PAGE, block * PAGE + UNIT);
        final IllegalArgumentException wrong = assertThrows(IllegalArgumentException.class,
            () -> FirstChunk.setUp(DEFAULT.withDistance(TWO_NODES).withSource(overlapping), world.below));
        assertTrue(wrong.getMessage().endsWith("baseOffset=" + UNIT), wrong.getMessage());
        assertEquals(0, overlapping.out);
        Arrays.stream(areas).forEach(world.vmap::vunmap);
        world.free(block, 32);
        world.requireQuiet(0, 0);
    }

    @Test
    void pageByPageWhenAskedFor() {
        final LayoutWorld world = world();
        world.dirty(9);
        final byte[] image = image(6_001);
        final PercpuOptions options = DEFAULT.withFirstChunk(FirstChunkKind.PAGE).withCpuIds(0, 2, 5, 63).withDistance(FAR)
            .withStaticBytes(6_001).withStaticImage(image).withReservedBytes(100).withDynamicBytes(4_000).withAtomBytes(MIB);
        final FirstChunk chunk = FirstChunk.setUp(options, world.below);
        assertFalse(chunk.embedded());
        assertThrows(IllegalStateException.class, () -> chunk.nativeUnit(0));
        final Layout layout = chunk.layout();
        assertEquals(1, layout.groupOffsets().length, "one group, whatever the distance");
        assertEquals(3 * PAGE, layout.firstBytes());
        assertEquals(UNIT, layout.unitBytes());
        assertEquals(3 * UNIT, layout.unitOffset(layout.slotOf(63)));
        assertEquals(SLOTS * 3 * PAGE, chunk.bytes());
        world.requireQuiet(SLOTS * 3, 1);
        checkContent(world, chunk, image);
        assertThrows(PageFaultException.class, () -> world.access.getByte(chunk.base() + 3 * PAGE), "what it does not use is not there");
        assertEquals("it was asked for", chunk.reason());
        assertTrue(chunk.close());
        assertThrows(PageFaultException.class, () -> world.access.getByte(chunk.base()));
        world.requireQuiet(0, 0);
    }

    @Test
    void withoutContiguousFramesItIsPageByPage() {
        final LayoutWorld world = world();
        // Every other frame is taken: half of memory is free, but nothing in one piece.
        final long block = world.takeBlock(9);
        for (int i = 0; i < 512; i += 2) {
            world.free(block + i, 1);
        }
        final FirstChunk chunk = FirstChunk.setUp(DEFAULT, world.below);
        assertFalse(chunk.embedded());
        assertEquals("the source refuses memory: cpu=0 bytes=131072 align=4096", chunk.reason());
        checkContent(world, chunk, new byte[0]);
        assertTrue(chunk.close());
        assertEquals(Resource.FRAMES, assertThrows(ExhaustedException.class,
            () -> FirstChunk.setUp(DEFAULT.withFirstChunk(FirstChunkKind.EMBED), world.below)).resource());
        world.requireQuiet(256, 0);
        final LayoutWorld small = new LayoutWorld(SLOTS, 2 * MIB, 64 << 10, 8 * MIB, 0);
        final FirstChunk larger = FirstChunk.setUp(DEFAULT, small.below);
        assertFalse(larger.embedded(), "a group larger than a bank");
        assertTrue(larger.close());
        small.requireQuiet(0, 0);
    }

    @Test
    void exhaustionLeavesNothingBehind() {
        final LayoutWorld world = world();
        final long held = world.takeBlock(8);
        final long more = world.takeBlock(7);
        final long most = world.takeBlock(6);
        final long last = world.takeBlock(5);
        // 32 frames are left, and 4 × 10 are wanted.
        final PercpuOptions options = DEFAULT.withDynamicBytes(10 * PAGE - 64);
        for (final FirstChunkKind kind : FirstChunkKind.values()) {
            assertEquals(Resource.FRAMES, assertThrows(ExhaustedException.class,
                () -> FirstChunk.setUp(options.withFirstChunk(kind), world.below)).resource());
            world.requireQuiet(480, 0);
        }
        world.free(held, 256);
        world.free(more, 128);
        world.free(most, 64);
        world.free(last, 32);
        // 4 × 2 MiB of addresses, of which little is backed, in a window of 8 MiB that is not wholly free.
        final long area = world.vmap.sparseArea(PAGE);
        final PercpuOptions wide = DEFAULT.withDynamicBytes(2 * MIB).withFirstChunk(FirstChunkKind.PAGE);
        final LayoutWorld wider = new LayoutWorld(SLOTS, 16 * MIB, 8 * MIB);
        assertEquals(Resource.WINDOW, assertThrows(ExhaustedException.class, () -> FirstChunk.setUp(wide, wider.below)).resource());
        wider.requireQuiet(0, 0);
        world.vmap.vunmap(area);
        world.requireQuiet(0, 0);
        assertEquals(List.of(), world.ear.heard);
    }

    private static final class Injected extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    @Test
    void aListenerThatThrowsLeavesNoChunkBehind() {
        final LayoutWorld world = world();
        final Foundation rooms = world.below;
        final Listener throwing = new Listener() {
            @Override
            public void percpuLayout(final String block) {
                throw new Injected();
            }
        };
        final Foundation below = new Foundation(
            rooms.epochs(), rooms.frames(), rooms.access(), rooms.space(), rooms.reclaimer(), rooms.vmap(), throwing);
        for (final FirstChunkKind kind : FirstChunkKind.values()) {
            assertThrows(Injected.class, () -> FirstChunk.setUp(DEFAULT.withFirstChunk(kind), below));
            world.requireQuiet(0, 0);
        }
    }

    /** What a section may still look at is not freed; closing is tried again. */
    @Test
    void closingWaitsForSectionsButNotForEver() throws Exception {
        for (final FirstChunkKind kind : FirstChunkKind.values()) {
            final LayoutWorld world = new LayoutWorld(SLOTS, 2 * MIB, 2 * MIB, 8 * MIB, 1_000_000);
            final FirstChunk chunk = FirstChunk.setUp(DEFAULT.withFirstChunk(kind), world.below);
            try (SmallMemory.Reader reader = new SmallMemory.Reader(world.cpus, "reader")) {
                assertTrue(reader.cpu != null);
                assertFalse(chunk.close());
                assertFalse(chunk.close());
                assertEquals(SLOTS * UNIT_PAGES, world.frames.allocatedFrames());
            }
            // The reader has gone: however short, the wait finds that its section has ended.
            assertTrue(chunk.close());
            world.requireQuiet(0, 0);
        }
    }

    @Test
    void misuseChangesNothing() {
        final LayoutWorld world = world();
        try (Cpu cpu = world.cpus.enter()) {
            assertThrows(IllegalStateException.class, () -> FirstChunk.setUp(DEFAULT, world.below), "inside " + cpu);
        }
        for (final FirstChunkKind kind : FirstChunkKind.values()) {
            final IllegalArgumentException refused = assertThrows(IllegalArgumentException.class,
                () -> FirstChunk.setUp(DEFAULT.withCpuIds(0, 1, 2).withFirstChunk(kind), world.below));
            assertTrue(refused.getMessage().endsWith("cachedSlots=4 cpuIds.length=3"), refused.getMessage());
        }
        final FirstChunk chunk = FirstChunk.setUp(DEFAULT, world.below);
        try (Cpu cpu = world.cpus.enter()) {
            assertThrows(IllegalStateException.class, chunk::close, "inside " + cpu);
        }
        checkContent(world, chunk, new byte[0]);
        assertTrue(chunk.close());
        world.requireQuiet(0, 0);
    }
}
