package org.vellum.mmu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CyclicBarrier;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.cpu.Cpu;
import org.vellum.frame.PhysicalMemory;

final class ZeroFrameTest {
    private final SpaceWorld world = new SpaceWorld(600, 2);
    private final ZeroFrame zero = new ZeroFrame(world.frames);

    private long state() {
        final Cpu cpu = world.cpus.enter();
        try {
            return zero.state(cpu);
        } finally {
            cpu.exit();
        }
    }

    private void release() {
        final Cpu cpu = world.cpus.enter();
        try {
            zero.release(cpu);
        } finally {
            cpu.exit();
        }
    }

    @Test
    void manyPagesShowOneFrameOfZeroes() {
        final long dirty = world.newFrame(-1);
        world.free(dirty);
        world.attach(0, world.newFrame(0));
        for (int page = 0; page < 100; page++) {
            assertTrue(world.set(page, state()));
        }
        assertEquals(2, world.frames.allocatedFrames());
        assertEquals(0, world.table.verify(world.frames.table()), "no entry holds a reference");
        final SpaceAccess reads = new SpaceAccess(world.table, (page, write) -> {
            throw new AssertionError("fault at page=" + page);
        }, world.cpus);
        for (int i = 0; i < 512; i++) {
            assertEquals(0, reads.getLong((50L << 12) + 8 * i));
        }
        assertFalse(SpaceEntry.has(world.table.get(7), SpaceEntry.WRITABLE));
        final long frame = world.frames.memory().frameOf(SpaceEntry.nativePage(state()));
        assertThrows(IllegalStateException.class, () -> world.free(frame), "nobody else frees it");
        for (int page = 0; page < 100; page++) {
            world.replace(page, SpaceEntry.NONE);
        }
        release();
        release();
        assertEquals(1, world.frames.allocatedFrames());
        assertEquals(0, UnsafeApi.getLong(SpaceEntry.nativePage(state())));
        release();
    }

    @Test
    void ofManyFirstUsesOneMakesIt() throws Exception {
        final CyclicBarrier barrier = new CyclicBarrier(4);
        for (int round = 0; round < 200; round++) {
            final long[] states = new long[4];
            SmallMemory.inThreads(4, thread -> {
                barrier.await();
                states[thread] = state();
            });
            for (final long one : states) {
                assertEquals(states[0], one);
            }
            assertEquals(1, world.frames.allocatedFrames());
            release();
        }
        assertEquals(0, world.frames.allocatedFrames());
    }

    @Test
    void withoutMemoryThereIsNone() {
        final Cpu cpu = world.cpus.enter();
        long last = PhysicalMemory.NO_FRAME;
        for (long frame = world.frames.allocate(cpu, 0); frame != PhysicalMemory.NO_FRAME; frame = world.frames.allocate(cpu, 0)) {
            last = frame;
        }
        assertEquals(SpaceEntry.NONE, zero.state(cpu));
        world.frames.free(cpu, last, 0);
        assertTrue(SpaceEntry.has(zero.state(cpu), SpaceEntry.ZERO | SpaceEntry.SPECIAL));
        cpu.exit();
    }
}
