package org.vellum.epoch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.vellum.cpu.Cpu;

@Timeout(120)
class LimboTest {
    private final TestLimbo system = new TestLimbo();

    @Test
    void pollAdvancesByItselfAndReleasesInOrder() {
        for (long token = 0; token < 10; token++) {
            system.retire(token);
        }
        final long flushes = system.epochs.flushes();
        assertEquals(10, system.limbo.poll());
        assertEquals(List.of(0L, 1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L, 9L), system.released);
        assertEquals(1, system.epochs.flushes() - flushes, "one flush for the batch");
        assertEquals(0, system.limbo.bytes());
        assertEquals(0, system.limbo.poll());
        assertEquals(1, system.epochs.flushes() - flushes, "nothing to flush for");
    }

    @Test
    void bytesCountUntilTheRelease() {
        system.retire(1);
        system.retire(2);
        assertEquals(203, system.limbo.bytes());
        system.limbo.poll();
        assertEquals(0, system.limbo.bytes());
    }

    @Test
    void nothingPassesWhileASectionFromBeforeIsOpen() throws InterruptedException {
        final EpochsTest.Reader reader = new EpochsTest.Reader(system);
        system.retire(3);
        for (int i = 0; i < 5; i++) {
            assertEquals(0, system.limbo.pollAll());
        }
        assertTrue(system.released.isEmpty());
        reader.leave();
        assertEquals(1, system.limbo.pollAll());
    }

    @Test
    void anOccupantTakesNothingBackWhileASectionFromBeforeIsOpen() throws InterruptedException {
        final EpochsTest.Reader reader = new EpochsTest.Reader(system);
        system.retire(3);
        for (int i = 0; i < 5; i++) {
            assertEquals(0, releaseOwn(8));
            assertEquals(0, system.limbo.drain(0));
        }
        assertTrue(system.released.isEmpty());
        reader.leave();
        assertEquals(1, releaseOwn(8));
        assertEquals(List.of(3L), system.released);
    }

    @Test
    void anOccupantTakesTheOldestOfItsOwnAndADrainTheRest() {
        for (long token = 0; token < 10; token++) {
            system.retire(token);
        }
        assertEquals(0, releaseOwn(3), "it asked for the flush in its own section");
        assertEquals(3, releaseOwn(3));
        assertEquals(List.of(0L, 1L, 2L), system.released);
        assertEquals(0, system.limbo.drain(Long.MAX_VALUE), "the slot looks after itself");
        assertEquals(7, system.limbo.drain(0));
        assertEquals(0, releaseOwn(3));
        assertEquals(0, system.limbo.bytes());
    }

    private int releaseOwn(final int most) {
        try (Cpu cpu = system.cpus.enter()) {
            return system.limbo.releaseOwn(cpu, most, 1);
        }
    }

    @Test
    void insideASectionPollReleasesWhatPassedBefore() {
        system.retire(4);
        system.epochs.synchronize();
        try (Cpu cpu = system.cpus.enter()) {
            assertEquals(1, system.limbo.poll());
            system.limbo.retire(cpu, 5);
            assertEquals(0, system.limbo.poll(), "its own section holds it");
        }
        assertEquals(1, system.limbo.poll());
    }

    @Test
    void slotWithoutCachesAndNoSlotAtAllUseTheSharedStack() {
        system.limbo.retire(null, 6);
        assertEquals(1, system.limbo.poll());
        assertEquals(List.of(6L), system.released);
    }

    @Test
    void anyThreadTakesAnIdleSlotsLimbo() throws InterruptedException {
        for (int i = 0; i < 8; i++) {
            final long token = i;
            final Thread thread = new Thread(() -> system.retire(token));
            thread.start();
            thread.join();
        }
        assertEquals(8, system.limbo.pollAll());
        system.cpus.verifyQuiet();
    }

    @Test
    void throwingReleaseIsReportedKeptAndTheRestGoOn() {
        system.toThrow = new IllegalArgumentException("release of 0");
        for (long token = 0; token < 4; token++) {
            system.retire(token);
        }
        assertEquals(3, system.limbo.poll());
        assertEquals(List.of(1L, 2L, 3L), system.released);
        assertEquals(1, system.failures.size());
        assertEquals(100, system.limbo.bytes(), "nothing lost");
        system.toThrow = null;
        assertEquals(1, system.limbo.poll());
        assertEquals(0, system.limbo.bytes());
    }

    @Test
    void refusedReleaseIsTriedAgain() {
        system.refuse = true;
        system.retire(7);
        assertEquals(0, system.limbo.poll());
        system.refuse = false;
        assertEquals(1, system.limbo.poll());
        assertEquals(List.of(7L), system.released);
    }

    @Test
    void userRetirementRunsOutsideSectionsAndMayBeRetiredAgain() {
        final Retirements retirements = new Retirements(system.epochs, system);
        final List<String> log = new ArrayList<>();
        final Retirement again = new Retirement() {
            @Override
            protected void released() {
                log.add(system.cpus.inSection() ? "inside" : "outside");
                if (log.size() < 3) {
                    retirements.retire(this);
                }
            }
        };
        retirements.retire(again);
        assertThrows(IllegalStateException.class, () -> retirements.retire(again));
        try (Cpu cpu = system.cpus.enter()) {
            assertEquals(0, retirements.poll(), cpu + " is a section");
        }
        for (int i = 0; i < 5; i++) {
            retirements.poll();
        }
        assertEquals(List.of("outside", "outside", "outside"), log);
        assertTrue(retirements.isEmpty());
    }

    @Test
    void throwingRetirementIsReportedAndTheRestGoOn() {
        final Retirements retirements = new Retirements(system.epochs, system);
        final List<Integer> log = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            final int number = i;
            retirements.retire(new Retirement() {
                @Override
                protected void released() {
                    if (number == 1) {
                        throw new IllegalStateException("number 1");
                    }
                    log.add(number);
                }
            });
        }
        assertEquals(3, retirements.poll());
        assertEquals(2, log.size());
        assertEquals(1, system.failures.size());
    }
}
