package org.vellum.epoch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.vellum.cpu.Cpu;

/** What a slot retired comes back to it if it asks, and to whoever drains if it does not. */
@Timeout(120)
class LimboOwnTest {
    private static final long NEVER = Long.MAX_VALUE;

    private final TestLimbo system = new TestLimbo();
    private final Epochs epochs = system.epochs;

    private void retireOn(final int slot, final long from, final long to) {
        try (Cpu cpu = system.cpus.tryVisit(slot)) {
            for (long token = from; token < to; token++) {
                system.limbo.retire(cpu, token);
            }
        }
    }

    private int releaseOwn(final int slot, final int most, final long flushBytes) {
        try (Cpu cpu = system.cpus.tryVisit(slot)) {
            return system.limbo.releaseOwn(cpu, most, flushBytes);
        }
    }

    private void flush() {
        assertTrue(epochs.advanceFrom(epochs.now()));
    }

    private static List<Long> tokens(final long from, final long to) {
        return LongStream.range(from, to).boxed().toList();
    }

    @Test
    void tokensComeBackToTheSlotThatRetiredThemOldestFirstAndNotMoreThanWanted() {
        retireOn(1, 10, 20);
        retireOn(2, 20, 30);
        flush();
        assertEquals(4, releaseOwn(1, 4, NEVER));
        assertEquals(tokens(10, 14), system.released);
        assertEquals(6, releaseOwn(1, 100, NEVER), "the rest, and nobody else's");
        assertEquals(tokens(10, 20), system.released);
        for (final Cpu own : system.owners) {
            assertSame(system.cpus.cpu(1), own);
        }
        assertEquals(0, releaseOwn(1, 100, NEVER));
        assertEquals(0, releaseOwn(3, 100, NEVER));
        assertEquals(LongStream.range(20, 30).map(system::bytes).sum(), system.limbo.bytes());
        assertEquals(10, releaseOwn(2, 100, NEVER));
        assertSame(system.cpus.cpu(2), system.owners.get(19));
        assertEquals(0, system.limbo.bytes());
    }

    @Test
    void nothingComesBackBeforeItsGracePeriod() throws InterruptedException {
        final EpochsTest.Reader reader = new EpochsTest.Reader(system);
        final int slot = idleSlot();
        retireOn(slot, 0, 3);
        flush();
        retireOn(slot, 3, 6);
        for (int i = 0; i < 5; i++) {
            assertEquals(0, releaseOwn(slot, 100, NEVER));
            flush();
        }
        final EpochsTest.Reader later = new EpochsTest.Reader(system);
        retireOn(slot, 6, 9);
        reader.leave();
        flush();
        assertEquals(6, releaseOwn(slot, 100, NEVER));
        assertEquals(tokens(0, 6), system.released, "those from before the later section");
        assertEquals(0, releaseOwn(slot, 100, NEVER));
        later.leave();
        assertEquals(3, releaseOwn(slot, 100, NEVER));
    }

    /** Readers are dealt the lowest slots. */
    private int idleSlot() {
        final int slot = system.cpus.cachedSlots() - 1;
        assertEquals(0, system.cpus.occupancy(slot), "the last slot is busy");
        return slot;
    }

    @Test
    void onlyOneWithEnoughForAFlushAsksForOne() {
        retireOn(1, 0, 3);
        final long bytes = system.limbo.bytes();
        final long flushes = epochs.flushes();
        assertEquals(0, releaseOwn(1, 100, bytes + 1));
        assertEquals(0, releaseOwn(1, 100, bytes + 1));
        assertEquals(flushes, epochs.flushes(), "not enough yet");
        assertEquals(0, releaseOwn(1, 100, bytes), "the asking section itself is older than the flush");
        assertEquals(flushes + 1, epochs.flushes());
        assertEquals(3, releaseOwn(1, 100, bytes));
        assertEquals(flushes + 1, epochs.flushes(), "they had one already");
        assertEquals(0, releaseOwn(1, 100, 0));
        assertEquals(flushes + 1, epochs.flushes(), "nothing to flush for");
    }

    @Test
    void refusedTokenIsNotLost() {
        retireOn(1, 0, 3);
        flush();
        system.refuse = true;
        assertEquals(0, releaseOwn(1, 2, NEVER));
        system.refuse = false;
        assertEquals(1, releaseOwn(1, 2, NEVER));
        assertEquals(List.of(2L), system.released);
        assertEquals(2, system.limbo.pollAll());
        assertEquals(0, system.limbo.bytes());
    }

    @Test
    void slotWithoutCachesHasNothingOfItsOwn() {
        try (Cpu uncached = system.cpus.tryVisit(system.cpus.cachedSlots())) {
            system.limbo.retire(uncached, 5);
            flush();
            assertEquals(0, system.limbo.releaseOwn(uncached, 100, 0));
        }
        assertEquals(1, system.limbo.drain(NEVER), "but anybody's on the shared stack");
        assertNull(system.owners.get(0));
    }

    @Test
    void drainVisitsWhoNeverLookedAndLeavesWhoDoesAlone() {
        retireOn(1, 10, 13);
        retireOn(2, 20, 23);
        retireOn(3, 30, 33);
        assertEquals(0, releaseOwn(1, 100, NEVER), "too early, but it looked");
        flush();
        assertEquals(6, system.limbo.drain(NEVER));
        assertEquals(List.of(20L, 21L, 22L, 30L, 31L, 32L), system.released);
        system.owners.forEach(own -> assertNull(own, "a drain wants nothing for itself"));
        assertEquals(3, releaseOwn(1, 100, NEVER));
        assertSame(system.cpus.cpu(1), system.owners.get(8));
        assertEquals(0, system.limbo.bytes());
    }

    @Test
    void drainTakesFromWhoLooksButHoldsTooMuch() {
        retireOn(1, 10, 13);
        final long bytes = system.limbo.bytes();
        assertEquals(0, releaseOwn(1, 100, NEVER));
        flush();
        assertEquals(0, system.limbo.drain(bytes));
        system.limbo.retire(null, 7);
        flush();
        assertEquals(4, system.limbo.drain(bytes - 1));
        assertEquals(List.of(7L, 10L, 11L, 12L), system.released);
        assertEquals(0, system.limbo.bytes());
    }

    @Test
    void pollAllTakesEverythingThatHasPassedWhoeverLooks() {
        retireOn(1, 10, 13);
        assertEquals(0, releaseOwn(1, 100, NEVER));
        flush();
        assertEquals(3, system.limbo.pollAll());
        assertEquals(tokens(10, 13), system.released);
    }

    @Test
    void drainReleasesNothingBeforeItsGracePeriod() throws InterruptedException {
        final EpochsTest.Reader reader = new EpochsTest.Reader(system);
        retireOn(idleSlot(), 0, 5);
        system.limbo.retire(null, 5);
        flush();
        assertEquals(0, system.limbo.drain(0));
        reader.leave();
        assertEquals(6, system.limbo.drain(0));
    }
}
