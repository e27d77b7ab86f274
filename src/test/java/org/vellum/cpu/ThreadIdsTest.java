package org.vellum.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.vellum.cpu.TestThreads.Holder;

final class ThreadIdsTest {
    /** A thread that lies about its id. */
    private static final class Forger extends Thread {
        private final long forged;

        Forger(final Runnable body, final long forged) {
            super(body);
            this.forged = forged;
        }

        @Override
        @SuppressWarnings("deprecation")
        public long getId() {
            return forged;
        }
    }

    @Test
    @SuppressWarnings("deprecation")
    void anOverriddenIdIsNotBelieved() {
        final Thread honest = new Thread(() -> { });
        assertEquals(honest.getId(), ThreadIds.of(honest));
        assertTrue(ThreadIds.of(honest) > 0);
        final Forger forger = new Forger(() -> { }, honest.getId());
        assertEquals(honest.getId(), forger.getId());
        assertNotEquals(ThreadIds.of(honest), ThreadIds.of(forger));
    }

    @Test
    void aForgerCannotNestInAnothersSectionNorLeaveIt() throws Exception {
        final Cpus cpus = new Cpus(new CpuOptions(4, 8, 4, SlotLayout.ID_LIMIT, 1, 1_000_000_000L));
        final CountDownLatch done = new CountDownLatch(1);
        final boolean[] refused = new boolean[1];
        final Cpu[] own = new Cpu[1];
        try (Holder holder = new Holder(cpus)) {
            final Forger forger = new Forger(() -> {
                try {
                    holder.cpu.exit();
                } catch (final IllegalStateException e) {
                    refused[0] = true;
                }
                own[0] = cpus.enter();
                own[0].exit();
                done.countDown();
            }, ThreadIds.of(holder.thread));
            forger.start();
            done.await();
            forger.join();
            assertTrue(refused[0]);
            assertNotSame(holder.cpu, own[0]);
        }
        cpus.verifyQuiet();
    }
}
