package org.vellum.space;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.vellum.Stagger;

/** A page is pinned without a lock, while its entry goes: w1 to u3 of {@code UserPages}. */
public final class PinStress {
    private PinStress() {
    }

    /** Would catch {@code UserPages.tryPin} without w3, and with w3 before w2. */
    @JCStressTest
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "pinned, which is seen")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "cleared; the walker finds out")
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "counted, seen, given back")
    @Outcome(expect = FORBIDDEN, desc = "pinned by an entry that is gone, and the other thinks that it is alone")
    @State
    public static class ReferenceAgainstClear {
        private final Stagger stagger = new Stagger();
        private final PinCell cell = new PinCell();

        /** @param r whether it is pinned. */
        @Actor
        public void walker(final II_Result r) {
            stagger.one();
            r.r1 = cell.pin();
        }

        /** @param r whether it was alone with the frame after it had cleared the entry. */
        @Actor
        public void clearer(final II_Result r) {
            stagger.other();
            r.r2 = cell.isAloneAfterClear();
        }

        /** @param r for what is pinned. */
        @Arbiter
        public void settle(final II_Result r) {
            if (r.r1 > 0) {
                cell.unpin();
            }
            cell.drop();
        }
    }

    /** Would catch {@code UserPages.pinFast} without its section, and a gather that frees without waiting. */
    @JCStressTest
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "pinned; the frame outlives its page")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "unmapped")
    @Outcome(expect = FORBIDDEN, desc = "the next owner's frame was counted")
    @State
    public static class AgainstUnmapAndReuse {
        private final Stagger stagger = new Stagger();
        private final PinCell cell = new PinCell();

        /** @param r 0 not pinned, 1 pinned as it was, 2 as another's. */
        @Actor
        public void walker(final II_Result r) {
            stagger.one();
            r.r1 = cell.pin();
        }

        /** @param r 1; -1 if it could not free what was its own. */
        @Actor
        public void unmapper(final II_Result r) {
            stagger.other();
            r.r2 = cell.unmapAndReuse();
        }

        /** @param r for what is pinned. */
        @Arbiter
        public void settle(final II_Result r) {
            if (r.r1 > 0) {
                cell.unpin();
            }
        }
    }
}
