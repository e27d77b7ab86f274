package org.vellum.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.frame.PhysicalMemory.NO_FRAME;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.StressClock;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;

/** Threads that only allocate, and threads that only free what those send them: nearly all blocks pass through the depot. */
class DepotStressTest {
    private static final long BANK = 1L << 20;
    private static final int BANKS = 16;
    private static final int PAIRS = 2;
    private static final int PLACES = 256;
    private static final int MARK = 9;
    /** Many times the entries there are. */
    private static final long PASSED = 5_000;
    private static final long DRAINED = 500;

    private final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(4));
    private final FrameAllocator frames = new FrameAllocator(cpus, new FrameOptions(BANKS * BANK, BANK));
    private final AtomicLongArray[] ways = new AtomicLongArray[PAIRS];
    private final AtomicInteger working = new AtomicInteger(2 * PAIRS);
    private final AtomicInteger producing = new AtomicInteger(PAIRS);
    private final StressClock clock = new StressClock(1_000, this::isCovered);

    private boolean isCovered() {
        return frames.events(FrameEvent.WITHDRAW) >= PASSED && drained() >= DRAINED;
    }

    /** Batches that the depot gave to the buddy, or still has. */
    private long drained() {
        return frames.events(FrameEvent.DEPOSIT) - frames.events(FrameEvent.WITHDRAW);
    }

    /** A run as one word: first frame and length. Every frame of it bears that word as long as it is owned. */
    private void produce(final int pair) {
        for (int at = 0; clock.running(); at++) {
            while (ways[pair].get(at % PLACES) != 0 && clock.running()) {
                Thread.yield();
            }
            try (Cpu cpu = cpus.enter()) {
                final long length = 1L << (at >>> 9 & 3);
                final long frame = frames.allocateRun(cpu, length, MARK);
                if (frame != NO_FRAME && ways[pair].get(at % PLACES) == 0) {
                    send(pair, at % PLACES, frame, length);
                } else if (frame != NO_FRAME) {
                    frames.freeRun(cpu, frame, MARK);
                }
            }
        }
    }

    private void send(final int pair, final int place, final long frame, final long length) {
        final long packet = frame << 8 | length;
        for (long i = 0; i < length; i++) {
            final long address = frames.memory().nativeAddress(frame + i);
            assertEquals(0, UnsafeApi.getLong(address), "two owners");
            UnsafeApi.putLong(address, packet);
        }
        ways[pair].set(place, packet);
    }

    private void consume(final int pair) {
        boolean last = false;
        while (!last) {
            // Read before the round: what was sent is found in it.
            last = producing.get() == 0;
            for (int at = 0; at < PLACES; at++) {
                final long packet = ways[pair].get(at);
                if (packet != 0) {
                    receive(packet);
                    ways[pair].set(at, 0);
                }
            }
            Thread.yield();
        }
    }

    private void receive(final long packet) {
        try (Cpu cpu = cpus.enter()) {
            for (long i = 0; i < (packet & 0xFF); i++) {
                final long address = frames.memory().nativeAddress((packet >>> 8) + i);
                assertEquals(packet, UnsafeApi.getLong(address), "two owners");
                UnsafeApi.putLong(address, 0);
            }
            frames.freeRun(cpu, packet >>> 8, MARK);
        }
    }

    /** Now and then, so that batches meet drains: large blocks, for which the depot is emptied, and banks that come and go. */
    private void disturb() {
        for (long next = 0; working.get() > 0; next = frames.events(FrameEvent.DEPOSIT) + 20) {
            while (working.get() > 0 && frames.events(FrameEvent.DEPOSIT) < next) {
                Thread.yield();
            }
            try (Cpu cpu = cpus.enter()) {
                final long block = frames.allocate(cpu, 8);
                if (block != NO_FRAME) {
                    frames.free(cpu, block, 8);
                }
            }
            if ((next & 7) == 0) {
                frames.drainIdle();
                frames.releaseBank(frames.detachFreeBank());
            }
        }
    }

    private void part(final int thread) {
        try {
            if (thread == 2 * PAIRS) {
                disturb();
            } else if ((thread & 1) == 0) {
                produce(thread >> 1);
            } else {
                consume(thread >> 1);
            }
        } catch (final RuntimeException | Error e) {
            clock.stop();
            throw e;
        } finally {
            if (thread < 2 * PAIRS) {
                producing.addAndGet((thread & 1) - 1);
                working.decrementAndGet();
            }
        }
    }

    @Test
    void whatPassesBetweenThreadsComesBack() throws Exception {
        for (int i = 0; i < PAIRS; i++) {
            ways[i] = new AtomicLongArray(PLACES);
        }
        SmallMemory.inThreads(2 * PAIRS + 1, this::part);
        cpus.verifyQuiet();
        frames.verify();
        assertEquals(0, frames.allocatedFrames());
        frames.drainIdle();
        assertEquals(0, frames.cachedFrames());
        assertEquals(frames.configuredFrames(), frames.freeFrames());
        for (long bank; (bank = frames.detachFreeBank()) >= 0;) {
            assertTrue(frames.releaseBank(bank));
        }
        assertEquals(0, frames.presentFrames());
        frames.verify();
        clock.assertCovered(() -> "withdrawals=" + frames.events(FrameEvent.WITHDRAW) + " drained=" + drained());
    }
}
