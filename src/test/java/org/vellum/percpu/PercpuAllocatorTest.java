package org.vellum.percpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.percpu.LayoutWorld.MIB;
import static org.vellum.percpu.PercpuWorld.PAGE;
import static org.vellum.percpu.PercpuWorld.UNIT;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.SmallMemory.Reader;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.report.ExhaustedException;
import org.vellum.report.ExhaustedException.Resource;
import org.vellum.report.PageFaultException;

/** The face: what is allocated, and what is refused. */
final class PercpuAllocatorTest {
    private final PercpuWorld world = PercpuWorld.of(2048);
    private final PercpuAllocator percpu = world.percpu;

    /** Fills the first chunk, so that what follows is in others. */
    private List<Long> fillFirst() {
        final List<Long> pointers = new ArrayList<>();
        long pointer = percpu.allocate(PAGE, 4);
        while (world.chunkOf(pointer).isImmutable()) {
            pointers.add(pointer);
            pointer = percpu.allocate(pointers.size() < UNIT / PAGE - 1 ? PAGE : 64, 4);
        }
        percpu.free(pointer);
        return pointers;
    }

    private void free(final Iterable<Long> pointers) {
        for (final long pointer : pointers) {
            percpu.free(pointer);
        }
    }

    @Test
    void isZeroOnEveryCpuWhateverWasThere() {
        final List<Long> pointers = fillFirst();
        for (final int bytes : new int[] {1, 2, 3, 4, 5, 64, 1000, PAGE, PAGE + 4, 3 * PAGE, UNIT}) {
            for (int round = 0; round < 3; round++) {
                final long pointer = percpu.allocate(bytes, 4);
                world.requireZero(pointer, bytes);
                world.fill(pointer, bytes);
                world.requireContent(pointer, bytes);
                percpu.free(pointer);
            }
        }
        free(pointers);
        // And in the first chunk.
        final long pointer = percpu.allocate(PAGE, 4);
        assertTrue(world.chunkOf(pointer).isImmutable());
        world.fill(pointer, PAGE);
        percpu.free(pointer);
        final long again = percpu.allocate(PAGE, 4);
        assertEquals(pointer, again);
        world.requireZero(again, PAGE);
        percpu.free(again);
        world.close();
    }

    @Test
    void sizesRoundUpToFourAndAlignmentsHoldForEveryCopy() {
        final List<Long> pointers = fillFirst();
        for (int align = 1; align <= PAGE; align *= 2) {
            for (final int bytes : new int[] {1, 3, 4, 7, 100}) {
                final long pointer = percpu.allocate(bytes, align);
                for (int slot = 0; slot < world.layout.slots(); slot++) {
                    assertEquals(0, world.address(pointer, slot) & Math.max(4, align) - 1, "align=" + align);
                }
                pointers.add(pointer);
            }
        }
        final long bytes = percpu.stats().bytes();
        pointers.add(percpu.allocate(5, 1));
        assertEquals(bytes + 8, percpu.stats().bytes());
        free(pointers);
        world.close();
    }

    @Test
    void oneOffsetLeadsToEveryCopyInEveryChunk() {
        final List<Long> pointers = fillFirst();
        final Set<Chunk> chunks = new HashSet<>();
        for (int i = 0; i < 40; i++) {
            final long pointer = percpu.allocate(UNIT / 4, 8);
            chunks.add(world.chunkOf(pointer));
            world.fill(pointer, UNIT / 4);
            percpu.access().addReturnLong(pointer, 0);
            pointers.add(pointer);
        }
        assertEquals(10, chunks.size());
        for (final long pointer : pointers.subList(pointers.size() - 40, pointers.size())) {
            world.requireContent(pointer, UNIT / 4);
            for (int slot = 0; slot < world.layout.slots(); slot++) {
                final long copy = percpu.access().address(pointer, world.layout.cpuOf(slot));
                assertEquals(pointer + world.layout.unitOffset(slot), copy);
                assertEquals(world.rooms.access.getLong(copy), percpu.access().getLong(pointer, world.layout.cpuOf(slot)));
            }
        }
        free(pointers);
        world.close();
    }

