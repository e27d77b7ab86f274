package org.vellum.space;

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
import org.vellum.Stagger;

/** Faults of an address space, while what they fault for goes or changes: f1 to u3 of the package documentation. */
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

        /** @param r whether it stored. */
        @Actor
        public void fault(final II_Result r) {
            stagger.one();
            r.r1 = cell.store(0, 1);
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
            r.r2 = cell.left();
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

        /** There is a table. */
        public BrokenTwinWithoutCheck() {
            cell.keepTable();
        }

        /** @param r whether it installed an entry. */
        @Actor
        public void fault(final II_Result r) {
            stagger.one();
            r.r1 = cell.faultUnchecked();
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
            r.r2 = cell.left();
        }
    }

    /** A store, with its fault, while the page becomes read-only. Would catch the same, and a protection that does not wait for sections. */
    @JCStressTest
    @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "stored before the protection returned")
    @Outcome(id = "0, 0, 0", expect = ACCEPTABLE, desc = "refused")
    @Outcome(expect = FORBIDDEN, desc = "stored after the protection had returned")
    @State
    public static class AgainstProtect {
        private final Stagger stagger = new Stagger();
        private final FaultCell cell = new FaultCell();

        /** @param r whether it stored. */
        @Actor
        public void fault(final III_Result r) {
            stagger.one();
            r.r1 = cell.store(0, 1);
        }

        /** @param r what it sees afterwards. */
        @Actor
        public void protect(final III_Result r) {
            stagger.other();
            cell.protect();
            r.r2 = cell.load(0);
        }

        /** @param r what is left. */
        @Arbiter
        public void settle(final III_Result r) {
            r.r3 = cell.load(0);
        }
    }

    /** The same with the page there, and writable: no fault. Would catch a protection that does not wait for sections. */
    @JCStressTest
    @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "stored before the protection returned")
    @Outcome(id = "0, 0, 0", expect = ACCEPTABLE, desc = "refused")
    @Outcome(expect = FORBIDDEN, desc = "stored after the protection had returned")
    @State
    public static class WriteAgainstProtect {
        private final Stagger stagger = new Stagger();
        private final FaultCell cell = new FaultCell();

        /** The page is there. */
        public WriteAgainstProtect() {
            cell.store(1, 1);
        }

        /** @param r whether it stored. */
        @Actor
        public void store(final III_Result r) {
            stagger.one();
            r.r1 = cell.store(0, 1);
        }

        /** @param r what it sees afterwards. */
        @Actor
        public void protect(final III_Result r) {
            stagger.other();
            cell.protect();
            r.r2 = cell.load(0);
        }

        /** @param r what is left. */
        @Arbiter
        public void settle(final III_Result r) {
            r.r3 = cell.load(0);
        }
    }

    /** Two threads touch a page for the first time. Would catch an installation that does not look whether there is an entry. */
    @JCStressTest
    @Outcome(id = "1, 2", expect = ACCEPTABLE, desc = "both stored to one frame")
    @Outcome(expect = FORBIDDEN, desc = "a store went to a frame that nobody sees")
    @State
    public static class TwoFirstFaults {
        private final Stagger stagger = new Stagger();
        private final FaultCell cell = new FaultCell();

        /** Stores. */
        @Actor
        public void one() {
            stagger.one();
            cell.store(0, 1);
        }

        /** Stores beside it. */
        @Actor
        public void other() {
            stagger.other();
            cell.store(1, 2);
        }

        /** @param r what is left. */
        @Arbiter
        public void settle(final II_Result r) {
            r.r1 = cell.load(0);
            r.r2 = cell.load(1);
        }
    }

    /** A store while the content is thrown away. Would catch a discard that leaves the page, and a fault that finds what was discarded. */
    @JCStressTest
    @Outcome(id = {"0, 0, 0", "0, 0, 1", "0, 1, 1"}, expect = ACCEPTABLE, desc = "thrown away with the rest; or stored to a new page")
    @Outcome(expect = FORBIDDEN, desc = "the old content is seen after the discard, or a later store is lost")
    @State
    public static class AgainstDiscard {
        private final Stagger stagger = new Stagger();
        private final FaultCell cell = new FaultCell();

        /** There is content. */
        public AgainstDiscard() {
            cell.store(1, 5);
        }

        /** Stores. */
        @Actor
        public void store() {
            stagger.one();
            cell.store(0, 1);
        }

        /** @param r what it sees afterwards: the old content, and what is stored. */
        @Actor
        public void discard(final III_Result r) {
            stagger.other();
            cell.discard();
            r.r1 = cell.load(1);
            r.r2 = cell.load(0);
        }

        /** @param r what is left. */
        @Arbiter
        public void settle(final III_Result r) {
            r.r3 = cell.load(0);
        }
    }

    /** Somebody maps where another unmaps. Would catch an unmap without a tombstone: it clears what is mapped anew while it still clears the old. */
    @JCStressTest
    @Outcome(id = "0, -1", expect = ACCEPTABLE, desc = "refused: still mapped then")
    @Outcome(id = "1, 7", expect = ACCEPTABLE, desc = "mapped anew, and nobody touches that")
    @Outcome(expect = FORBIDDEN, desc = "the unmap of the old took away what is new")
    @State
    public static class UnmapAgainstMap {
        private final Stagger stagger = new Stagger();
        private final FaultCell cell = new FaultCell();

        /** The page is there. */
        public UnmapAgainstMap() {
            cell.store(0, 5);
        }

        /** Unmaps. */
        @Actor
        public void unmap() {
            stagger.one();
            cell.unmap();
        }

        /** @param r whether it was mapped anew. */
        @Actor
        public void map(final II_Result r) {
            stagger.other();
            r.r1 = cell.map();
            if (r.r1 == 1) {
                cell.store(0, 7);
            }
        }

        /** @param r what is left. */
        @Arbiter
        public void settle(final II_Result r) {
            r.r2 = cell.load(0);
        }
    }
}
