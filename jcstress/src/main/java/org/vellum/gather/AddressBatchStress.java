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

/** A translation is entered into the hash of a space, while its entry changes: G12, and the arguments of {@code HashedTable}. */
public final class AddressBatchStress {
    private AddressBatchStress() {
    }

    /** RG11. Would catch {@code AddressBatch.flushIfHolds} that does nothing: the old copy is taken out too late. */
    @JCStressTest
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "looked in between")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "looked before")
    @Outcome(id = "2, 2", expect = ACCEPTABLE, desc = "looked afterwards: the new translation, and no other")
    @Outcome(id = "2, 0", expect = ACCEPTABLE, desc = "found the group busy, and did without")
    @Outcome(expect = FORBIDDEN, desc = "two translations of one address, or what is gone")
    @State
    public static class FlushAgainstNewEntry {
        private final Stagger stagger = new Stagger();
        private final HashCell cell = new HashCell();

        /** @param r what it found; 3 if that made two copies. */
        @Actor
        public void accessor(final II_Result r) {
            stagger.one();
            r.r1 = cell.miss();
            if (cell.hasTwoCopies()) {
                r.r1 = 3;
            }
        }

        /** Clears the entry and stores a new one. */
        @Actor
        public void holder() {
            stagger.other();
            cell.clearAndSet();
        }

        /** @param r what is left in the hash. */
        @Arbiter
        public void settle(final II_Result r) {
            r.r2 = cell.copies();
        }
    }

    /** Would catch {@code SpaceTable.replaceCopied} that exchanges before it has the group. */
    @JCStressTest
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "looked before")
    @Outcome(id = "2, 2", expect = ACCEPTABLE, desc = "looked afterwards")
    @Outcome(id = "2, 0", expect = ACCEPTABLE, desc = "found the group busy, and did without")
    @Outcome(expect = FORBIDDEN, desc = "two translations of one address, or what is gone")
    @State
    public static class ExchangeAgainstEnter {
        private final Stagger stagger = new Stagger();
        private final HashCell cell = new HashCell();

        /** @param r what it found; 3 if that made two copies. */
        @Actor
        public void accessor(final II_Result r) {
            stagger.one();
            r.r1 = cell.miss();
            if (cell.hasTwoCopies()) {
                r.r1 = 3;
            }
        }

        /** Protects, say. */
        @Actor
        public void holder() {
            stagger.other();
            cell.exchange();
        }

        /** @param r what is left in the hash. */
        @Arbiter
        public void settle(final II_Result r) {
            r.r2 = cell.copies();
        }
    }

    /** Would catch {@code HashedTable.enter} that looks at the table before it has the group. */
    @JCStressTest
    @Outcome(id = {"0, 0", "1, 0"}, expect = ACCEPTABLE, desc = "after or before; nothing is left")
    @Outcome(expect = FORBIDDEN, desc = "a copy of what is gone")
    @State
    public static class ClearAgainstEnter {
        private final Stagger stagger = new Stagger();
        private final HashCell cell = new HashCell();

        /** @param r what it found. */
        @Actor
        public void accessor(final II_Result r) {
            stagger.one();
            r.r1 = cell.miss();
        }

        /** Unmaps. */
        @Actor
        public void holder() {
            stagger.other();
            cell.clear();
        }

        /** @param r what is left in the hash. */
        @Arbiter
        public void settle(final II_Result r) {
            r.r2 = cell.copies();
        }
    }
}
