package org.vellum.vmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.StressClock;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.gather.MmuGather;
import org.vellum.report.ExhaustedException;
import org.vellum.report.ExhaustedException.Resource;
import org.vellum.report.PageFaultException;

/** A slot is refused in the middle of what takes several sections, one behind the other. */
final class SlotsRunOutTest {
    private static final int PAGE = SmallMemory.PAGE;
    private static final int COUNT = 6 * MmuGather.SLICE_PAGES + 3;

    /** Takes the one slot there is as soon as it is left, stays for longer than anybody waits, and then lets others begin. */
    private static void hog(final Cpus cpus, final AtomicBoolean stop) {
        while (!stop.get()) {
            final Cpu cpu = cpus.tryEnter();
            if (cpu != null) {
                spin(20_000);
                cpu.exit();
                spin(20_000);
            }
        }
    }

    private static void spin(final long nanos) {
        final long until = System.nanoTime() + nanos;
        while (System.nanoTime() < until) {
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
        final StressClock clock = new StressClock(100, () -> takenBack[0] >= 20);
        while (clock.running()) {
            final long before = clears(memory.cpus());
            try {
                memory.vmap().mapPages(area, area, frames, 0, COUNT);
                unmap(memory, area);
            } catch (final ExhaustedException e) {
                assertSame(Resource.SLOTS, e.resource());
                takenBack[0] += clears(memory.cpus()) > before ? 1 : 0;
                assertNothingIsMapped(memory, area);
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

    private static void assertNothingIsMapped(final Vellum memory, final long area) {
        for (int page = 0; page < COUNT; page++) {
            final long address = area + (long)page * PAGE;
            assertThrows(PageFaultException.class, () -> memory.access().getByte(address));
        }
    }
}
