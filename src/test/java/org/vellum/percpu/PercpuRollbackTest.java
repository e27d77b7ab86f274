package org.vellum.percpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.percpu.LayoutWorld.MIB;
import static org.vellum.percpu.LayoutWorld.PAGE;

import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.SmallMemory.Reader;
import org.vellum.Vellum;
import org.vellum.cpu.CpuOptions;
import org.vellum.report.Listener;

/** Setting up and closing, when those that are called on the way throw, or there is no slot to be had. */
final class PercpuRollbackTest {
    private static final int SLOTS = 2;

    private static CpuOptions fewSlots() {
        return CpuOptions.forThisMachine().withCachedSlots(SLOTS).withMaxSlots(SLOTS).withSlotWaitNanos(1_000_000);
    }

    private static PercpuAllocator open(final LayoutWorld world, final PercpuOptions options, final Listener listener) {
        return new PercpuAllocator(world.epochs, world.frames, world.access, world.space, world.reclaimer, world.vmap, null, options, listener);
    }

    private static LayoutWorld world(final CpuOptions slots) {
        return new LayoutWorld(slots, 4 * MIB, 4 * MIB, 16 * MIB, 1_000_000);
    }

    @Test
    void aListenerThatThrowsAtTheLayout() {
        for (final FirstChunkKind kind : FirstChunkKind.values()) {
            final LayoutWorld world = world(CpuOptions.forThisMachine().withCachedSlots(SLOTS));
            assertThrows(IllegalCallerException.class, () -> open(world, PercpuOptions.DEFAULT.withFirstChunk(kind), new Listener() {
                @Override
                public void percpuLayout(final String block) {
                    throw new IllegalCallerException(block);
                }
            }));
            world.requireQuiet(0, 0);
        }
    }

    /** Freeing undoes what failed for want of a slot: it must not need one. */
    @Test
    void unitsAreGivenBackWithoutASlot() throws Exception {
        final LayoutWorld world = world(fewSlots());
        final FrameUnitSource source = new FrameUnitSource(world.below);
        final long first = source.allocate(0, 8 * PAGE, PAGE);
        final long second = source.allocate(0, 8 * PAGE, PAGE);
        try (Reader one = new Reader(world.cpus, "one"); Reader other = new Reader(world.cpus, "other")) {
            assertEquals(1, one.cpu.index() + other.cpu.index(), "both slots");
            source.free(first, 8 * PAGE);
            source.free(second + PAGE, 7 * PAGE);
        }
        source.free(second, PAGE);
        world.requireQuiet(0, 0);
    }

    /** Gives memory back, and throws nevertheless, each time. */
    private static final class Throwing implements UnitSource {
        private final UnitSource real;

        Throwing(final UnitSource real) {
            this.real = real;
        }

        @Override
        public long allocate(final int cpu, final long bytes, final long align) {
            return real.allocate(cpu, bytes, align);
        }

        @Override
        public void free(final long address, final long bytes) {
            real.free(address, bytes);
            throw new IllegalCallerException("address=" + address);
        }

        @Override
        public boolean freesParts() {
            return true;
        }
    }

    @Test
    void aSourceThatThrowsAtEachPart() {
        final LayoutWorld world = world(CpuOptions.forThisMachine().withCachedSlots(4));
        final UnitSource source = new Throwing(new FrameUnitSource(world.below));
        // Eight pages a unit, of which it uses one: four ends, and none of them is lost because of another.
        final IllegalCallerException thrown = assertThrows(IllegalCallerException.class,
            () -> FirstChunk.setUp(PercpuOptions.DEFAULT.withDynamicBytes(0).withSource(source), world.below));
        assertEquals(3 + 1, thrown.getSuppressed().length, "the other ends, and the units");
        assertEquals(3, thrown.getSuppressed()[3].getSuppressed().length);
        world.requireQuiet(0, 0);
        final FirstChunk chunk = FirstChunk.setUp(PercpuOptions.DEFAULT.withSource(source), world.below);
        assertThrows(IllegalCallerException.class, chunk::close);
        world.requireQuiet(0, 0);
    }

    private static void fill(final PercpuAllocator percpu) {
        for (int i = 0; i < 4; i++) {
            percpu.allocate(percpu.maxBytes(), 4);
        }
    }

    /** Closing tells what it could not give back, and is over. */
    @Test
    void closingWithoutASlot() throws Exception {
        final LayoutWorld world = world(fewSlots());
        final PercpuAllocator percpu = open(world, PercpuOptions.DEFAULT, world.ear);
        fill(percpu);
        try (Reader one = new Reader(world.cpus, "one"); Reader other = new Reader(world.cpus, "other")) {
            assertEquals(1, one.cpu.index() + other.cpu.index(), "both slots");
            percpu.close(world.ear);
        }
        assertTrue(world.ear.heard.stream().anyMatch(line -> line.startsWith("releaseFailed percpu chunks")), world.ear.heard::toString);
        assertTrue(world.ear.heard.stream().anyMatch(line -> line.startsWith("releaseFailed percpu first chunk")
            && line.contains("grace period") && line.contains("one")), world.ear.heard::toString);
        assertThrows(IllegalStateException.class, () -> percpu.allocate(4, 4));
    }

    @Test
    void theMemoryIsClosedThoughThereIsNoSlot() throws Exception {
        final SmallMemory.Ear ear = new SmallMemory.Ear();
        final Vellum memory = SmallMemory.builder(1024, 4096).cpus(fewSlots()).graceNanos(1_000_000).listener(ear).open();
        final PercpuAllocator percpu = memory.percpu();
        fill(percpu);
        final PerCpuCounter counter = new PerCpuCounter(percpu);
        try (Reader one = new Reader(memory, "one"); Reader other = new Reader(memory, "other")) {
            assertEquals(1, one.cpu.index() + other.cpu.index(), "both slots");
            memory.close();
        }
        assertTrue(ear.heard.stream().anyMatch(line -> line.startsWith("releaseFailed percpu")), ear.heard::toString);
        assertThrows(IllegalStateException.class, () -> counter.add(1), "the slots are closed, too");
        assertThrows(IllegalStateException.class, () -> percpu.access().addLong(8, 1));
    }

    /** Who has asked whether the memory is open, and is late: there is no room any more, in the first chunk neither. */
    @Test
    void nobodyFindsRoomOnceItIsClosed() {
        final LayoutWorld world = world(fewSlots());
        final PercpuAllocator percpu = open(world, PercpuOptions.DEFAULT.withReservedBytes(64), world.ear);
        final Chunks chunks = percpu.supply().chunks;
        assertSame(chunks.first(), chunks.find(chunks.place(4, 4, true)));
        percpu.close(world.ear);
        assertEquals(0, chunks.place(4, 4, true));
        assertEquals(0, chunks.placeReserved(4, 4));
        world.requireQuiet(0, 0);
    }
}
