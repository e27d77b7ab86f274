package org.vellum.alloc;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.vellum.Stagger;

/**
 * Runs of frames that a slot holds: freed by one compare-and-set, while the slot may be about to forget them. There are seven; who frees goes
 * through them against the other's direction, so that the two meet at one of them whoever started first.
 */
public final class HeldRunStress {
    private HeldRunStress() {
    }

    /** A memory whose slot 0 holds seven runs. */
    abstract static class Held {
        final RunCell cell = RunCell.take();
        final Stagger stagger = new Stagger();
        final long[] frames = cell.held();

        /** How many it freed, the last one first. */
        final int freeBackwards() {
            int freed = 0;
            for (int i = frames.length - 1; i >= 0; i--) {
                freed += cell.free(frames[i]) ? 1 : 0;
            }
            return freed;
        }

        final int freeForwards() {
            int freed = 0;
            for (final long frame : frames) {
                freed += cell.free(frame) ? 1 : 0;
            }
            return freed;
        }

        final int deferBackwards() {
            int deferred = 0;
            for (int i = frames.length - 1; i >= 0; i--) {
                deferred += cell.defer(frames[i]) ? 1 : 0;
            }
            return deferred;
        }
    }

    /**
     * Frees meet the slot that forgets the runs. Would catch a {@code HeldRuns.forget} that stores LOOSE instead of comparing and
     * setting: a run would be live though it was freed, and its frames lost; and a {@code HeldRuns.free} that does not try again when it finds
     * the run forgotten. Numbers: how many were freed; frames that are out at the end.
     */
    @JCStressTest
    @Outcome(id = "7, 0", expect = ACCEPTABLE, desc = "free -> drain, or drain -> free: the frames are back")
    @Outcome(expect = FORBIDDEN, desc = "a free was refused, or frames are lost")
    @State
    public static class FreeAgainstForget extends Held {
        /** Frees. @param r how many. */
        @Actor
        public void free(final II_Result r) {
            stagger.one();
            r.r1 = freeBackwards();
        }

        /** Forgets. */
        @Actor
        public void drain() {
            stagger.other();
            cell.drain(0);
        }

        /** @param r frames that are out. */
        @Arbiter
        public void settle(final II_Result r) {
            r.r2 = cell.settle();
        }
    }

    /**
     * Two threads free the same runs. Would catch a change of the mark by a load and a store: both would free one. Numbers: how many
     * frees there were, frames that are out at the end, whether some run was found live by neither.
     */
    @JCStressTest
    @Outcome(id = "7, 0, 0", expect = ACCEPTABLE, desc = "one of the two freed")
    @Outcome(expect = FORBIDDEN, desc = "both or none freed, or frames are lost")
    @State
    public static class TwoFrees extends Held {
        private int forwards;
        private int backwards;

        /** Frees. */
        @Actor
        public void one() {
            stagger.one();
            forwards = freeForwards();
        }

        /** Frees. */
        @Actor
        public void other() {
            stagger.other();
            backwards = freeBackwards();
        }

        /** @param r frees, frames that are out, and runs that are live still. */
        @Arbiter
        public void settle(final III_Result r) {
            r.r1 = forwards + backwards;
            r.r3 = freeForwards();
            r.r2 = cell.settle();
        }
    }

    /**
     * Deferred frees meet the slot that forgets the runs. Would catch a {@code HeldRuns.forget} that stores, or that knows nothing of PARTING: the
     * slot would find a run spare after it had forgotten it, that is never. Numbers: how many frees were deferred; frames that are out.
     */
    @JCStressTest
    @Outcome(id = "7, 0", expect = ACCEPTABLE, desc = "deferred -> drain, or drain -> deferred: the frames are back")
    @Outcome(expect = FORBIDDEN, desc = "refused, or frames are lost")
    @State
    public static class DeferredAgainstForget extends Held {
        /** Frees later. @param r how many. */
        @Actor
        public void defer(final II_Result r) {
            stagger.one();
            r.r1 = deferBackwards();
        }

        /** Forgets. */
        @Actor
        public void drain() {
            stagger.other();
            cell.drain(0);
        }

        /** @param r frames that are out. */
        @Arbiter
        public void settle(final II_Result r) {
            r.r2 = cell.settle();
        }
    }
}
