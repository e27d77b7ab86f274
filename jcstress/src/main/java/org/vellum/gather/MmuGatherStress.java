package org.vellum.gather;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.vellum.Stagger;

/** Unmapping against who walks in a section, and against who unmaps the same. */
public final class MmuGatherStress {
    private MmuGatherStress() {
    }

    /**
     * Would catch {@code MmuGather.flush} freeing before it has waited, and a stamp that is taken before the entry is cleared.
     */
    @JCStressTest
    @Outcome(id = {"0, 1", "1, 1"}, expect = ACCEPTABLE, desc = "cleared already, or its own content as long as it looked")
    @Outcome(expect = FORBIDDEN, desc = "the frame was given to its next owner under a section, or not freed")
    @State
    public static class WalkerAgainstUnmap {
        private final Stagger stagger = new Stagger();
        private final GatherCell cell = new GatherCell();

        /** @param r 0 nothing there, 1 its own content, 2 another's. */
        @Actor
        public void walker(final II_Result r) {
            stagger.one();
            r.r1 = cell.walk();
        }

        /** @param r whether the frame is free afterwards. */
        @Actor
        public void unmapper(final II_Result r) {
            stagger.other();
            r.r2 = cell.unmapAndReuse();
        }
    }

    /**
     * RG5: two unmap one page. The first clears it inside a section that has seen the page, and flushes when it has left that; the second may find
     * nothing to clear, and must not return while that section lasts. Would catch {@code MmuGather.close} that ends without a flush because
     * it has gathered nothing, and a count that is not raised before the entry is cleared.
     */
    @JCStressTest
    @Outcome(id = {"0, 1", "1, 1"}, expect = ACCEPTABLE, desc = "the second returned when no section had the old translation")
    @Outcome(expect = FORBIDDEN, desc = "it returned while a section still had the old translation, or the page is mapped still")
    @State
    public static class NestedGathers {
        private final Stagger stagger = new Stagger();
        private final GatherCell cell = new GatherCell();

        /** @param r whether it saw the page. */
        @Actor
        public void first(final II_Result r) {
            stagger.one();
            r.r1 = cell.lookAndUnmap();
        }

        /** @param r 1 if no section that had seen the page was open when it returned. */
        @Actor
        public void second(final II_Result r) {
            stagger.other();
            r.r2 = cell.unmapAndLook();
        }

        /** @param r for what is left. */
        @Arbiter
        public void settle(final II_Result r) {
            r.r2 = cell.isMapped() ? -1 : r.r2;
        }
    }
}
