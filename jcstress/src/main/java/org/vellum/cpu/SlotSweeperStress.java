package org.vellum.cpu;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.vellum.report.Listener;

/** Slots against the sweeper: only the dead are put out, and only once. */
public final class SlotSweeperStress {
    private static final CpuOptions ONE_SLOT = new CpuOptions(1, 1, 1, 1L << 32, 1, 0);
    private static final Thread DEAD = dead();

    private SlotSweeperStress() {
    }

    private static Thread dead() {
        final Thread thread = new Thread();
        thread.start();
        try {
            thread.join();
        } catch (final InterruptedException e) {
            throw new ExceptionInInitializerError(e);
        }
        return thread;
    }

    /** One slot, and a counter that belongs to its occupant. */
    public abstract static class Slot {
        final Cpus cpus = new Cpus(ONE_SLOT);
        final Sweeper sweeper = new Sweeper(cpus, Listener.SILENT);
        int counter;

        /** As a thread leaves it that has entered, left and died: its name stays behind in an idle slot. */
        void leftByTheDead() {
            cpus.cpu(0).occupant = DEAD;
        }

        /** As a thread leaves it that has died inside, after it counted. */
        void occupiedByTheDead() {
            counter = 1;
            cpus.cpu(0).occupant = DEAD;
            cpus.slots.putVolatile(0, SlotLayout.occupied(ThreadIds.of(DEAD), 1));
        }

        /** Counts twice in one section: the number when it left, or -1 if the slot was busy. */
        int countTwice() {
            final Cpu cpu = cpus.tryEnter();
            if (cpu == null) {
                return -1;
            }
            counter++;
            final int seen = ++counter;
            final boolean mine = cpus.current() == cpu;
            cpu.exit();
            return mine ? seen : -2;
        }

        /** What a sweeper without the comparison of ids would do. */
        int sweepWithoutComparing() {
            final Thread thread = cpus.cpu(0).occupant;
            final long word = cpus.occupancy(0);
            return thread != null && !thread.isAlive() && word != SlotLayout.IDLE
                && cpus.slots.compareAndSet(0, word, SlotLayout.IDLE) ? 1 : 0;
        }
    }

    /** The dead thread had left. */
    @State
    public static class Left extends Slot {
        /** As said. */
        public Left() {
            leftByTheDead();
        }
    }

    /** The dead thread is still in. */
    @State
    public static class Occupied extends Slot {
        /** As said. */
        public Occupied() {
            occupiedByTheDead();
        }
    }

    /** Nobody was there. */
    @State
    public static class Fresh extends Slot {
    }

    /**
     * A live thread enters a slot that bears the name of a dead one, while a sweeper looks. Would catch a sweeper that does not
     * compare the stored thread with the id in the word ({@code Cpus.matches}): the live thread would be put out.
     */
    @JCStressTest
    @Outcome(id = "2, 0", expect = ACCEPTABLE, desc = "the live thread stays in until it leaves")
    @Outcome(expect = FORBIDDEN, desc = "a live thread was put out of its slot")
    public static class LiveAgainstSweeper {
        /**
         * @param s the slot.
         * @param r what it counted.
         */
        @Actor
        public void live(final Left s, final II_Result r) {
            r.r1 = s.countTwice();
        }

        /**
         * @param s the slot.
         * @param r how many slots were freed.
         */
        @Actor
        public void sweeper(final Left s, final II_Result r) {
            r.r2 = s.sweeper.sweep();
        }
    }

    /** Broken on purpose: a sweeper that trusts the stored thread. Seen to fail on JDK 17, x86: 110 of 315,000 samples. */
    @JCStressTest
    @Outcome(id = "2, 0", expect = ACCEPTABLE, desc = "it looked too early or too late")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "a live thread was put out of its slot")
    public static class BrokenTwinWithoutComparing {
        /**
         * @param s the slot.
         * @param r what it counted.
         */
        @Actor
        public void live(final Left s, final II_Result r) {
            try {
                r.r1 = s.countTwice();
            } catch (final IllegalStateException e) {
                r.r1 = -3;
            }
        }

        /**
         * @param s the slot.
         * @param r how many slots were freed.
         */
        @Actor
        public void sweeper(final Left s, final II_Result r) {
            r.r2 = s.sweepWithoutComparing();
        }
    }

    /**
     * Two sweepers and one slot that a dead thread occupies; the first then enters. Would catch a sweep without its lock or
     * without the CAS of the word (freed twice: the second takes the slot from under the next occupant), and a sweep that does
     * not make the dead thread's stores visible.
     */
    @JCStressTest
    @Outcome(id = {"1, 0, 3", "0, 1, 3"}, expect = ACCEPTABLE, desc = "one frees it, the entrant goes on where the dead stopped")
    @Outcome(id = "0, 1, -1", expect = ACCEPTABLE, desc = "the other is still sweeping: the slot is busy")
    @Outcome(expect = FORBIDDEN, desc = "freed twice, or never, or the count was lost")
    public static class TwoSweepers {
        /**
         * @param s the slot.
         * @param r how many were freed; what was counted.
         */
        @Actor
        public void sweepAndEnter(final Occupied s, final III_Result r) {
            r.r1 = s.sweeper.sweep();
            r.r3 = s.countTwice();
        }

        /**
         * @param s the slot.
         * @param r how many were freed.
         */
        @Actor
        public void sweep(final Occupied s, final III_Result r) {
            r.r2 = s.sweeper.sweep();
        }
    }

    /**
     * A section's own exit, then the death of its thread, against force-exit. A real thread each time, so few samples. Would catch a
     * sweeper that reads the word before it knows the thread to be dead: the word is then of a section that has ended, and its
     * CAS fails, or hits the next occupant.
     */
    @JCStressTest
    @Outcome(id = "0, 2", expect = ACCEPTABLE, desc = "left by itself: nothing to free, the next one enters")
    @Outcome(expect = FORBIDDEN, desc = "freed although it had left, or the slot stayed busy")
    public static class ExitAgainstForceExit {
        /**
         * @param s the slot.
         * @param r what the next occupant counted.
         */
        @Actor
        public void mortal(final Fresh s, final II_Result r) {
            final Thread thread = new Thread(() -> s.cpus.enter().exit());
            thread.start();
            try {
                thread.join();
            } catch (final InterruptedException e) {
                throw new AssertionError(e);
            }
            r.r2 = s.countTwice();
        }

        /**
         * @param s the slot.
         * @param r how many were freed.
         */
        @Actor
        public void sweeper(final Fresh s, final II_Result r) {
            for (int i = 0; i < 2000; i++) {
                r.r1 += s.sweeper.sweep();
            }
        }

        /**
         * @param s the slot.
         * @param r unused.
         */
        @Arbiter
        public void settle(final Fresh s, final II_Result r) {
            s.cpus.verifyQuiet();
        }
    }
}
