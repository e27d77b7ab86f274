package org.vellum.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.mem.Pages;

/** Beyond what an int can index: 4 GiB in 64 banks, every frame allocated, touched, freed and given back. */
@Tag("large")
class FrameLargeTest {
    private static final long MEMORY = 4L << 30;
    private static final int FRAMES = (int)(MEMORY / Pages.SIZE);

    @Test
    void shouldServeFourGibibytesAndGiveThemBack() {
        final Cpus cpus = new Cpus(CpuOptions.forThisMachine());
        final FrameAllocator frames = new FrameAllocator(cpus, FrameOptions.of(MEMORY));
        final PhysicalMemory memory = frames.memory();
        final long[] all = new long[FRAMES];
        try (Cpu cpu = cpus.enter()) {
            assertEquals(FRAMES, frames.allocateBulk(cpu, all, 0, FRAMES));
            assertEquals(PhysicalMemory.NO_FRAME, frames.allocate(cpu, 0));
            assertEquals(MEMORY, memory.presentBytes());
            for (final long frame : all) {
                UnsafeApi.putLong(memory.nativeAddress(frame), frame);
            }
            frames.verify();
            for (final long frame : all) {
                assertEquals(frame, UnsafeApi.getLong(memory.nativeAddressOrZero(frame << Pages.SHIFT)), "owned twice");
            }
            assertEquals(FRAMES, frames.allocatedFrames());
            scatter(all);
            frames.freeBulk(cpu, all, 0, FRAMES);
        }
        frames.drainIdle();
        frames.verify();
        assertEquals(FRAMES, frames.freeFrames());
        int released = 0;
        for (long bank; (bank = frames.detachFreeBank()) >= 0; released++) {
            frames.releaseBank(bank);
        }
        assertEquals(64, released);
        assertEquals(0, memory.presentBytes());
        assertTrue(frames.events(FrameEvent.COALESCE) >= FRAMES - 64, "every block joined");
    }

    /** A fixed permutation: neighbours are freed far apart in time. */
    private static void scatter(final long[] all) {
        final long[] copy = all.clone();
        for (int i = 0; i < all.length; i++) {
            all[i] = copy[(int)(i * 7_919L & all.length - 1)];
        }
    }
}
