package org.vellum.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.frame.PhysicalMemory.NO_FRAME;

import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.vellum.SmallMemory;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.mem.Pages;

/** Banks that are added before a section, because nobody may wait for one inside. */
@Timeout(120)
class FrameGrowTest {
    private static final long BANK = FrameOptions.MIN_BANK_BYTES;
    private static final int BANK_FRAMES = (int)(BANK / Pages.SIZE);
    private static final int BANK_ORDER = 4;
    private static final int BANKS = 8;
    private static final int THREADS = 8;

    private final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(4));
    private final FrameAllocator frames = new FrameAllocator(cpus, new FrameOptions(BANKS * BANK, BANK));

    @Test
    void shouldAddAsManyBanksAsItTakesAndNoMore() {
        assertFalse(frames.isShort(0));
        assertTrue(frames.isShort(1));
        assertTrue(frames.grow(0));
        assertEquals(0, frames.presentFrames(), "nothing was wanted");
        assertTrue(frames.grow(1));
        assertEquals(BANK_FRAMES, frames.presentFrames());
        assertFalse(frames.isShort(BANK_FRAMES));
        assertTrue(frames.isShort(BANK_FRAMES + 1));
        assertTrue(frames.grow(BANK_FRAMES));
        assertEquals(BANK_FRAMES, frames.presentFrames(), "there were enough");
        assertTrue(frames.grow(2 * BANK_FRAMES + 1));
        assertEquals(3 * BANK_FRAMES, frames.presentFrames());
        frames.verify();
    }

    @Test
    void shouldCountOnlyWhatIsFree() {
        final long block;
        final long single;
        try (Cpu cpu = cpus.enter()) {
            block = frames.allocate(cpu, BANK_ORDER);
            assertTrue(frames.isShort(1));
            single = frames.allocate(cpu, 0);
            assertFalse(frames.isShort(BANK_FRAMES - 1), "those in the slot's list are free as well");
            assertTrue(frames.isShort(BANK_FRAMES));
        }
        assertTrue(frames.grow(BANK_FRAMES));
        assertEquals(3 * BANK_FRAMES, frames.presentFrames());
        try (Cpu cpu = cpus.enter()) {
            frames.free(cpu, block, BANK_ORDER);
            frames.free(cpu, single, 0);
        }
        assertFalse(frames.isShort(3 * BANK_FRAMES));
        frames.verify();
    }

    @Test
    void shouldSayWhenThereIsNoMoreToAdd() {
        assertFalse(frames.grow(BANKS * BANK_FRAMES + 1));
        assertEquals(BANKS * BANK_FRAMES, frames.presentFrames(), "as many as there are all the same");
        assertTrue(frames.grow(BANKS * BANK_FRAMES));
        try (Cpu cpu = cpus.enter()) {
            for (int bank = 0; bank < BANKS; bank++) {
                assertNotEquals(NO_FRAME, frames.allocate(cpu, BANK_ORDER));
            }
            assertEquals(NO_FRAME, frames.allocate(cpu, 0));
        }
        assertTrue(frames.isShort(1));
        assertFalse(frames.grow(1));
        frames.verify();
    }

    @Test
    void shouldTakeDetachedBanksBack() {
        assertTrue(frames.grow(BANKS * BANK_FRAMES));
        final long bank = frames.detachFreeBank();
        assertTrue(frames.isShort(BANKS * BANK_FRAMES));
        assertTrue(frames.grow(BANKS * BANK_FRAMES));
        assertEquals(1, frames.events(FrameEvent.BANK_TAKEN_BACK));
        assertFalse(frames.releaseBank(bank), "in use again");
    }

    @Test
    void shouldRefuseToGrowInsideASection() {
        assertTrue(frames.grow(1));
        try (Cpu cpu = cpus.enter()) {
            assertTrue(assertThrows(IllegalStateException.class, () -> frames.grow(BANK_FRAMES + 1)).getMessage()
                .contains("slot=" + cpu.index()));
            assertThrows(IllegalStateException.class, () -> frames.grow(1), "even if there is nothing to add");
            assertFalse(frames.isShort(1), "asking is allowed");
        }
        assertEquals(BANK_FRAMES, frames.presentFrames());
        cpus.verifyQuiet();
    }

    /** The JVM zeroes a bank of the usual size for tens of milliseconds: who meets that in a section may lose patience. */
    @Test
    void shouldServeAllWhoGrowAndThenAllocateInASection() throws Exception {
        final long large = 64L << 20;
        final FrameAllocator fresh = new FrameAllocator(cpus, new FrameOptions(2 * large, large));
        final CyclicBarrier start = new CyclicBarrier(THREADS);
        SmallMemory.inThreads(THREADS, thread -> {
            start.await(60, TimeUnit.SECONDS);
            assertTrue(fresh.grow(1));
            try (Cpu cpu = cpus.enter()) {
                assertNotEquals(NO_FRAME, fresh.allocate(cpu, 0), "thread=" + thread);
            }
        });
        assertEquals(large / Pages.SIZE, fresh.presentFrames(), "one bank for all");
        assertEquals(THREADS, fresh.allocatedFrames());
        fresh.verify();
        // Not left to the collector: the JVM's limit is shared with the other tests.
        try (Cpu cpu = cpus.enter()) {
            for (long frame = fresh.memory().bank(1).firstFrame(), left = THREADS; left > 0; frame++) {
                if (fresh.table().state(frame) == FrameTable.ALLOCATED) {
                    fresh.free(cpu, frame, 0);
                    left--;
                }
            }
        }
        fresh.drainIdle();
        assertTrue(fresh.releaseBank(fresh.detachFreeBank()));
    }

    /** Whoever finds nothing because another is adding the bank must hear of it, at whatever moment that is. */
    @Test
    void shouldNotCallABankOnItsWayExhaustion() throws Exception {
        final CyclicBarrier start = new CyclicBarrier(2);
        for (int round = 0; round < 2_000; round++) {
            final FrameAllocator fresh = new FrameAllocator(cpus, new FrameOptions(2 * BANK, BANK));
            final int at = round;
            SmallMemory.inThreads(2, thread -> {
                start.await(60, TimeUnit.SECONDS);
                final long run = allocateAwaiting(fresh, BANK_FRAMES);
                start.await(60, TimeUnit.SECONDS);
                assertNotEquals(NO_FRAME, run, "round=" + at + ": there is a bank for each");
                try (Cpu cpu = cpus.enter()) {
                    fresh.freeRun(cpu, run, 1);
                }
            });
            // Not left to the collector: the JVM's limit is shared with the other tests.
            for (long bank; (bank = fresh.detachFreeBank()) >= 0;) {
                fresh.releaseBank(bank);
            }
            assertEquals(0, fresh.presentFrames());
        }
    }

    private long allocateAwaiting(final FrameAllocator from, final long wanted) {
        long run;
        long seen;
        do {
            seen = from.banksAdded();
            try (Cpu cpu = cpus.enter()) {
                run = from.allocateRun(cpu, wanted, 1);
            }
        } while (run == NO_FRAME && from.awaitBank(wanted, seen));
        return run;
    }
}
