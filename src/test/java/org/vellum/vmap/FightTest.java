package org.vellum.vmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.epoch.Limbo;
import org.vellum.epoch.Release;
import org.vellum.epoch.Releases;
import org.vellum.mem.Words;
import org.vellum.report.Listener;

/** When an allocation gives up, and when it must not: about one thing, which is live, in limbo, in somebody's hands, or free. */
final class FightTest {
    private static final int PAGE = SmallMemory.PAGE;

    private Vellum memory;
    private Reclaimer reclaimer;
    private Thing thing;

    private void open(final long graceNanos) {
        memory = SmallMemory.builder(64, 1024).graceNanos(graceNanos).open();
        reclaimer = memory.vmalloc().reclaimer();
        thing = new Thing(memory);
        reclaimer.add(thing);
    }

    @AfterEach
    void close() {
        memory.close();
    }

    private static final class Thing implements Reclaimer.Source, Release {
        private final Vellum memory;
        private final Limbo limbo;
        private final AtomicInteger free = new AtomicInteger();
        private volatile Runnable inRelease = () -> { };

        Thing(final Vellum memory) {
            this.memory = memory;
            limbo = new Limbo(memory.epochs(), Words.zeroed(4), 4, 1, 2, 1, this, Listener.SILENT);
        }

        void retire() {
            try (Cpu cpu = memory.enter()) {
                limbo.retire(cpu, 0);
            }
        }

        boolean take() {
            return free.compareAndSet(1, 0);
        }

        @Override
        public int poll(final boolean all) {
            return limbo.pollAll();
        }

        @Override
        public int purge() {
            return 0;
        }

        @Override
        public long limboBytes() {
            return limbo.bytes();
        }

        @Override
        public String kind() {
            return "thing";
        }

        @Override
        public long bytes(final long token) {
            return PAGE;
        }

        @Override
        public boolean release(final Cpu own, final long token) {
            inRelease.run();
            free.incrementAndGet();
            return true;
        }
    }

    /** A poll that has taken the thing out of limbo, and gets no further until it is told. */
    private final class SlowPoll implements AutoCloseable {
        private final CountDownLatch inHand = new CountDownLatch(1);
        private final CountDownLatch goOn = new CountDownLatch(1);
        private final FutureTask<Integer> task = new FutureTask<>(() -> reclaimer.poll(true));

        SlowPoll() throws InterruptedException {
            thing.inRelease = () -> {
                inHand.countDown();
                FightTest.await(goOn);
            };
            final Thread thread = new Thread(task, "slow poll");
            thread.setDaemon(true);
            thread.start();
            inHand.await();
        }

        void goOn() throws Exception {
            goOn.countDown();
            SmallMemory.join(task);
        }

        @Override
        public void close() {
            try {
                goOn();
            } catch (final Exception e) {
                throw new AssertionError(e);
            }
        }
    }

    private static void await(final CountDownLatch latch) {
        try {
            latch.await();
        } catch (final InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Whether it got the thing before it had to give up. */
    private boolean fight() {
        long fight = Fight.BEGIN;
        while (!thing.take()) {
            fight = reclaimer.reclaim(fight);
            if (fight == Fight.LOST) {
                return false;
            }
        }
        return true;
    }

    /** No section is open, so that grace periods pass at once, as often as one may want them to. */
    @Test
    void whatAnotherPollHasInItsHandsIsWaitedFor() throws Exception {
        open(SmallMemory.PATIENT_NANOS);
        thing.retire();
        try (SlowPoll other = new SlowPoll()) {
            final FutureTask<Boolean> fight = new FutureTask<>(this::fight);
            final Thread fighter = new Thread(fight, "fighter");
            fighter.setDaemon(true);
            fighter.start();
            while (!fight.isDone() && !(LockSupport.getBlocker(fighter) instanceof Releases)) {
                LockSupport.parkNanos(100_000);
            }
            assertFalse(fight.isDone(), "it gave up, while another poll had what it needs");
            other.goOn();
            assertTrue(SmallMemory.join(fight));
        }
    }

    @Test
    void butNotForLongerThanForAGracePeriod() throws Exception {
        open(1_000_000);
        thing.retire();
        try (SlowPoll other = new SlowPoll()) {
            assertFalse(fight());
            final String text = reclaimer.exhausted("fight", 1, false).getMessage();
            assertTrue(text.endsWith("; no slot is occupied; releases are under way"), text);
            other.goOn();
            assertFalse(reclaimer.exhausted("fight", 1, false).getMessage().contains("under way"));
        }
        assertTrue(fight());
    }

    /** The try found it in limbo; when that is looked into, another poll has brought it back already. */
    @Test
    void whatHasComeBackSinceTheTryIsTriedFor() {
        open(SmallMemory.PATIENT_NANOS);
        long fight = reclaimer.reclaim(reclaimer.reclaim(Fight.BEGIN));
        thing.retire();
        assertFalse(thing.take());
        assertEquals(1, reclaimer.poll(true));
        assertEquals(0, reclaimer.limboBytes());
        fight = reclaimer.reclaim(fight);
        assertNotEquals(Fight.LOST, fight);
        assertTrue(thing.take());
        assertEquals(Fight.LOST, reclaimer.reclaim(fight), "nothing has come back this time");
    }

    @Test
    void whereThereIsNothingToWaitForOneWaitIsEnough() {
        open(SmallMemory.PATIENT_NANOS);
        final long purged = reclaimer.reclaim(Fight.BEGIN);
        assertEquals(1, Fight.steps(purged));
        final long waited = reclaimer.reclaim(purged);
        assertEquals(2, Fight.steps(waited));
        assertEquals(Fight.LOST, reclaimer.reclaim(waited));
    }

    @Test
    void whoeverIsAlwaysOvertakenGivesUpInTheEnd() {
        open(SmallMemory.PATIENT_NANOS);
        long fight = Fight.BEGIN;
        int overtaken = 0;
        for (; fight != Fight.LOST; overtaken++) {
            // Others have taken what came back, used it, and retired it.
            thing.take();
            thing.retire();
            fight = reclaimer.reclaim(fight);
        }
        assertTrue(overtaken > 16, "overtaken=" + overtaken);
    }

    @Test
    void insideASectionNobodyWaits() {
        open(SmallMemory.PATIENT_NANOS);
        thing.retire();
        try (Cpu cpu = memory.enter()) {
            assertTrue(memory.cpus().isOccupant(cpu));
            final long purged = reclaimer.reclaim(Fight.BEGIN);
            assertNotEquals(Fight.LOST, purged);
            assertEquals(Fight.LOST, reclaimer.reclaim(purged));
        }
    }
}
