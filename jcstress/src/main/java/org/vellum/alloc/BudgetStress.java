package org.vellum.alloc;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.IIII_Result;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.report.Listener;

/**
 * Charges and uncharges of a budget at its limit. 1 is a charge that fitted, 0 one that was refused; last comes what is used in the end.
 */
public final class BudgetStress {
    private static final int SLOTS = 4;

    private BudgetStress() {
    }

    /** A memory of its own, whose slots nobody else visits: each actor has one. */
    abstract static class World {
        final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(SLOTS).withMaxSlots(SLOTS).withCells(SLOTS));
        final Budgets budgets = new Budgets(cpus, Listener.SILENT);

        /** As an allocation outside sections does: refused is what stays refused after some rests. */
        final int charge(final int slot, final Budget budget, final long bytes) {
            int outcome = attempt(slot, budget, bytes);
            for (int rests = 0; outcome == Reservation.UNDECIDED && rests < Reservation.MOST_RESTS; rests++) {
                budgets.reservation.rest();
                outcome = attempt(slot, budget, bytes);
            }
            return outcome == Reservation.CHARGED ? 1 : 0;
        }

        private int attempt(final int slot, final Budget budget, final long bytes) {
            final Cpu cpu = cpus.tryVisit(slot);
            try {
                return budget.attempt(cpu, bytes);
            } finally {
                cpu.exit();
            }
        }

        final void uncharge(final int slot, final Budget budget, final long bytes) {
            final Cpu cpu = cpus.tryVisit(slot);
            try {
                budget.uncharge(cpu, bytes);
            } finally {
                cpu.exit();
            }
        }

        /** What is used, after all of it is known to add up; −1 if slack is left over that nobody has reserved. */
        final int usedInTheEnd(final Budget budget) {
            budgets.root().reclaimSlack();
            try {
                budgets.verify();
            } catch (final AssertionError e) {
                return -1;
            }
            return (int)budget.used();
        }
    }

    /**
     * A full budget; one charges, the other makes room for one and charges. The bug it would catch: a limit that is checked and then taken
     * in two steps ({@code BudgetWords.tryReserve} by a load and a store); both then fit in the room for one, and the sum is lost.
     */
    @JCStressTest
    @Outcome(id = {"1, 0, 40", "0, 1, 40"}, expect = ACCEPTABLE, desc = "both came after the uncharge, one was first")
    @Outcome(expect = FORBIDDEN, desc = "both charged beyond the limit, or none though there was room, or the sum is lost")
    @State
    public static class FullUntilUncharged extends World {
        private final Budget budget = budgets.root().child("b", 40);

        /** Fills it. */
        public FullUntilUncharged() {
            charge(3, budget, 40);
        }

        /** @param r whether it fitted. */
        @Actor
        public void charge(final III_Result r) {
            r.r1 = charge(0, budget, 20);
        }

        /** @param r whether it fitted. */
        @Actor
        public void unchargeAndCharge(final III_Result r) {
            uncharge(1, budget, 20);
            r.r2 = charge(1, budget, 20);
        }

        /** @param r what is used. */
        @Arbiter
        public void end(final III_Result r) {
            r.r3 = usedInTheEnd(budget);
        }
    }

    /**
     * Room for one; one charges, the other makes room for another and charges. The bug it would catch: a charge refused because its
     * compare-and-set lost to the other ({@code BudgetWords.tryReserve} without its loop, and believed), though the bytes were there at every
     * moment.
     */
    @JCStressTest
    @Outcome(id = "1, 1, 40", expect = ACCEPTABLE, desc = "both fitted, as they do in any order")
    @Outcome(expect = FORBIDDEN, desc = "refused though there was always room, or the sum is lost")
    @State
    public static class RoomForOne extends World {
        private final Budget budget = budgets.root().child("b", 40);

        /** Fills half of it. */
        public RoomForOne() {
            charge(3, budget, 20);
        }

        /** @param r whether it fitted. */
        @Actor
        public void charge(final III_Result r) {
            r.r1 = charge(0, budget, 20);
        }

        /** @param r whether it fitted. */
        @Actor
        public void unchargeAndCharge(final III_Result r) {
            uncharge(1, budget, 20);
            r.r2 = charge(1, budget, 20);
        }

        /** @param r what is used. */
        @Arbiter
        public void end(final III_Result r) {
            r.r3 = usedInTheEnd(budget);
        }
    }

    /**
     * A parent of 40; in a child of 50 one charges 40, while the other charges 20 in a sibling, then 20 in the child. The bug it would
     * catch: the last 20 are refused at the child because of the 40, which the parent then refuses because of the sibling, so that they
     * are taken back ({@code Reservation.isFinal} without its look at {@code unsettled}): a refusal that no order explains.
     */
    @JCStressTest
    @Outcome(id = "0, 1, 1, 40", expect = ACCEPTABLE, desc = "the sibling came first: the 40 did not fit any more")
    @Outcome(id = "1, 0, 0, 40", expect = ACCEPTABLE, desc = "the 40 came first: nothing else fitted")
    @Outcome(expect = FORBIDDEN, desc = "refused for bytes that came back, or beyond a limit, or the sum is lost")
    @State
    public static class TakenBack extends World {
        private final Budget parent = budgets.root().child("p", 40);
        private final Budget child = parent.child("c", 50);
        private final Budget sibling = parent.child("s", 50);

        /** @param r whether the 40 fitted. */
        @Actor
        public void large(final IIII_Result r) {
            r.r1 = charge(0, child, 40);
        }

        /** @param r whether the sibling's 20 fitted, and the child's. */
        @Actor
        public void siblingThenSmall(final IIII_Result r) {
            r.r2 = charge(1, sibling, 20);
            r.r3 = charge(1, child, 20);
        }

        /** @param r what is used of the parent. */
        @Arbiter
        public void end(final IIII_Result r) {
            r.r4 = usedInTheEnd(parent);
        }
    }

    /**
     * All that is left is slack on one idle slot, enough for two, and two want it. The bug it would catch: one is refused while the other
     * carries the slack up, and it is in no word ({@code Slack.giveBack} without announcing it).
     */
    @JCStressTest
    @Outcome(id = "1, 1, 4096", expect = ACCEPTABLE, desc = "both fitted, to the last byte")
    @Outcome(expect = FORBIDDEN, desc = "refused for slack that nobody used, or the sum is lost")
    @State
    public static class SlackOfIdleSlots extends World {
        private static final int LIMIT = 4096;
        private final Budget top = budgets.root().child("top", LIMIT);
        /** Some way below, so that the slack is carried for a while before it arrives where it is wanted. */
        private final Budget budget = top.child("a", LIMIT).child("b", LIMIT).child("c", LIMIT).child("d", LIMIT);
        private final long share;

        /** Leaves slack on slot 2, and charges the rest to the top. */
        public SlackOfIdleSlots() {
            charge(2, budget, 1);
            share = (budget.words.reserved() - budget.used()) / 2;
            // By no slot, so that it takes no slack.
            top.tryCharge(null, LIMIT - top.used() - 2 * share);
        }

        /** @param r whether it fitted. */
        @Actor
        public void first(final III_Result r) {
            r.r1 = charge(0, budget, share);
        }

        /** @param r whether it fitted. */
        @Actor
        public void second(final III_Result r) {
            r.r2 = charge(1, budget, share);
        }

        /** @param r what is used. */
        @Arbiter
        public void end(final III_Result r) {
            r.r3 = usedInTheEnd(top);
        }
    }
}