    @Test
    void badArgumentsChangeNothing() {
        final long held = percpu.allocate(64, 64);
        final PercpuStats before = percpu.stats();
        for (final long bytes : new long[] {0, -1, UNIT + 1, 1L << 32, Long.MIN_VALUE, Long.MAX_VALUE}) {
            final IllegalArgumentException refused = assertThrows(IllegalArgumentException.class, () -> percpu.allocate(bytes, 4));
            assertTrue(refused.getMessage().contains("bytes=" + bytes), refused.getMessage());
            assertThrows(IllegalArgumentException.class, () -> percpu.allocateAtomic(bytes, 4));
            assertThrows(IllegalArgumentException.class, () -> percpu.allocateReserved(bytes, 4));
        }
        for (final long align : new long[] {0, -4, 3, 12, 2 * PAGE, Long.MIN_VALUE, 1L << 32}) {
            final IllegalArgumentException refused = assertThrows(IllegalArgumentException.class, () -> percpu.allocate(4, align));
            assertTrue(refused.getMessage().contains("align=" + align), refused.getMessage());
            assertThrows(IllegalArgumentException.class, () -> percpu.allocateAtomic(4, align));
            assertThrows(IllegalArgumentException.class, () -> percpu.allocateReserved(4, align));
        }
        assertThrows(IllegalArgumentException.class, () -> percpu.staticPointer(-1));
        assertThrows(IllegalArgumentException.class, () -> percpu.staticPointer(64));
        assertEquals(before, percpu.stats());
        percpu.free(held);
        world.close();
    }

    private <T extends RuntimeException> void refuses(final Class<T> type, final long pointer, final String why) {
        final T refused = assertThrows(type, () -> percpu.free(pointer));
        assertTrue(refused.getMessage().contains(why) && refused.getMessage().contains("pointer=0x" + Long.toHexString(pointer)),
            refused.getMessage());
    }

    @Test
    void badPointersChangeNothing() {
        final List<Long> pointers = fillFirst();
        final long held = percpu.allocate(100, 64);
        final long gone = percpu.allocate(100, 64);
        world.fill(held, 100);
        percpu.free(gone);
        percpu.free(0);
        final PercpuStats before = percpu.stats();
        refuses(IllegalStateException.class, gone, "nothing is allocated");
        refuses(IllegalStateException.class, gone + 8, "nothing is allocated");
        refuses(IllegalArgumentException.class, held + 4, "inside");
        refuses(IllegalArgumentException.class, held + 1, "inside");
        refuses(IllegalArgumentException.class, held + 96, "inside");
        refuses(IllegalArgumentException.class, percpu.staticPointer(0), "static");
        refuses(IllegalArgumentException.class, percpu.staticPointer(60), "static");
        refuses(IllegalArgumentException.class, pointers.get(0) + 4, "inside");
        refuses(IllegalArgumentException.class, 4, "not a percpu pointer");
        refuses(IllegalArgumentException.class, -1, "not a percpu pointer");
        refuses(IllegalArgumentException.class, Long.MIN_VALUE, "not a percpu pointer");
        // Another CPU's copy is an address, not a pointer; and a stale tag is another chunk's.
        refuses(IllegalArgumentException.class, held + UNIT, "not a percpu pointer");
        refuses(IllegalArgumentException.class, held ^ 1L << 48, "not a percpu pointer");
        assertEquals(before, percpu.stats());
        world.requireContent(held, 100);
        percpu.free(held);
        free(pointers);
        world.close();
    }

    @Test
    void cpuIdsThatAreNotPossibleAreRefused() {
        final long pointer = percpu.allocate(8, 8);
        assertThrows(IllegalArgumentException.class, () -> percpu.access().address(pointer, 4));
        assertThrows(IllegalArgumentException.class, () -> percpu.access().address(pointer, -1));
        percpu.free(pointer);
        world.close();
    }

