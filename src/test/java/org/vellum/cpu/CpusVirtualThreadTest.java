package org.vellum.cpu;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vellum.StressClock;

/** Ten thousand virtual threads, which unmount inside their sections, over a handful of slots. */
final class CpusVirtualThreadTest {
    private static final int THREADS = 10_000;

    @BeforeEach
    void needVirtualThreads() {
        assumeTrue(TestThreads.haveVirtual(), "this JDK has no virtual threads");
    }

    private static void run(final CpuOptions options, final Predicate<Cpus> covered) throws Exception {
        final CpusStressTest.Run run = new CpusStressTest.Run(options, 0, true, covered);
        run.crews(true, THREADS, () -> run.times(5));
    }

    @Test
    void tenThousandThreadsOverSixSlotsPark() throws Exception {
        run(new CpuOptions(4, 6, 64, SlotLayout.ID_LIMIT, 0xFFFF_FF01L, 600_000_000_000L),
            cpus -> cpus.displacement().entries.get() > 0 && cpus.displacement().rehomed.get() > 0);
    }

    @Test
    void tenThousandThreadsOverManySlots() throws Exception {
        run(new CpuOptions(16, CpuOptions.MAX_SLOTS, 4096, SlotLayout.ID_LIMIT, 1, 600_000_000_000L), cpus -> true);
    }

    @Test
    void whoWaitsLetsTheCarrierGoOnWithTheHolder() throws Exception {
        // Twice as many waiters as a machine has carriers, all behind one holder that parks inside its section.
        final int waiters = 2 * Runtime.getRuntime().availableProcessors() + 2;
        final Cpus cpus = new Cpus(new CpuOptions(1, 1, 4, SlotLayout.ID_LIMIT, 1, 300_000_000_000L));
        final StressClock clock = new StressClock(0, () -> cpus.displacement().waits.get() > 0);
        do {
            TestThreads.inThreads(true, waiters, () -> enterInterrupted(cpus));
        } while (clock.running());
        clock.assertCovered(() -> "nobody waited");
        cpus.verifyQuiet();
    }

    private static void enterInterrupted(final Cpus cpus) {
        for (int i = 0; i < 5; i++) {
            Thread.currentThread().interrupt();
            final Cpu cpu = cpus.enter();
            assertTrue(Thread.interrupted(), "the interrupt was lost");
            final long until = System.nanoTime() + 1_000_000L;
            while (System.nanoTime() - until < 0) {
                LockSupport.parkNanos(200_000L);
            }
            cpu.exit();
        }
    }
}
