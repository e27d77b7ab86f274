package org.vellum.percpu;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.vellum.Stagger;

/** Pages that come and go, against those that allocate and free without waiting. */
public final class PercpuStress {
    private static final int PAGE = PercpuCell.PAGE;

    private PercpuStress() {
    }

    /**
     * RP8: one makes a page and takes half of it, the other takes the other half without waiting. Would catch {@code ChunkSupply.populate} marking
     * the page before it is mapped in all units: the other faults, or has the page of one CPU only.
     */
    @JCStressTest
    @Outcome(id = "1, 0, 1", expect = ACCEPTABLE, desc = "atomic, then populated: nothing is ready")
    @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "populated, then atomic: there is room")
    @Outcome(expect = FORBIDDEN, desc = "a copy is not there, not zero, or another's")
    @State
    public static class PopulationAgainstAtomic {
        private final PercpuCell cell = PercpuCell.take();
        private final Stagger stagger = new Stagger();
        private final long first = cell.takeFirst();
        private long one;
        private long two;

        /** @param r what it got. */
        @Actor
        public void populates(final III_Result r) {
            stagger.one();
            one = cell.percpu.allocate(PAGE / 2, PAGE);
            r.r1 = cell.look(one, PAGE / 2);
        }

        /** @param r what it got. */
        @Actor
        public void atomic(final III_Result r) {
            stagger.other();
            two = cell.percpu.allocateAtomic(PAGE / 2, PAGE / 2);
            r.r2 = cell.look(two, PAGE / 2);
        }

        /** @param r whether all is whole. */
        @Arbiter
        public void settle(final III_Result r) {
            final boolean intact = cell.isIntact(one, PAGE / 2) && (two == 0 || cell.isIntact(two, PAGE / 2));
            r.r3 = cell.settle(first, one, two) == 1 && intact ? 1 : 0;
        }
    }

    /** A chunk of eight pages, of which four are there, and two of those are taken; nobody has asked for more. */
    private static final class Half {
        final PercpuCell cell = PercpuCell.take();
        final long first = cell.takeFirst();
        final long taken;

        Half() {
            cell.percpu.balance();
            taken = cell.percpu.allocate(2 * PAGE, PAGE);
        }
    }

    /**
     * RP5: two populate, and both need the fifth page. Would catch a population outside the mutex: both make that page, and what one has mapped the
     * other finds mapped already, or maps again, in some units.
     */
    @JCStressTest
    @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "one after the other")
    @Outcome(expect = FORBIDDEN, desc = "a page is there in some units only, or is another's")
    @State
    public static class TwoPopulations {
        private static final int BYTES = 5 * PAGE / 2;

        private final Half chunk = new Half();
        private final PercpuCell cell = chunk.cell;
        private final Stagger stagger = new Stagger(64);
        private long one;
        private long two;

        /** @param r what it got. */
        @Actor
        public void one(final III_Result r) {
            stagger.one();
            one = cell.percpu.allocate(BYTES, 4);
            r.r1 = cell.look(one, BYTES);
        }

        /** @param r what it got. */
        @Actor
        public void two(final III_Result r) {
            stagger.other();
            two = cell.percpu.allocate(BYTES, 4);
            r.r2 = cell.look(two, BYTES);
        }

        /** @param r whether all is whole. */
        @Arbiter
        public void settle(final III_Result r) {
            final boolean intact = cell.isIntact(one, BYTES) && cell.isIntact(two, BYTES);
            r.r3 = cell.settle(chunk.first, one, two, chunk.taken) == 1 && intact ? 1 : 0;
        }
    }

    /** A chunk whose last two pages of three have become empty, and is isolated. */
    private static final class Isolated {
        final PercpuCell cell = PercpuCell.take();
        /** Its first page. */
        final long kept;

        Isolated() {
            final long first = cell.takeFirst();
            kept = cell.percpu.allocate(PAGE, PAGE);
            final long one = cell.percpu.allocate(PAGE, PAGE);
            final long two = cell.percpu.allocate(PAGE, PAGE);
            cell.percpu.free(first);
            cell.percpu.free(one);
            cell.percpu.free(two);
        }
    }

    /**
     * RP6: one gives pages back, the other allocates without waiting, more than the first chunk has room for. Would catch {@code Chunks.isolate}
     * leaving the chunk where allocations look: the other gets pages that are just being unmapped.
     */
    @JCStressTest
    @Outcome(id = "0, 0, 1", expect = ACCEPTABLE, desc = "not while they are given back, and not afterwards")
    @Outcome(id = "0, 1, 1", expect = ACCEPTABLE, desc = "of pages that the balance has made ready")
    @Outcome(expect = FORBIDDEN, desc = "a copy is not there, not zero, or another's")
    @State
    public static class DepopulationAgainstAtomic {
        private final Isolated chunk = new Isolated();
        private final PercpuCell cell = chunk.cell;
        private final Stagger stagger = new Stagger();
        private long one;
        private long two;

        /** Balances. */
        @Actor
        public void balances() {
            stagger.one();
            cell.percpu.balancer().balance();
        }

        /** @param r what it got of the second: the first has the first chunk's pages. */
        @Actor
        public void atomic(final III_Result r) {
            stagger.other();
            one = cell.percpu.allocateAtomic(5 * PAGE, 4);
            two = cell.percpu.allocateAtomic(PAGE, PAGE);
            r.r2 = cell.look(two, PAGE);
        }

        /** @param r whether all is whole. */
        @Arbiter
        public void settle(final III_Result r) {
            final boolean intact = two == 0 || cell.isIntact(two, PAGE);
            r.r3 = cell.settle(chunk.kept, one, two) == 1 && intact ? 1 : 0;
        }
    }

    /**
     * RP7: one gives pages back, the other frees the last that is left in the chunk. Would catch {@code Chunks.free} moving an isolated chunk among
     * those that are free, or counting pages that are being unmapped as ready.
     */
    @JCStressTest
    @Outcome(id = "1, 0, 1", expect = ACCEPTABLE, desc = "its room is back, and no page is lost")
    @Outcome(expect = FORBIDDEN, desc = "not freed, or a page or the chunk is lost or counted twice")
    @State
    public static class DepopulationAgainstFree {
        private final Isolated chunk = new Isolated();
        private final PercpuCell cell = chunk.cell;
        private final Stagger stagger = new Stagger();

        /** @param r whether it freed. */
        @Actor
        public void frees(final III_Result r) {
            stagger.one();
            r.r1 = cell.free(chunk.kept);
        }

        /** Balances. */
        @Actor
        public void balances() {
            stagger.other();
            cell.percpu.balancer().balance();
        }

        /** @param r whether all is whole. */
        @Arbiter
        public void settle(final III_Result r) {
            r.r3 = cell.settle();
        }
    }

    /** RP4: two free the same. Would catch a look at the map outside the lock. */
    @JCStressTest
    @Outcome(id = {"1, 0, 1", "0, 1, 1"}, expect = ACCEPTABLE, desc = "one of them, and the other is told")
    @Outcome(expect = FORBIDDEN, desc = "both, or neither")
    @State
    public static class TwoFrees {
        private final PercpuCell cell = PercpuCell.take();
        private final Stagger stagger = new Stagger(64);
        private final long pointer = cell.percpu.allocate(64, 4);

        /** @param r whether it freed. */
        @Actor
        public void one(final III_Result r) {
            stagger.one();
            r.r1 = cell.free(pointer);
        }

        /** @param r whether it freed. */
        @Actor
        public void two(final III_Result r) {
            stagger.other();
            r.r2 = cell.free(pointer);
        }

        /** @param r whether all is whole. */
        @Arbiter
        public void settle(final III_Result r) {
            r.r3 = cell.settle();
        }
    }
}
