package org.vellum.mmu;

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

/** A store in flight, in a section, while its page is taken away or made read-only: w1 to n1 of {@code SpaceWalk}. */
public final class SpaceStoreStress {
    private SpaceStoreStress() {
    }

    /**
     * Would catch {@code SpaceWalk.update} that looks at the entry before it enters, and {@code Epochs.stamp} without its fence.
     */
    @JCStressTest
    @Outcome(id = "1, 2", expect = ACCEPTABLE, desc = "stored, then unmapped")
    @Outcome(id = "0, 2", expect = ACCEPTABLE, desc = "unmapped, then a fault")
    @Outcome(expect = FORBIDDEN, desc = "stored into the frame of its next owner")
    @State
    public static class AgainstUnmapAndReuse {
        private final Stagger stagger = new Stagger();
        private final TableCell cell = new TableCell(TableCell.STORED_TO);

        /** @param r whether it stored. */
        @Actor
        public void writer(final II_Result r) {
            stagger.one();
            r.r1 = cell.store();
        }

        /** Unmaps, waits as a gather does, and is the next owner. */
        @Actor
        public void unmapper() {
            stagger.other();
            cell.unmapFlushAndReuse();
        }

        /** @param r what the next owner finds in its frame. */
        @Arbiter
        public void settle(final II_Result r) {
            r.r2 = cell.content();
        }
    }

    /** Broken on purpose: looks the entry up before the section begins. */
    @JCStressTest
    @Outcome(id = {"1, 2", "0, 2"}, expect = ACCEPTABLE, desc = "before or after")
    @Outcome(id = "1, 3", expect = ACCEPTABLE_INTERESTING, desc = "stored into the frame of its next owner")
    @State
    public static class BrokenTwinThatLooksBeforeItEnters {
        private final Stagger stagger = new Stagger();
        private final TableCell cell = new TableCell(TableCell.STORED_TO);

        /** @param r whether it stored. */
        @Actor
        public void writer(final II_Result r) {
            stagger.one();
            r.r1 = cell.storeWhatWasFound();
        }

        /** Unmaps, waits as a gather does, and is the next owner. */
        @Actor
        public void unmapper() {
            stagger.other();
            cell.unmapFlushAndReuse();
        }

        /** @param r what the next owner finds in its frame. */
        @Arbiter
        public void settle(final II_Result r) {
            r.r2 = cell.content();
        }
    }

    /**
     * Whoever has made a page read-only, and waited, reads what stays: copy-on-write and write-back build on it. Would catch the same, and
     * {@code SpaceWalk.walk} without W in what a store wants.
     */
    @JCStressTest
    @Outcome(id = "1, 3", expect = ACCEPTABLE, desc = "stored, then protected, which sees it")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "protected, then a fault")
    @Outcome(expect = FORBIDDEN, desc = "a store after the page was read-only for everybody")
    @State
    public static class AgainstProtect {
        private final Stagger stagger = new Stagger();
        private final TableCell cell = new TableCell(TableCell.STORED_TO);

        /** @param r whether it stored. */
        @Actor
        public void writer(final II_Result r) {
            stagger.one();
            r.r1 = cell.store();
        }

        /** @param r what is in the page, once nobody can store to it. */
        @Actor
        public void protector(final II_Result r) {
            stagger.other();
            r.r2 = cell.protectAndFlush();
        }
    }
}
