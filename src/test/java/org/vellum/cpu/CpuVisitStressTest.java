package org.vellum.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Threads that drain other slots by visiting them, beside threads that only work: no plain increment is lost. */
@Tag("stress")
final class CpuVisitStressTest {
    @Test
    void visitorsAndWorkersNeverMeetInASlot() throws Exception {
        final Cpus cpus = new Cpus(new CpuOptions(4, 4, 2, SlotLayout.ID_LIMIT, 1, 30_000_000_000L));
        final long[] counters = new long[4 * 32];
        final AtomicLong visits = new AtomicLong();
        final AtomicLong entries = new AtomicLong();
        final AtomicLong number = new AtomicLong();
        final long end = System.nanoTime() + 1_000_000_000L;
        TestThreads.inThreads(false, 16, () -> {
            final boolean visitor = number.incrementAndGet() % 2 == 0;
            long done = 0;
            for (int i = 0; System.nanoTime() < end; i++) {
                final Cpu cpu = visitor ? cpus.tryVisit(i & 3) : cpus.enter();
                if (cpu != null) {
                    final long before = counters[cpu.index() * 32];
                    assertSame(cpu, cpus.enter());
                    if ((i & 63) == 0) {
                        Thread.yield();
                    }
                    counters[cpu.index() * 32] = before + 1;
                    cpu.exit();
                    cpu.exit();
                    done++;
                }
            }
            (visitor ? visits : entries).addAndGet(done);
        });
        cpus.verifyQuiet();
        long sum = 0;
        for (final long counter : counters) {
            sum += counter;
        }
        assertEquals(visits.get() + entries.get(), sum);
        assertTrue(visits.get() > 0 && entries.get() > 0);
    }
}