    @Test
    void reservedAndStaticBytes() {
        final byte[] image = {1, 2, 3, 4, 5, 6, 7, 8};
        final PercpuWorld own = new PercpuWorld(4, 4 * MIB, 64 * MIB,
            PercpuOptions.DEFAULT.withStaticBytes(128).withStaticImage(image).withReservedBytes(256));
        final PercpuAllocator mine = own.percpu;
        for (int slot = 0; slot < 4; slot++) {
            assertEquals(0x0807060504030201L, own.rooms.access.getLong(own.address(mine.staticPointer(0), slot)));
            assertEquals(0, own.rooms.access.getLong(own.address(mine.staticPointer(120), slot)));
        }
        final List<Long> reserved = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            reserved.add(mine.allocateReserved(64, 64));
            assertEquals(mine.staticPointer(0) + 128 + 64 * i, reserved.get(i));
            own.fill(reserved.get(i), 64);
        }
        final ExhaustedException refused = assertThrows(ExhaustedException.class, () -> mine.allocateReserved(4, 4));
        assertSame(Resource.PERCPU_RESERVED, refused.resource());
        assertTrue(refused.getMessage().contains("reservedBytes=256"), refused.getMessage());
        final long dynamic = mine.allocate(64, 64);
        assertEquals(mine.staticPointer(0) + 128 + 256, dynamic);
        assertEquals(5, mine.stats().areas());
        assertThrows(IllegalArgumentException.class, () -> mine.free(reserved.get(1) + 4));
        mine.free(reserved.get(1));
        assertThrows(IllegalStateException.class, () -> mine.free(reserved.get(1)));
        assertEquals(reserved.get(1), mine.allocateReserved(32, 4));
        own.requireZero(reserved.get(1), 32);
        own.requireContent(reserved.get(0), 64);
        own.requireContent(reserved.get(2), 64);
        for (final long pointer : reserved) {
            mine.free(pointer);
        }
        mine.free(dynamic);
        assertThrows(ExhaustedException.class, () -> percpu.allocateReserved(4, 4), "none was asked for");
        own.close();
    }

    @Test
    void withoutWaitingOnlyWhatIsReadyIsTaken() {
        final List<Long> pointers = fillFirst();
        while (percpu.stats().emptyPages() > 0) {
            final long one = percpu.allocateAtomic(PAGE, PAGE);
            assertNotEquals(0, one);
            world.requireZero(one, PAGE);
            pointers.add(one);
        }
        assertEquals(0, percpu.stats().atomicFailures());
        assertEquals(0, percpu.allocateAtomic(PAGE, 4));
        assertEquals(1, percpu.stats().atomicFailures());
        assertTrue(percpu.balancer().isAsked());
        // After a failure as much is made ready as ever is; then it is there.
        percpu.balance();
        assertEquals(Chunks.EMPTY_PAGES_HIGH, percpu.stats().emptyPages());
        final long two = percpu.allocateAtomic(Chunks.EMPTY_PAGES_HIGH * PAGE, PAGE);
        assertNotEquals(0, two);
        world.requireZero(two, Chunks.EMPTY_PAGES_HIGH * PAGE);
        assertTrue(percpu.balancer().isAsked(), "fewer than the low mark are left");
        percpu.free(two);
        free(pointers);
        world.close();
    }

    @Test
    void insideASectionNothingWaits() throws Exception {
        final List<Long> pointers = fillFirst();
        final Cpu cpu = world.rooms.cpus.enter();
        final long ready = percpu.allocate(64, 4);
        world.requireZero(ready, 64);
        final ExhaustedException refused = assertThrows(ExhaustedException.class, () -> percpu.allocate(UNIT, 4));
        assertTrue(refused.getMessage().contains("inside a section") && refused.getMessage().contains("chunks=2"), refused.getMessage());
        assertThrows(IllegalStateException.class, percpu::balance);
        assertThrows(IllegalStateException.class, () -> percpu.close(world.rooms.ear));
        percpu.free(ready);
        cpu.exit();
        final long outside = percpu.allocate(UNIT, 4);
        // A reader elsewhere holds nobody up.
        try (Reader reader = new Reader(world.rooms.cpus, "reader")) {
            assertTrue(world.rooms.cpus.occupant(reader.cpu.index()) != null);
            percpu.free(outside);
            percpu.free(percpu.allocate(UNIT, 4));
        }
        free(pointers);
        world.close();
    }

    @Test
    void stalePointersFault() {
        final List<Long> pointers = fillFirst();
        final long one = percpu.allocate(UNIT, 4);
        final long two = percpu.allocate(UNIT, 4);
        percpu.free(two);
        percpu.free(one);
        percpu.balance();
        final long gone = percpu.supply().chunks.find(one) == null ? one : two;
        assertThrows(PageFaultException.class, () -> world.rooms.access.getInt(world.address(gone, 3)));
        assertThrows(IllegalArgumentException.class, () -> percpu.free(gone));
        free(pointers);
        world.close();
    }

    @Test
    void sparseIdsFarApartGroupsAndHoles() {
        final LayoutWorld rooms = new LayoutWorld(4, 8 * MIB, 96L << 30);
        final long[] sizes = {3 * UNIT, UNIT};
        final WindowSource source = new WindowSource(rooms, new long[] {0, 64L << 30}, sizes);
        final CpuDistance nodes = (from, to) -> from < 63 == to < 63 ? CpuDistance.LOCAL : CpuDistance.REMOTE;
        final PercpuWorld far = new PercpuWorld(rooms, PercpuOptions.DEFAULT.withCpuIds(0, 2, 5, 63).withDistance(nodes).withSource(source));
        assertEquals(64L << 30, far.layout.unitOffset(3));
        final List<Long> pointers = new ArrayList<>();
        for (int i = 0; i < 24; i++) {
            final long pointer = far.percpu.allocate(UNIT / 4, 64);
            far.requireZero(pointer, UNIT / 4);
            far.fill(pointer, UNIT / 4);
            pointers.add(pointer);
        }
        assertEquals(pointers.get(23) + (64L << 30), far.percpu.access().address(pointers.get(23), 63));
        assertThrows(IllegalArgumentException.class, () -> far.percpu.access().address(pointers.get(0), 1));
        assertTrue(far.percpu.stats().chunks() >= 6, "further chunks with the same holes");
        for (final long pointer : pointers) {
            far.requireContent(pointer, UNIT / 4);
            far.percpu.free(pointer);
        }
        far.percpu.balance();
        far.requireQuiet();
        far.percpu.close(rooms.ear);
    }

    @Test
    void pageByPageFirstChunk() {
        final PercpuWorld paged = new PercpuWorld(4, 4 * MIB, 64 * MIB, PercpuOptions.DEFAULT.withFirstChunk(FirstChunkKind.PAGE));
        final List<Long> pointers = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            final long pointer = paged.percpu.allocate(UNIT / 4, 64);
            paged.requireZero(pointer, UNIT / 4);
            paged.fill(pointer, UNIT / 4);
            paged.percpu.access().addReturnLong(pointer, 0);
            pointers.add(pointer);
        }
        for (final long pointer : pointers) {
            paged.requireContent(pointer, UNIT / 4);
            paged.percpu.free(pointer);
        }
        paged.close();
    }

    @Test
    void leaksAreToldAtCloseAndNothingWorksAfterwards() {
        fillFirst();
        percpu.allocate(100, 4);
        final PercpuStats stats = percpu.stats();
        percpu.close(world.rooms.ear);
        assertTrue(world.rooms.ear.heard("leaked percpu area count=" + stats.areas() + " bytes=" + 4 * stats.bytes()), world.rooms.ear.heard::toString);
        world.rooms.requireQuiet(0, 0);
        assertThrows(IllegalStateException.class, () -> percpu.allocate(4, 4));
        assertThrows(IllegalStateException.class, () -> percpu.allocateAtomic(4, 4));
        assertThrows(IllegalStateException.class, () -> percpu.allocateReserved(4, 4));
        assertThrows(IllegalStateException.class, () -> percpu.free(4));
        assertThrows(IllegalStateException.class, percpu::balance);
        percpu.close(world.rooms.ear);
        assertEquals(1, world.rooms.ear.heard.stream().filter(line -> line.startsWith("leaked")).count());
    }

    @Test
    void aMemoryHasItOnceItIsAskedFor() {
        final SmallMemory.Ear ear = new SmallMemory.Ear();
        final Vellum memory = SmallMemory.builder(2048, 4096).listener(ear).open();
        assertEquals(PercpuStats.NONE, memory.stats().percpu());
        assertEquals(0, memory.frames().allocatedFrames());
        final PercpuAllocator mine = memory.percpu();
        assertSame(mine, memory.percpu());
        assertTrue(ear.heard("percpu: embed"), ear.heard::toString);
        final List<Long> pointers = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            pointers.add(mine.allocate(1000, 8));
        }
        final long bytes = memory.stats().percpu().bytes();
        assertEquals(100_000, bytes);
        final PercpuStats stats = memory.stats().percpu();
        assertTrue(memory.report().contains("percpu: 100 areas of 100,000 bytes on each of 4 CPUs; " + stats.chunks() + " chunks"), memory::report);
        for (final long pointer : pointers) {
            mine.free(pointer);
        }
        memory.trim();
        SmallMemory.requireQuiet(memory, memory.stats().percpu().frames(), memory.stats().percpu().chunks() - 1);
        mine.allocate(8, 8);
        memory.close();
        assertTrue(ear.heard("leaked percpu area count=1 bytes=32"), ear.heard::toString);
        assertTrue(!ear.heard("leaked area"), ear.heard::toString);
        assertThrows(IllegalStateException.class, memory::percpu);
        assertThrows(IllegalStateException.class, () -> mine.allocate(4, 4));
    }

    @Test
    void isNotSetUpInsideASection() {
        try (Vellum memory = SmallMemory.open(2048, 4096)) {
            final Cpu cpu = memory.enter();
            assertThrows(IllegalStateException.class, memory::percpu);
            cpu.exit();
            memory.percpu();
            final Cpu again = memory.enter();
            memory.percpu();
            again.exit();
        }
    }
}
