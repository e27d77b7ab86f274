package org.vellum.slab;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.Arrays;
import java.util.stream.LongStream;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;
import org.vellum.Stagger;

/** Frees against whoever owns the slab, leaves it, empties it. */
public final class SlabFreeStress {
    /** Turns between actors that do the same. */
    private static final int LIKE = 32;

    private SlabFreeStress() {
    }

    /** A slab of four live objects that slot 0 owns. */
    @State
    public static class Owned {
        private final SlabCell cell = SlabCell.take();
        private final Stagger stagger = new Stagger();
        private final long[] objects = cell.fullSlab();
        private long handedOut;
    }

    /** The same, with two of them free. */
    @State
    public static class HalfFull {
        private final SlabCell cell = SlabCell.take();
        private final Stagger stagger = new Stagger();
        private final long[] objects = cell.fullSlab();
        private final long[] handedOut = new long[3];

        /** Frees the first two. */
        public HalfFull() {
            cell.free(objects[0], objects[1]);
        }
    }

    /** A slab that slot 0 owns, of many small objects, so that it takes a while to count; one is left. */
    @State
    public static class NearlyEmpty {
        private final SlabCell cell = SlabCell.take();
        private final Stagger stagger = new Stagger();
        private final long[] objects = cell.fullSlab(SizeClasses.of(128));

        /** Frees all but the last. */
        public NearlyEmpty() {
            cell.free(Arrays.copyOf(objects, objects.length - 1));
        }
    }

    /** A slab of four that is nobody's, with two objects that are left. */
    @State
    public static class Unowned {
        private final SlabCell cell = SlabCell.take();
        private final Stagger stagger = new Stagger(LIKE);
        private final long[] objects = cell.fullSlab();

        /** Leaves the slab, and frees the first two. */
        public Unowned() {
            cell.drain(0);
            cell.free(objects[0], objects[1]);
        }
    }

