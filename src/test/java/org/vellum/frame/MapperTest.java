package org.vellum.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;

/** Who shows a frame in address spaces. */
final class MapperTest {
    private final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(2));
    private final FrameAllocator frames = new FrameAllocator(cpus, FrameOptions.of(1 << 20));

    @Test
    void aFrameThatIsShownIsGivenUpByItsReferenceOnly() {
        try (Cpu cpu = cpus.enter()) {
            final long frame = frames.allocate(cpu, 0);
            assertEquals(0, frames.table().mapper(frame));
            assertTrue(frames.table().compareAndSetMapper(frame, 0, 7));
            assertFalse(frames.table().compareAndSetMapper(frame, 0, 8));
            assertThrows(IllegalStateException.class, () -> frames.free(cpu, frame, 0));
            frames.verify();
            assertEquals(1, frames.table().count(frame));
            assertEquals(7, frames.table().mapper(frame));
            frames.get(frame);
            assertFalse(frames.put(cpu, frame));
            assertEquals(7, frames.table().mapper(frame));
            assertTrue(frames.put(cpu, frame));
            final long again = frames.allocate(cpu, 0);
            assertEquals(frame, again);
            assertEquals(0, frames.table().mapper(again));
            frames.table().putMapper(again, 9);
            assertTrue(frames.table().compareAndSetMapper(again, 9, 0));
            frames.free(cpu, again, 0);
            frames.verify();
        }
    }
}
