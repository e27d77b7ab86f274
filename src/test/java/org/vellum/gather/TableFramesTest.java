package org.vellum.gather;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.cpu.Cpu;
import org.vellum.frame.PhysicalMemory;
import org.vellum.report.Listener;

final class TableFramesTest {
    private final GatherWorld world = new GatherWorld(64, 64, 1 << 20, 4);
    private final TableFrames tables = world.tables;

    @Test
    void aTableIsZeroedWhateverTheFrameWas() {
        for (int i = 0; i < 64; i++) {
            final long frame = world.allocate();
            UnsafeApi.setMemory(world.frames.memory().nativeAddress(frame), 4096, (byte)-1);
        }
        for (long frame = 0; frame < world.frames.memory().bankLimit() * 16L; frame++) {
            if (world.isAllocated(frame)) {
                world.free(frame);
            }
        }
        final Cpu cpu = world.cpus.enter();
        final long table = tables.allocate(cpu);
        for (int i = 0; i < 512; i++) {
            assertEquals(0, UnsafeApi.getLong(world.frames.memory().nativeAddress(table) + 8L * i));
        }
        assertEquals(1, tables.live());
        assertThrows(IllegalStateException.class, () -> world.frames.free(cpu, table, 0), "nobody else frees it");
        tables.free(cpu, table);
        cpu.exit();
        assertEquals(0, tables.live());
        world.requireNothingLeft();
    }

    @Test
    void theirNumberInLimboIsBounded() throws Exception {
        try (SmallMemory.Reader reader = new SmallMemory.Reader(world.cpus, "reader")) {
            assertEquals(0, reader.cpu.index() & ~3);
            final Cpu cpu = world.cpus.enter();
            int got = 0;
            for (long table = tables.allocate(cpu); table != PhysicalMemory.NO_FRAME; table = tables.allocate(cpu)) {
                tables.retire(cpu, table);
                got++;
            }
            cpu.exit();
            assertEquals(5, got, "four may wait, and the one beyond is refused once there are more");
            assertEquals(5, tables.inLimbo());
            assertEquals(5, tables.live());
            assertFalse(tables.awaitRoom(1_000_000), "the reader stays");
        }
        assertTrue(tables.awaitRoom(SmallMemory.PATIENT_NANOS));
        assertEquals(0, tables.inLimbo());
        assertEquals(4, tables.mostInLimbo());
        world.requireNothingLeft();
        world.requireFramesInUse(0);
    }

    @Test
    void roomIsNotWaitedForInsideASection() {
        final Cpu cpu = world.cpus.enter();
        assertThrows(IllegalStateException.class, () -> tables.awaitRoom(1));
        cpu.exit();
        assertTrue(tables.awaitRoom(0));
        assertThrows(IllegalArgumentException.class, () -> new TableFrames(world.epochs, world.frames, 0, Listener.SILENT));
    }

    @Test
    void withoutAFrameThereIsNoTable() {
        while (world.allocate() != PhysicalMemory.NO_FRAME) {
            continue;
        }
        final Cpu cpu = world.cpus.enter();
        assertEquals(PhysicalMemory.NO_FRAME, tables.allocate(cpu));
        cpu.exit();
        assertEquals(0, tables.live());
    }
}
