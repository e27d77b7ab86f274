package org.vellum.epoch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;

@Timeout(120)
class EpochsTest {
    private final TestLimbo system = new TestLimbo();
    private final Epochs epochs = system.epochs;

    @Test
    void clockIsOddAndAdvancesByTwoAcrossTheWrapOfTheSlotWord() {
        final long first = epochs.now();
        for (int i = 0; i < 10; i++) {
            assertTrue(epochs.advanceFrom(epochs.now()));
            assertEquals(1, epochs.now() & 1);
        }
        assertEquals(first + 20, epochs.now());
        assertEquals(10, epochs.flushes());
    }

    @Test
    void advancingFromAnEpochThatHasGoneDoesNothing() {
        final long seen = epochs.now();
        assertTrue(epochs.advanceFrom(seen));
        assertFalse(epochs.advanceFrom(seen));
        assertEquals(1, epochs.flushes());
    }

    @Test
    void stampPassesOnlyAfterAnAdvance() {
        final long stamp = epochs.stamp();
        assertFalse(epochs.hasPassed(stamp));
        epochs.advanceFrom(stamp);
        assertTrue(epochs.hasPassed(stamp));
    }

    @Test
    void sectionThatBeganBeforeHoldsTheStampAndOneThatBeganAfterDoesNot() {
        final Cpu before = system.cpus.enter();
        final long stamp = epochs.stamp();
        epochs.advanceFrom(stamp);
        assertFalse(epochs.hasPassed(stamp));
        before.exit();
        final Cpu after = system.cpus.enter();
        assertTrue(epochs.hasPassed(stamp));
        after.exit();
    }

    @Test
    void nestedExitDoesNotEndTheSection() {
        final Cpu outer = system.cpus.enter();
        final long stamp = epochs.stamp();
        epochs.advanceFrom(stamp);
        system.cpus.enter().exit();
        assertFalse(epochs.hasPassed(stamp));
        outer.exit();
        assertTrue(epochs.hasPassed(stamp));
    }

    @Test
    void horizonNeverGoesBack() {
        long known = epochs.horizon();
        for (int i = 0; i < 8; i++) {
            epochs.advanceFrom(epochs.now());
            try (Cpu cpu = system.cpus.enter()) {
                final long now = epochs.refreshHorizon();
                assertTrue(now >= known, cpu + " horizon fell from " + known + " to " + now);
                known = now;
            }
        }
    }

    @Test
    void everyWaitRefusesInsideASectionEvenIfThereIsNothingToWaitFor() {
        final long passed = epochs.stamp();
        epochs.synchronize();
        try (Cpu cpu = system.cpus.enter()) {
            assertTrue(assertThrows(IllegalStateException.class, epochs::synchronize).getMessage()
                .contains("slot=" + cpu.index()));
            assertThrows(IllegalStateException.class, () -> epochs.awaitPassed(passed, 1));
        }
        system.cpus.verifyQuiet();
        epochs.synchronize();
    }

    @Test
    void boundedWaitEndsWhileAReaderStays() throws InterruptedException {
        final Reader reader = new Reader(system);
        final long stamp = epochs.stamp();
        assertFalse(epochs.awaitPassed(stamp, 5_000_000));
        reader.leave();
        assertTrue(epochs.awaitPassed(stamp, TimeUnit.SECONDS.toNanos(60)));
    }

    @Test
    void waitersOfOneEpochShareOneFlush() throws InterruptedException {
        final Reader reader = new Reader(system);
        final long flushes = epochs.flushes();
        final int threads = 6;
        final CountDownLatch done = new CountDownLatch(threads);
        final CountDownLatch started = new CountDownLatch(threads);
        final long stamp = epochs.stamp();
        for (int i = 0; i < threads; i++) {
            new Thread(() -> {
                started.countDown();
                epochs.awaitPassed(stamp, Long.MAX_VALUE);
                done.countDown();
            }).start();
        }
        started.await();
        reader.leave();
        assertTrue(done.await(60, TimeUnit.SECONDS));
        assertEquals(1, epochs.flushes() - flushes);
    }

    @Test
    void waiterSweepsASectionLeftOpenByADeadThread() throws InterruptedException {
        final Thread dead = new Thread(() -> system.cpus.enter(), "dead");
        dead.start();
        dead.join();
        epochs.synchronize();
        assertEquals(1, system.forced.size());
        system.cpus.verifyQuiet();
    }

    @Test
    void stallIsReportedOnceAndOnePauseIsNone() throws InterruptedException {
        final TestLimbo slow = new TestLimbo(
            CpuOptions.forThisMachine().withCachedSlots(2).withMaxSlots(2), 4, 20_000_000L);
        final Reader reader = new Reader(slow);
        final long stamp = slow.epochs.stamp();
        slow.epochs.advanceFrom(stamp);
        slow.epochs.heldUp();
        pause(60_000_000L);
        slow.epochs.heldUp();
        assertTrue(slow.stalls.isEmpty(), "one long pause between two looks is not a stall");
        // How often who waits gets to look is not ours to say.
        while (slow.stalls.isEmpty()) {
            assertFalse(slow.epochs.awaitPassed(stamp, 200_000_000L));
        }
        assertEquals(1, slow.stalls.size());
        assertFalse(slow.epochs.awaitPassed(stamp, 100_000_000L));
        assertEquals(1, slow.stalls.size(), "once per section");
        reader.leave();
    }

    /** Stands for a pause of the JVM: nothing is raced here, the time itself is the input. */
    private static void pause(final long nanos) {
        final long end = System.nanoTime() + nanos;
        while (System.nanoTime() - end < 0) {
            Thread.onSpinWait();
        }
    }

    /** A thread that sits in a section until told. */
    static final class Reader {
        private final CountDownLatch leave = new CountDownLatch(1);
        private final Thread thread;

        Reader(final TestLimbo system) throws InterruptedException {
            final CountDownLatch inside = new CountDownLatch(1);
            thread = new Thread(() -> {
                try (Cpu cpu = system.cpus.enter()) {
                    inside.countDown();
                    leave.await();
                    assert cpu != null;
                } catch (final InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }, "reader");
            thread.start();
            inside.await();
        }

        void leave() throws InterruptedException {
            leave.countDown();
            thread.join();
        }
    }
}
