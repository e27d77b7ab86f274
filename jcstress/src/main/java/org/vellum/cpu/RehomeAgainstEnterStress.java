package org.vellum.cpu;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * Rule (N) of the package documentation: a thread inside a section is at the affine slot of its cell, or is counted displaced.
 * One cell, two slots: U is displaced and re-homes the cell at its exit, while T of the same cell enters the old slot and nests.
 */
public final class RehomeAgainstEnterStress {
    private static final CpuOptions OPTIONS = new CpuOptions(2, 2, 1, 1L << 32, 1, 0);

    private RehomeAgainstEnterStress() {
    }

    /** Slot 0, affine to everybody, is occupied by somebody who is no actor. */
    @State
    public static class OneCell {
        private static final long SOMEBODY = SlotLayout.occupied(0xFFFF_FFF0L, 1);
        private final Cpus cpus = new Cpus(OPTIONS);

        /** Somebody enters. */
        public OneCell() {
            cpus.slots.putVolatile(0, SOMEBODY);
        }

        /** Displaced, if slot 1 was to be had; leaves after slot 0 has fallen idle, and so re-homes the cell. */
        void displacedThenLeave() {
            final Cpu cpu = cpus.tryEnter();
            cpus.slots.compareAndSet(0, SOMEBODY, SlotLayout.IDLE);
            if (cpu != null) {
                cpu.exit();
            }
        }

        /** Enters twice: 1 if the second time nested, 2 if it took a second slot, 0 if all were busy. */
        int enterTwice() {
            final Cpu outer = cpus.tryEnter();
            return outer == null ? 0 : nestIn(outer);
        }

        /** Enters without step (B), then nests. */
        int enterTwiceWithoutB() {
            final long id = ThreadIds.of(Thread.currentThread());
            final long cell = cpus.cells.getOpaque(0);
            final Cpu outer = cpus.cpu(SlotLayout.slotOf(cell));
            return cell < SlotLayout.CELL_DISPLACED_ONE
                && cpus.slots.compareAndSet((long)outer.index * SlotLayout.STRIDE_WORDS, SlotLayout.IDLE,
                    SlotLayout.occupied(id, 1)) ? nestIn(outer) : 0;
        }

        private int nestIn(final Cpu outer) {
            final Cpu inner = cpus.tryEnter();
            final int result = inner == outer ? 1 : 2;
            if (inner != null) {
                inner.exit();
            }
            outer.exit();
            return result;
        }

        int quiet() {
            try {
                cpus.verifyQuiet();
                return 1;
            } catch (final AssertionError e) {
                return 0;
            }
        }
    }

    /**
     * Would catch {@code Cpus.enterAt} or {@code Displacement.enterAffine} without their second look at the cell (step (B)), {@code
     * Displacement.rehome} without its look at the old slot, and an exit that is counted back before it re-homes.
     */
    @JCStressTest
    @Outcome(id = {"0, 1", "1, 1"}, expect = ACCEPTABLE, desc = "all busy; or nested in the slot it was in")
    @Outcome(expect = FORBIDDEN, desc = "two slots for one section, or the counts do not come back to zero")
    public static class Real {
        /** @param s the slots. */
        @Actor
        public void displaced(final OneCell s) {
            s.displacedThenLeave();
        }

        /**
         * @param s the slots.
         * @param r 1 if nested.
         */
        @Actor
        public void nesting(final OneCell s, final II_Result r) {
            r.r1 = s.enterTwice();
        }

        /**
         * @param s the slots.
         * @param r whether all is quiet in the end.
         */
        @Arbiter
        public void settle(final OneCell s, final II_Result r) {
            r.r2 = s.quiet();
        }
    }

    /** Broken on purpose: enters without step (B). Seen to fail on JDK 17, x86, seldom: 1 of 292,000 samples. */
    @JCStressTest
    @Outcome(id = {"0, 1", "1, 1"}, expect = ACCEPTABLE, desc = "all busy; or nested in the slot it was in")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "two slots for one section")
    public static class BrokenTwinWithoutB {
        /** @param s the slots. */
        @Actor
        public void displaced(final OneCell s) {
            s.displacedThenLeave();
        }

        /**
         * @param s the slots.
         * @param r 1 if nested.
         */
        @Actor
        public void nesting(final OneCell s, final II_Result r) {
            for (int i = 0; i < 40 && r.r1 == 0; i++) {
                r.r1 = s.enterTwiceWithoutB();
            }
        }

        /**
         * @param s the slots.
         * @param r whether all is quiet in the end.
         */
        @Arbiter
        public void settle(final OneCell s, final II_Result r) {
            r.r2 = s.quiet();
        }
    }
}
