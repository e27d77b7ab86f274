package org.vellum.space;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.vellum.Stagger;

/** A fault that has looked its region up without a lock, while the region goes or changes: f1 to u3 of the package documentation. */
public final class FaultStress {
    private FaultStress() {
    }

    /** Would catch a fault without f3, {@code RegionIndex} ending regions after the entries are cleared, and f3 before f2. */
    @JCStressTest
    @Outcome(id = {"0, 0", "1, 0"}, expect = ACCEPTABLE, desc = "no region, no entry: never there, or cleared")
    @Outcome(expect = FORBIDDEN, desc = "an entry is left behind in a range without a region")
    @State
    public static class AgainstUnmap {
        private final Stagger stagger = new Stagger();
        private final FaultCell cell = new FaultCell();

        /** @param r whether it installed an entry. */
        @Actor
        public void fault(final II_Result r) {
            stagger.one();
            r.r1 = cell.fault(true);
        }

        /** Unmaps. */
        @Actor
        public void unmap() {
            stagger.other();
            cell.unmap();
        }

        /** @param r what is left. */
        @Arbiter
        public void settle(final II_Result r) {
            r.r2 = cell.entry();
        }
    }

    /** Broken on purpose: does not ask again under the page-table lock. */
    @JCStressTest
    @Outcome(id = {"0, 0", "1, 0"}, expect = ACCEPTABLE, desc = "no region, no entry")
    @Outcome(id = "1, 1", expect = ACCEPTABLE_INTERESTING, desc = "an entry is left behind in a range without a region")
    @State
    public static class BrokenTwinWithoutCheck {
        private final Stagger stagger = new Stagger();
        private final FaultCell cell = new FaultCell();

        /** @param r whether it installed an entry. */
        @Actor
        public void fault(final II_Result r) {
            stagger.one();
            r.r1 = cell.fault(false);
        }

        /** Unmaps. */
        @Actor
        public void unmap() {
            stagger.other();
            cell.unmap();
        }

        /** @param r what is left. */
        @Arbiter
        public void settle(final II_Result r) {
            r.r2 = cell.entry();
        }
    }

    /** A write fault while the region becomes read-only. Would catch the same as {@link AgainstUnmap}. */
    @JCStressTest
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "installed; read-only in the end")
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "refused: the region was read-only already")
    @Outcome(expect = FORBIDDEN, desc = "a writable entry in a read-only region")
    @State
    public static class AgainstProtect {
        private final Stagger stagger = new Stagger();
        private final FaultCell cell = new FaultCell();

        /** @param r whether it installed an entry. */
        @Actor
        public void fault(final II_Result r) {
            stagger.one();
            r.r1 = cell.fault(true);
        }

        /** Protects. */
        @Actor
        public void protect() {
            stagger.other();
            cell.protect();
        }

        /** @param r what is left: 0 nothing, 1 read-only, 2 writable. */
        @Arbiter
        public void settle(final II_Result r) {
            r.r2 = cell.entry();
        }
    }
}
