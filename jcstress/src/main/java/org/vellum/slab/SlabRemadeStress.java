package org.vellum.slab;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.III_Result;
import org.vellum.Stagger;

/** A slab that is released and made anew at once, for another size, in the same frames: all other memory is taken. */
public final class SlabRemadeStress {
    private static final int OTHER_CLASS = SizeClasses.of(4096);
    /** How long the late one waits for the slab to be remade. */
    private static final int MOST_TURNS = 2_000;

    private SlabRemadeStress() {
    }

    /** A slab that is nobody's, with its first two objects live. */
    @State
    public static class Last {
        /** Slabs that are there but for the one raced for: one that is kept, and two. */
        private static final int OTHERS = 3;
        private static final AtomicInteger TURN = new AtomicInteger();
        private final SlabCell cell = SlabCell.take();
        private final Stagger stagger = new Stagger();
        /** In half of the states the late one comes after the remake, in the others as the stagger has it. */
        private final boolean waits = (TURN.getAndIncrement() & 1) == 0;
        private final long[] objects = cell.fullSlab();
        private final long[] others = new long[2 * SizeClasses.objects(OTHER_CLASS)];
        private long remade;
        private volatile boolean isRemade;

        /** Takes what is left of memory, but for the empty slab that is kept. */
        public Last() {
            cell.drain(0);
            for (int i = 0; i < others.length; i++) {
                others[i] = cell.allocate(0, OTHER_CLASS);
            }
            cell.drain(0);
            cell.free(objects[2], objects[3]);
        }

        /** An object of another slab in the place of the released one, if that could be had. */
        void remake() {
            remade = cell.allocate(1, OTHER_CLASS);
            isRemade = remade != 0;
        }

        boolean waitUntilRemade() {
            for (int i = 0; i < MOST_TURNS && !isRemade; i++) {
                Thread.onSpinWait();
            }
            return isRemade;
        }

        /** What is in the new slab is live, and frees once. */
        int freeRemade() {
            return remade == 0 ? 2 : cell.tryFree(remade);
        }

        int settle() {
            cell.free(others);
            return cell.settle();
        }
    }

    /**
     * Two frees of one object; whoever is first has the slab released, and one has it remade and the same place handed out again. Would
     * catch {@code SlabAllocator.wordOf} that does not compare generations, and {@code SlabTable.nextGeneration} that stays what it was: the
     * late free frees another's object.
     */
    @JCStressTest
    @Outcome(id = {"0, 1, 1", "1, 0, 1", "1, 0, 2"}, expect = ACCEPTABLE, desc = "one frees, the other is told; the new object is whole")
    @Outcome(id = "1, 1, 0", expect = ACCEPTABLE_INTERESTING,
        desc = "the late one had compared generations before the release and stood still until the remake: a double free that met reuse")
    @Outcome(expect = FORBIDDEN, desc = "freed by who came after the remake, or lost")
    public static class StaleFree {
        /**
         * @param s the slab.
         * @param r whether it freed; 2 if it did so though it began after the remake.
         */
        @Actor
        public void late(final Last s, final III_Result r) {
            s.stagger.one();
            final boolean after = s.waits && s.waitUntilRemade();
            final int freed = s.cell.tryFree(s.objects[0]);
            r.r1 = after && freed == SlabCell.FREED ? 2 : freed;
        }

        /**
         * @param s the slab.
         * @param r whether it freed.
         */
        @Actor
        public void first(final Last s, final III_Result r) {
            s.stagger.other();
            s.cell.free(s.objects[1]);
            r.r2 = s.cell.tryFree(s.objects[0]);
            s.remake();
        }

        /**
         * @param s the slab.
         * @param r whether the new object was whole.
         */
        @Arbiter
        public void settle(final Last s, final III_Result r) {
            r.r3 = s.freeRemade();
            r.r3 = s.settle() == 1 ? r.r3 : -1;
        }
    }

    /**
     * Two frees of the last two objects, both right; one goes on to have the slab remade at once, while the other may not have counted yet. It
     * stands for what must hold whenever the count comes: nothing lost, the new object whole. A count by a load and a store, seen in
     * {@code SlabFreeStress.TwoLastFrees}, was not seen here. That a count for an earlier slab changes nothing is
     * {@code SlabLateCountTest}'s: it takes a thread that stands still between two neighbouring instructions.
     */
    @JCStressTest
    @Outcome(id = {"1, 1", "2, 1"}, expect = ACCEPTABLE, desc = "remade, or released too late for that; all comes back")
    @Outcome(expect = FORBIDDEN, desc = "the new object is not whole, or the slab is lost")
    public static class LateCount {
        /** @param s the slab. */
        @Actor
        public void late(final Last s) {
            s.stagger.one();
            s.cell.free(s.objects[0]);
        }

        /** @param s the slab. */
        @Actor
        public void first(final Last s) {
            s.stagger.other();
            s.cell.free(s.objects[1]);
            s.remake();
        }

        /**
         * @param s the slab.
         * @param r whether the new object was whole, and everything is back.
         */
        @Arbiter
        public void settle(final Last s, final II_Result r) {
            final boolean whole = s.cell.slabsLeft() == (s.remade == 0 ? Last.OTHERS : Last.OTHERS + 1);
            r.r1 = s.freeRemade();
            r.r2 = s.settle() & (whole ? 1 : 0);
        }
    }
}
