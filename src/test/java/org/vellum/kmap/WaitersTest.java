package org.vellum.kmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.vellum.SmallMemory;
import org.vellum.kmap.KmapWorld.Task;

@Timeout(60)
final class WaitersTest {
    /** Longer than the test may take: who looks once more when its time is up would find what nobody had told it of. */
    private static final long PATIENT_NANOS = TimeUnit.HOURS.toNanos(1);
    private static final int ROUNDS = 20_000;

    private final Waiters waiters = new Waiters();
    private final AtomicInteger permits = new AtomicInteger();

    private boolean take() {
        return permits.getAndUpdate(now -> Math.max(0, now - 1)) > 0;
    }

    private Task<Boolean> waiter(final String name) {
        final Task<Boolean> task = new Task<>(name, () -> waiters.await(this::take, System.nanoTime() + PATIENT_NANOS));
        task.awaitParkedIn(Waiters.class);
        return task;
    }

    private void give(final int count) {
        permits.addAndGet(count);
        waiters.wakeOne();
    }

    @Test
    void whatHoldsAlreadyIsNotWaitedFor() throws Exception {
        permits.set(1);
        assertTrue(waiters.await(this::take, System.nanoTime() - 1));
        assertFalse(waiters.await(this::take, System.nanoTime() - 1));
        permits.set(1);
        Thread.currentThread().interrupt();
        assertTrue(waiters.await(this::take, System.nanoTime() + PATIENT_NANOS));
        assertThrows(InterruptedException.class, () -> waiters.await(this::take, System.nanoTime() + PATIENT_NANOS));
        assertFalse(Thread.interrupted());
    }

    @Test
    void oneIsWokenAtATimeAndTheLongestWaitingFirst() throws Exception {
        final List<Task<Boolean>> tasks = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            tasks.add(waiter("waiter-" + i));
        }
        for (int i = 0; i < 4; i++) {
            give(1);
            assertTrue(tasks.get(i).join());
        }
        assertEquals(0, permits.get());
    }

    @Test
    void allAreWoken() throws Exception {
        final Task<Boolean> a = waiter("a");
        final Task<Boolean> b = waiter("b");
        permits.set(2);
        waiters.wakeAll();
        assertTrue(a.join());
        assertTrue(b.join());
    }

    /** Who is woken for nothing goes on waiting, behind the others, and is found again. */
    @Test
    void aWakeUpWithoutACauseDoesNotEndTheWait() throws Exception {
        final Task<Boolean> a = waiter("a");
        for (int i = 0; i < 100; i++) {
            waiters.wakeOne();
            a.awaitParkedIn(Waiters.class);
        }
        give(1);
        assertTrue(a.join());
    }

    /**
     * RK2: of two waiters one gives up, by its time or by an interrupt, just when one wake-up comes: the other must not wait on for what is there. Who gives up
     * looks for nothing, so that it never takes what it was woken for.
     */
    @Test
    void whoeverGivesUpHandsItsWakeUpOn() throws Exception {
        final CyclicBarrier round = new CyclicBarrier(3);
        final Task<Void> impatient = new Task<>("impatient", () -> {
            for (int i = 0; i < ROUNDS; i++) {
                round.await();
                assertFalse(waiters.await(() -> false, System.nanoTime() + i % 40 * 500));
                round.await();
            }
            return null;
        });
        final Task<Void> patient = new Task<>("patient", () -> {
            for (int i = 0; i < ROUNDS; i++) {
                round.await();
                assertTrue(waiters.await(this::take, System.nanoTime() + PATIENT_NANOS), "the wake-up was lost, round=" + i);
                round.await();
            }
            return null;
        });
        for (int i = 0; i < ROUNDS; i++) {
            round.await();
            give(1);
            round.await();
        }
        impatient.join();
        patient.join();
        SmallMemory.inThread(() -> {
            assertFalse(waiters.await(this::take, System.nanoTime()));
            return null;
        });
    }
}
