package org.vellum.cpu;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Ten thousand virtual threads, which unmount inside their sections, over a handful of slots. */
final class CpusVirtualThreadTest {
    private static final int THREADS = 10_000;

    @BeforeEach
    void needVirtualThreads() {
        assumeTrue(TestThreads.haveVirtual(), "this JDK has no virtual threads");
    }

    private static CpusStressTest.Run run(final CpuOptions options) throws Exception {
        final CpusStressTest.Run run = new CpusStressTest.Run(options, 0, true);
        TestThreads.inThreads(true, THREADS, () -> run.times(5));
        run.verify();
        return run;
    }

    @Test
    void tenThousandThreadsOverSixSlotsPark() throws Exception {
        final CpusStressTest.Run run = run(new CpuOptions(4, 6, 64, SlotLayout.ID_LIMIT, 0xFFFF_FF01L, 60_000_000_000L));
        assertTrue(run.cpus.displacement().entries.get() > 0);
        assertTrue(run.cpus.displacement().rehomed.get() > 0);
    }

    @Test
    void tenThousandThreadsOverManySlots() throws Exception {
        run(new CpuOptions(16, CpuOptions.MAX_SLOTS, 4096, SlotLayout.ID_LIMIT, 1, 60_000_000_000L));
    }

    @Test
    void whoWaitsLetsTheCarrierGoOnWithTheHolder() throws Exception {
        // Twice as many waiters as a machine has carriers, all behind one holder that parks inside its section.
        final int waiters = 2 * Runtime.getRuntime().availableProcessors() + 2;
        final Cpus cpus = new Cpus(new CpuOptions(1, 1, 4, SlotLayout.ID_LIMIT, 1, 30_000_000_000L));
        TestThreads.inThreads(true, waiters, () -> {
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
        });
        assertTrue(cpus.displacement().waits.get() > 0);
        cpus.verifyQuiet();
    }
}
