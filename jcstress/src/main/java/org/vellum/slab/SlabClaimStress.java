package org.vellum.slab;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.concurrent.ConcurrentLinkedQueue;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.I_Result;
import org.vellum.Stagger;
import org.vellum.report.Events;

/** Two slots look for a slab, and one is listed. */
public final class SlabClaimStress {
    /** Turns between actors that do much the same. */
    private static final int LIKE = 32;

    private SlabClaimStress() {
    }

    /** A slab that is nobody's, listed, with two objects free; no other. */
    @State
    public static class Listed {
        private final SlabCell cell = SlabCell.take();
        private final Stagger stagger = new Stagger(LIKE);
        private final long[] objects = cell.fullSlab();
        private final long[] handedOut = new long[2];

        /** Lets the kept slab go, and lists the other. */
        public Listed() {
            cell.slabs.drainIdle();
            cell.free(objects[0], objects[1]);
        }

        int allocate(final int slot) {
            handedOut[slot] = cell.allocate(slot);
            return SlabCell.slabOf(handedOut[slot]) == SlabCell.slabOf(objects[2]) ? 0 : 1;
        }
    }

    /**
     * Would catch {@code Slabs.claim} by a load and a store: both own the slab, and hand out the same object.
     */
    @JCStressTest
    @Outcome(id = {"0, 1, 1", "1, 0, 1"}, expect = ACCEPTABLE, desc = "one claims it, the other makes one")
    @Outcome(expect = FORBIDDEN, desc = "both own it, or neither found it, or slabs are lost")
    public static class TwoClaimers {
        /**
         * @param s the slab.
         * @param r 0 if it got this slab.
         */
        @Actor
        public void one(final Listed s, final III_Result r) {
            s.stagger.one();
            r.r1 = s.allocate(0);
        }

        /**
         * @param s the slab.
         * @param r 0 if it got this slab.
         */
        @Actor
        public void two(final Listed s, final III_Result r) {
            s.stagger.other();
            r.r2 = s.allocate(1);
        }

        /**
         * @param s the slab.
         * @param r whether everything is back.
         */
        @Arbiter
        public void settle(final Listed s, final III_Result r) {
            final boolean whole = s.cell.slabsLeft() == 2;
            r.r3 = s.cell.settle(s.objects[2], s.objects[3], s.handedOut[0], s.handedOut[1]) & (whole ? 1 : 0);
        }
    }

    /**
     * A slab is claimed while its last two objects are freed. Would catch {@code Slabs.reclaim} that claims by a store, and
     * {@code PartialSlabs.remove} that does not look again at a slab which has been listed meanwhile.
     */
    @JCStressTest
    @Outcome(id = {"0, 1, 1", "1, 1, 1", "0, 2, 1", "1, 2, 1"}, expect = ACCEPTABLE, desc = "claimed or released, never both")
    @Outcome(expect = FORBIDDEN, desc = "handed out of a slab that was released, or lost")
    public static class ClaimAgainstReclaim {
        /**
         * @param s the slab.
         * @param r 0 if it got this slab.
         */
        @Actor
        public void claimer(final Listed s, final III_Result r) {
            s.stagger.one();
            r.r1 = s.allocate(0);
        }

        /** @param s the slab. */
        @Actor
        public void stranger(final Listed s) {
            s.stagger.other();
            s.cell.free(s.objects[2], s.objects[3]);
        }

        /**
         * @param s the slab.
         * @param r slabs left, and whether everything is back.
         */
        @Arbiter
        public void settle(final Listed s, final III_Result r) {
            r.r2 = s.cell.slabsLeft();
            r.r3 = s.cell.settle(s.handedOut[0]);
        }
    }

    /** A slab whose bit was left behind: it is owned. */
    @State
    public static class LeftBehind {
        private static final int SLAB = 1;
        private static final long OWNED = SlabWord.owned(1, SlabCell.SIZE_CLASS);
        private static final ConcurrentLinkedQueue<Slabs> SETTLED = new ConcurrentLinkedQueue<>();
        private final Slabs slabs;
        private final Stagger stagger = new Stagger(LIKE);

        /** Sets the bit. */
        public LeftBehind() {
            final Slabs settled = SETTLED.poll();
            slabs = settled == null ? make() : settled;
            slabs.table.putWordVolatile(SLAB, OWNED);
            slabs.partial.add(SlabCell.SIZE_CLASS, SLAB);
        }

        private static Slabs make() {
            final SlabCell cell = SlabCell.take();
            final Slabs made = new Slabs(cell.cpus, cell.frames, Events.NONE);
            made.table.prepare(SLAB, made.partial);
            return made;
        }
    }

    /**
     * A slab is listed by one, while another who has seen it owned clears the bit. Would catch {@code PartialSlabs.remove} that does not look
     * again, or {@code PartialSlabs.add} before the slab is LISTED: no bit, and the slab is never found.
     */
    @JCStressTest
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "listed, with its bit")
    @Outcome(expect = FORBIDDEN, desc = "listed, and nobody finds it")
    public static class ListAgainstClear {
        /** @param s the slab. */
        @Actor
        public void lister(final LeftBehind s) {
            s.stagger.one();
            if (s.slabs.table.compareAndSetWord(LeftBehind.SLAB, LeftBehind.OWNED, SlabWord.listed(LeftBehind.OWNED))) {
                s.slabs.partial.add(SlabCell.SIZE_CLASS, LeftBehind.SLAB);
            }
        }

        /** @param s the slab. */
        @Actor
        public void clearer(final LeftBehind s) {
            s.stagger.other();
            if (SlabWord.state(s.slabs.table.wordVolatile(LeftBehind.SLAB)) != SlabWord.LISTED) {
                s.slabs.partial.remove(SlabCell.SIZE_CLASS, LeftBehind.SLAB);
            }
        }

        /**
         * @param s the slab.
         * @param r whether it is found.
         */
        @Arbiter
        public void settle(final LeftBehind s, final I_Result r) {
            r.r1 = s.slabs.partial.isListed(SlabCell.SIZE_CLASS, LeftBehind.SLAB) ? 1 : 0;
            LeftBehind.SETTLED.add(s.slabs);
        }
    }
}