    /**
     * A free by a stranger while the owner looks for an object, finds none and leaves the slab. Would catch {@code SlabAllocator.end} with
     * f2 before f1: the owner misses the object, and the free takes the slab for owned: nobody counts it.
     */
    @JCStressTest
    @Outcome(id = "1, 0, 1", expect = ACCEPTABLE, desc = "the owner hands the freed object out")
    @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "the owner goes on to another slab; the free is counted")
    @Outcome(expect = FORBIDDEN, desc = "the object is lost, or is handed out twice")
    public static class FreeAgainstAllocation {
        /**
         * @param s the slab.
         * @param r whether it freed.
         */
        @Actor
        public void stranger(final Owned s, final III_Result r) {
            s.stagger.one();
            r.r1 = s.cell.tryFree(s.objects[2]);
        }

        /**
         * @param s the slab.
         * @param r whether it got another object than the freed one.
         */
        @Actor
        public void owner(final Owned s, final III_Result r) {
            s.stagger.other();
            s.handedOut = s.cell.allocate(0);
            r.r2 = s.handedOut == s.objects[2] ? 0 : 1;
        }

        /**
         * @param s the slab.
         * @param r whether everything is back.
         */
        @Arbiter
        public void settle(final Owned s, final III_Result r) {
            final boolean whole = s.cell.slabsLeft() >= 1;
            r.r3 = s.cell.settle(s.handedOut, s.objects[0], s.objects[1], s.objects[3]) & (whole ? 1 : 0);
        }
    }

    /**
     * The last object is freed while the owner leaves the slab: the race of the package documentation. Would catch
     * {@code Slabs.leave} counting before it publishes, and {@code SlabAllocator.end} with f2 before f1: the slab is empty and nobody
     * notices.
     */
    @JCStressTest
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "the slab is released once, the kept one is left")
    @Outcome(expect = FORBIDDEN, desc = "the slab is lost, or released twice")
    public static class LastFreeAgainstLeave {
        /** @param s the slab. */
        @Actor
        public void stranger(final NearlyEmpty s) {
            s.stagger.one();
            s.cell.free(s.objects[s.objects.length - 1]);
        }

        /** @param s the slab. */
        @Actor
        public void owner(final NearlyEmpty s) {
            s.stagger.other();
            s.cell.drain(0);
        }

        /**
         * @param s the slab.
         * @param r slabs left, and whether everything is back.
         */
        @Arbiter
        public void settle(final NearlyEmpty s, final II_Result r) {
            r.r1 = s.cell.slabsLeft();
            r.r2 = s.cell.settle();
        }
    }

    /**
     * Two threads free the last two objects of a slab that is nobody's. Would catch {@code Slabs.noteFreed} counting by a load and a
     * store: one free is lost, and the slab with it.
     */
    @JCStressTest
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "the slab is released once, the kept one is left")
    @Outcome(expect = FORBIDDEN, desc = "the slab is lost, or released twice")
    public static class TwoLastFrees {
        /** @param s the slab. */
        @Actor
        public void one(final Unowned s) {
            s.stagger.one();
            s.cell.free(s.objects[2]);
        }

        /** @param s the slab. */
        @Actor
        public void two(final Unowned s) {
            s.stagger.other();
            s.cell.free(s.objects[3]);
        }

        /**
         * @param s the slab.
         * @param r slabs left, and whether everything is back.
         */
        @Arbiter
        public void settle(final Unowned s, final II_Result r) {
            r.r1 = s.cell.slabsLeft();
            r.r2 = s.cell.settle();
        }
    }

    /**
     * A free that both sides count, and another that comes late. Would catch {@code Slabs.reclaim} that believes the count and does not
     * look: the slab is released under a live object, and the late free is told that it is of no slab.
     */
    @JCStressTest
    @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "both free, and the slab is released then")
    @Outcome(expect = FORBIDDEN, desc = "released under a live object, or lost")
    public static class LateFree {
        /**
         * @param s the slab.
         * @param r whether it freed.
         */
        @Actor
        public void stranger(final HalfFull s, final III_Result r) {
            s.stagger.one();
            r.r1 = s.cell.tryFree(s.objects[2]);
        }

        /**
         * @param s the slab.
         * @param r whether it freed.
         */
        @Actor
        public void owner(final HalfFull s, final III_Result r) {
            s.stagger.other();
            s.cell.drain(0);
            r.r2 = s.cell.tryFree(s.objects[3]);
        }

        /**
         * @param s the slab.
         * @param r slabs left, if everything comes back.
         */
        @Arbiter
        public void settle(final HalfFull s, final III_Result r) {
            r.r3 = s.cell.slabsLeft() * s.cell.settle();
        }
    }

    /**
     * Two threads free one object. Would catch the state byte being changed by a load and a store: both believe that they freed it, and
     * both count it.
     */
    @JCStressTest
    @Outcome(id = {"1, 0, 1", "0, 1, 1"}, expect = ACCEPTABLE, desc = "one frees, the other is told")
    @Outcome(expect = FORBIDDEN, desc = "both freed, or neither")
    public static class DoubleFree {
        /**
         * @param s the slab.
         * @param r whether it freed.
         */
        @Actor
        public void one(final Unowned s, final III_Result r) {
            s.stagger.one();
            r.r1 = s.cell.tryFree(s.objects[2]);
        }

        /**
         * @param s the slab.
         * @param r whether it freed.
         */
        @Actor
        public void two(final Unowned s, final III_Result r) {
            s.stagger.other();
            r.r2 = s.cell.tryFree(s.objects[2]);
        }

        /**
         * @param s the slab.
         * @param r whether everything is back.
         */
        @Arbiter
        public void settle(final Unowned s, final III_Result r) {
            r.r3 = s.cell.settle(s.objects[3]);
        }
    }

    /**
     * The slot of a dead or idle thread is drained by another while its objects are freed. Would catch {@code Slabs.leave} counting
     * before it publishes.
     */
    @JCStressTest
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "nothing is lost")
    @Outcome(expect = FORBIDDEN, desc = "the slab is lost, or released twice")
    public static class FreeAgainstDrain {
        /** @param s the slab. */
        @Actor
        public void stranger(final HalfFull s) {
            s.stagger.one();
            s.cell.free(s.objects[2], s.objects[3]);
        }

        /** @param s the slab. */
        @Actor
        public void drain(final HalfFull s) {
            s.stagger.other();
            s.cell.slabs.drainIdle();
        }

        /**
         * @param s the slab.
         * @param r whether everything is back.
         */
        @Arbiter
        public void settle(final HalfFull s, final I_Result r) {
            final boolean whole = s.cell.slabsLeft() >= 0;
            r.r1 = s.cell.settle() & (whole ? 1 : 0);
        }
    }

    /**
     * The slot of an owner is drained by another while the owner allocates. Would catch {@code SlabAllocator.drainIdle} that does not
     * occupy the slot: the owner hands objects out of a slab that it has left, or leaves it twice.
     */
    @JCStressTest
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "the owner gets an object, from this slab or another")
    @Outcome(expect = FORBIDDEN, desc = "nothing, one that others have, or the slab is lost")
    public static class AllocationAgainstDrain {
        /**
         * @param s the slab.
         */
        @Actor
        public void owner(final HalfFull s) {
            s.stagger.one();
            s.handedOut[0] = s.cell.allocate(0);
            s.handedOut[1] = s.cell.allocate(0);
        }

        /** @param s the slab. */
        @Actor
        public void drain(final HalfFull s) {
            s.stagger.other();
            s.cell.slabs.drainIdle();
            s.handedOut[2] = s.cell.allocate(1);
        }

        /**
         * @param s the slab.
         * @param r whether all objects are different, and everything is back.
         */
        @Arbiter
        public void settle(final HalfFull s, final II_Result r) {
            final long[] live = {s.objects[2], s.objects[3], s.handedOut[0], s.handedOut[1], s.handedOut[2]};
            r.r1 = LongStream.of(live).filter(address -> address != 0).distinct().count() == live.length ? 1 : 0;
            if (r.r1 == 1) {
                final boolean whole = s.cell.slabsLeft() >= 0;
                r.r2 = s.cell.settle(live) & (whole ? 1 : 0);
            }
        }
    }
}
