package org.vellum.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.vellum.StressClock;

/** Threads that drain other slots by visiting them, beside threads that only work: no plain increment is lost. */
@Tag("stress")
final class CpuVisitStressTest {
    @Test
    void visitorsAndWorkersNeverMeetInASlot() throws Exception {
        final Cpus cpus = new Cpus(new CpuOptions(4, 4, 2, SlotLayout.ID_LIMIT, 1, 30_000_000_000L));
        final long[] counters = new long[4 * 32];
        final LongAdder visits = new LongAdder();
        final LongAdder entries = new LongAdder();
        final AtomicLong number = new AtomicLong();
        final StressClock clock = new StressClock(1_000, () -> visits.sum() > 0 && entries.sum() > 0);
        TestThreads.inThreads(false, 16, () -> {
            final boolean visitor = number.incrementAndGet() % 2 == 0;
            for (int i = 0; clock.running(); i++) {
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
                    (visitor ? visits : entries).increment();
                }
            }
        });
        cpus.verifyQuiet();
        long sum = 0;
        for (final long counter : counters) {
            sum += counter;
        }
        assertEquals(visits.sum() + entries.sum(), sum);
        clock.assertCovered(() -> "visits=" + visits + " entries=" + entries);
    }
}
