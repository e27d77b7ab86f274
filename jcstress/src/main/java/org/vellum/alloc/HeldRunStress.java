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

/** Runs of frames that a slot holds: freed by one compare-and-set, while the slot may be about to forget them. */
public final class HeldRunStress {
    private HeldRunStress() {
    }

    /**
     * A free meets the slot that forgets the run. Would catch a {@code HeldRuns.forget} that stores LOOSE instead of comparing and
     * setting: the run would be live though it was freed, and its frames lost. Numbers: whether the free freed; frames that are out
     * at the end.
     */
    @JCStressTest
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "free -> drain, or drain -> free: the frames are back")
    @Outcome(expect = FORBIDDEN, desc = "the free was refused, or frames are lost")
    @State
    public static class FreeAgainstForget {
        private final RunCell cell = RunCell.take();
        private final long frame = cell.held();

        /** Frees. @param r whether it did. */
        @Actor
        public void free(final II_Result r) {
            r.r1 = cell.free(frame) ? 1 : 0;
        }

        /** Forgets. */
        @Actor
        public void drain() {
            cell.drain(0);
        }

        /** @param r frames that are out. */
        @Arbiter
        public void settle(final II_Result r) {
            r.r2 = cell.settle();
        }
    }

    /**
     * Two threads free one run. Would catch a change of the mark by a load and a store: both would free it. Numbers: who freed; frames that are
     * out at the end.
     */
    @JCStressTest
    @Outcome(id = {"1, 0, 0", "0, 1, 0"}, expect = ACCEPTABLE, desc = "one of the two freed")
    @Outcome(expect = FORBIDDEN, desc = "both or none freed, or frames are lost")
    @State
    public static class TwoFrees {
        private final RunCell cell = RunCell.take();
        private final long frame = cell.held();

        /** Frees. @param r whether it did. */
        @Actor
        public void one(final III_Result r) {
            r.r1 = cell.free(frame) ? 1 : 0;
        }

        /** Frees. @param r whether it did. */
        @Actor
        public void other(final III_Result r) {
            r.r2 = cell.free(frame) ? 1 : 0;
        }

        /** @param r frames that are out. */
        @Arbiter
        public void settle(final III_Result r) {
            r.r3 = cell.settle();
        }
    }

    /**
     * A deferred free meets the slot that forgets the run. Would catch a {@code HeldRuns.forget} that knows nothing of PARTING: the slot
     * would find it spare after it had forgotten it, that is never. Numbers: whether the free was deferred; frames that are out.
     */
    @JCStressTest
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "deferred -> drain, or drain -> deferred: the frames are back")
    @Outcome(expect = FORBIDDEN, desc = "refused, or frames are lost")
    @State
    public static class DeferredAgainstForget {
        private final RunCell cell = RunCell.take();
        private final long frame = cell.held();

        /** Frees later. @param r whether it did. */
        @Actor
        public void defer(final II_Result r) {
            r.r1 = cell.defer(frame) ? 1 : 0;
        }

        /** Forgets. */
        @Actor
        public void drain() {
            cell.drain(0);
        }

        /** @param r frames that are out. */
        @Arbiter
        public void settle(final II_Result r) {
            r.r2 = cell.settle();
        }
    }
}
