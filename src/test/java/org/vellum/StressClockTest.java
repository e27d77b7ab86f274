package org.vellum;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the coverage of every stress test rests on. */
@Timeout(120)
class StressClockTest {
    private final AtomicInteger looks = new AtomicInteger();

    private static void runOut(final StressClock clock) {
        while (clock.running()) {
            Thread.onSpinWait();
        }
    }

    @Test
    void runsItsTimeAlthoughAllIsCovered() {
        final long start = System.nanoTime();
        final StressClock clock = new StressClock(50, () -> true);
        runOut(clock);
        assertTrue(System.nanoTime() - start >= TimeUnit.MILLISECONDS.toNanos(50));
        assertFalse(clock.running());
        clock.assertCovered(() -> "all");
    }

    @Test
    void goesOnUntilAllIsCoveredAndStaysOver() {
        final StressClock clock = new StressClock(0, () -> looks.incrementAndGet() >= 4);
        runOut(clock);
        assertEquals(4, looks.get());
        assertFalse(clock.running());
        assertEquals(4, looks.get());
    }

    @Test
    void endsAtTheCapAndSaysWhatIsMissing() {
        final StressClock clock = new StressClock(0, TimeUnit.MILLISECONDS.toNanos(20), () -> false);
        runOut(clock);
        final AssertionError error = assertThrows(AssertionError.class, () -> clock.assertCovered(() -> "moves=0"));
        assertTrue(error.getMessage().contains("moves=0"), error.getMessage());
    }

    @Test
    void whatIsNoLongerCoveredAtTheEndFails() {
        final StressClock clock = new StressClock(0, () -> looks.incrementAndGet() == 1);
        runOut(clock);
        assertThrows(AssertionError.class, () -> clock.assertCovered(() -> "gone again"));
    }

    @Test
    void stopEndsItForAll() throws Exception {
        final StressClock clock = new StressClock(TimeUnit.HOURS.toMillis(1), () -> false);
        SmallMemory.inThreads(3, thread -> {
            if (thread == 0) {
                clock.stop();
            }
            runOut(clock);
        });
        assertFalse(clock.running());
    }

    @Test
    void oneThreadLooksAtATime() throws Exception {
        final AtomicInteger looking = new AtomicInteger();
        final StressClock clock = new StressClock(0, () -> {
            assertEquals(1, looking.incrementAndGet());
            Thread.yield();
            looking.decrementAndGet();
            return looks.incrementAndGet() >= 10;
        });
        SmallMemory.inThreads(4, thread -> runOut(clock));
        // Whoever was about to look when another's look ended it all still does: one each.
        assertTrue(looks.get() >= 10 && looks.get() < 14, "looks=" + looks);
    }

    @Test
    void lookThatThrowsIsNotTheLast() {
        final StressClock clock = new StressClock(0, () -> {
            if (looks.incrementAndGet() == 1) {
                throw new IllegalStateException("the first");
            }
            return true;
        });
        assertThrows(IllegalStateException.class, () -> runOut(clock));
        runOut(clock);
        assertEquals(2, looks.get());
    }

    @Test
    void stepsAreCountedAndGoOnUntilAllIsCovered() {
        final FuzzSteps steps = new FuzzSteps(300, () -> looks.incrementAndGet() >= 3);
        int made = 0;
        int tens = 0;
        while (steps.next()) {
            assertEquals(made, steps.step());
            tens += steps.every(10) ? 1 : 0;
            made++;
        }
        assertEquals(300 + 2 * 256, made);
        assertEquals((made + 9) / 10, tens);
        assertEquals(made, steps.made());
    }

    @Test
    void stepsEndAtTwentyTimesAsMany() {
        final FuzzSteps steps = new FuzzSteps(256, () -> false);
        while (steps.next()) {
            assertTrue(steps.step() < 20 * 256);
        }
        assertEquals(20 * 256, steps.made());
        assertThrows(AssertionError.class, () -> steps.assertCovered(() -> "seed=1"));
    }
}
