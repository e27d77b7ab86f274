package org.vellum.vmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.StressClock;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.gather.WindowGather;
import org.vellum.report.ExhaustedException;
import org.vellum.report.ExhaustedException.Resource;
import org.vellum.report.PageFaultException;

/** A slot is refused in the middle of what takes several sections, one behind the other. */
final class SlotsRunOutTest {
    private static final int PAGE = SmallMemory.PAGE;
    /** About what an attempt takes, so that the hog comes at any place of it. */
    private static final int MOST_NANOS = 300_000;
    private static final int COUNT = 6 * WindowGather.SLICE_PAGES + 3;

    /** The attempt that is under way, or 0 between two. */
    private final AtomicLong attempt = new AtomicLong();

    /** Takes the one slot there is, somewhere in the course of each attempt, as soon as it is left, and stays until the attempt is over. */
    private void hog(final Cpus cpus, final AtomicBoolean stop) {
        final SplittableRandom random = new SplittableRandom(1);
        while (!stop.get()) {
            final long current = attempt.get();
            final long from = System.nanoTime() + random.nextInt(MOST_NANOS);
            while (current != 0 && attempt.get() == current) {
                final Cpu cpu = System.nanoTime() - from < 0 ? null : cpus.tryEnter();
                if (cpu != null) {
                    stayDuring(current);
                    cpu.exit();
                }
            }
            Thread.onSpinWait();
        }
    }

    private void stayDuring(final long current) {
        for (int i = 1; attempt.get() == current; i++) {
            if (i % 1024 == 0) {
                Thread.yield();
            }
            Thread.onSpinWait();
        }
    }

    private static long clears(final Cpus cpus) {
        return cpus.clears(0) + cpus.slotlessClears();
    }

    @Test
    void pagesAreMappedWholeOrNotAtAll() throws Exception {
        final Vellum memory = SmallMemory.builder(COUNT + 256, 1 << 15)
            .cpus(CpuOptions.forThisMachine().withCachedSlots(1).withMaxSlots(1).withSlotWaitNanos(0)).open();
        final long[] frames = SmallMemory.frames(memory, COUNT);
        final long area = memory.vmap().sparseArea((long)COUNT * PAGE);
        final AtomicBoolean stop = new AtomicBoolean();
        final Thread hog = new Thread(() -> hog(memory.cpus(), stop));
        hog.start();
        final long[] takenBack = {0};
        final StressClock clock = new StressClock(100, () -> takenBack[0] >= 10);
        for (long number = 1; clock.running(); number++) {
            final long before = clears(memory.cpus());
            try {
                attempt.set(number);
                try {
                    memory.vmap().mapPages(area, area, frames, 0, COUNT);
                } finally {
                    attempt.set(0);
                }
                unmap(memory, area);
            } catch (final ExhaustedException e) {
                assertSame(Resource.SLOTS, e.resource());
                if (clears(memory.cpus()) > before) {
                    takenBack[0]++;
                    assertNothingIsMapped(memory, area);
                }
            }
        }
        stop.set(true);
        hog.join();
        clock.assertCovered(() -> "takenBack=" + takenBack[0]);
        memory.vmap().mapPages(area, area, frames, 0, COUNT);
        memory.access().putLong(area + (COUNT - 1L) * PAGE, 7);
        assertEquals(7, memory.access().getLong(area + (COUNT - 1L) * PAGE));
        memory.vmap().vunmap(area);
        SmallMemory.settle(memory);
        SmallMemory.free(memory, frames);
        SmallMemory.requireQuiet(memory, 0, 0);
        memory.close();
    }

    private static void unmap(final Vellum memory, final long area) {
        boolean done = false;
        while (!done) {
            try {
                memory.vmap().unmapPages(area, area, COUNT);
                done = true;
            } catch (final ExhaustedException e) {
                assertSame(Resource.SLOTS, e.resource());
            }
        }
    }

    /** The first of each slice: were any other left, the next attempt would be told. */
    private static void assertNothingIsMapped(final Vellum memory, final long area) {
        for (int page = 0; page < COUNT; page += WindowGather.SLICE_PAGES) {
            final long address = area + (long)page * PAGE;
            assertThrows(PageFaultException.class, () -> memory.access().getByte(address));
        }
    }
}
