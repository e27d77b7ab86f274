package org.vellum.mmu;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;
import org.vellum.Stagger;

/** A read without a section, while what it reads is taken away and becomes something else: r1 to r5 of {@code SpaceTable}. */
public final class SpaceAccessStress {
    private SpaceAccessStress() {
    }

    /** Would catch {@code SpaceWalk.load} without r5, or without the load fence before it. */
    @JCStressTest
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "read, then unmapped")
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "unmapped: a fault, perhaps after a look at what is not its own")
    @Outcome(expect = FORBIDDEN, desc = "the next owner's data")
    @State
    public static class AgainstUnmapAndReuse {
        private final Stagger stagger = new Stagger();
        private final TableCell cell = new TableCell(true);

        /** @param r what it read. */
        @Actor
        public void reader(final I_Result r) {
            stagger.one();
            r.r1 = cell.read();
        }

        /** Unmaps, and is the next owner. */
        @Actor
        public void unmapper() {
            stagger.other();
            cell.unmapAndReuse();
        }
    }

    /** Broken on purpose: does not look again. */
    @JCStressTest
    @Outcome(id = {"0", "1"}, expect = ACCEPTABLE, desc = "before or after")
    @Outcome(id = "2", expect = ACCEPTABLE_INTERESTING, desc = "the next owner's data")
    @State
    public static class BrokenTwinThatLooksOnce {
        private final Stagger stagger = new Stagger();
        private final TableCell cell = new TableCell(true);

        /** @param r what it read. */
        @Actor
        public void reader(final I_Result r) {
            stagger.one();
            r.r1 = cell.readOnce();
        }

        /** Unmaps, and is the next owner. */
        @Actor
        public void unmapper() {
            stagger.other();
            cell.unmapAndReuse();
        }
    }

    /** The frame comes back to the same page between two looks. Would catch {@code SpaceEntry.following} without the next version. */
    @JCStressTest
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "the page before or after")
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "in between: a fault")
    @Outcome(expect = FORBIDDEN, desc = "what was in the frame while it was another's, though both entries look alike")
    @State
    public static class AgainstUnmapAndMapAgain {
        private final Stagger stagger = new Stagger();
        private final TableCell cell = new TableCell(true);

        /** @param r what it read. */
        @Actor
        public void reader(final I_Result r) {
            stagger.one();
            r.r1 = cell.read();
        }

        /** Unmaps, uses, maps again. */
        @Actor
        public void other() {
            stagger.other();
            cell.unmapAndReuse();
            cell.mapAgain();
        }
    }

    /** Would catch {@code SpaceWalk.load} without r3 or the last look at the directory. */
    @JCStressTest
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "read, then detached")
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "detached: a fault")
    @Outcome(expect = FORBIDDEN, desc = "went by a word that is no entry")
    @State
    public static class AgainstDetach {
        private final Stagger stagger = new Stagger();
        private final TableCell cell = new TableCell(true);

        /** @param r what it read. */
        @Actor
        public void reader(final I_Result r) {
            stagger.one();
            r.r1 = cell.read();
        }

        /** Takes the leaf away, and is its next owner. */
        @Actor
        public void detacher() {
            stagger.other();
            cell.detachAndReuse();
        }
    }
}
