package org.vellum.vmap;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.concurrent.atomic.AtomicIntegerArray;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/** Ranges that a slot takes back from its limbo and keeps: not before their grace period, and for one owner. */
public final class RangeReuseStress {
    private RangeReuseStress() {
    }

    /**
     * A reader that holds an old address in a section, while the slot that freed it needs a range: it looks into what it keeps,
     * then into its limbo ({@code VmapSpace.reserve}, {@code LazyAreas.recycle}, {@code RangeCache}). Would catch {@code
     * Limbo.releaseOwn} taking what has not passed ({@code LimboQueues.oldestHasPassed} and {@code detach} with {@code >=}): frames
     * and range would be the next owner's at once.
     */
    @JCStressTest
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "free, then read: a page fault")
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "read, then recycle: old content throughout the section")
    @Outcome(expect = FORBIDDEN, desc = "the reader saw the next owner's bytes")
    @State
    public static class AgainstReader {
        private static final long PAGES = 1 << 17;
        /** A bound so low that each request may ask for a flush of its own: what was freed comes back within a few states. */
        private static final VmapWorld WORLD = new VmapWorld(64, VmapOptions.of(1).withWindowPages(PAGES).withLazyMaxPages(64));
        private final int index = WORLD.nextIndex();
        private final long address = WORLD.allocate(index);
        private volatile boolean through;
        private long next;

        /** @param r what it saw. */
        @Actor
        public void reader(final I_Result r) {
            r.r1 = WORLD.useUntil(address, ~address, () -> through);
        }

        /** Frees, and needs as much again, of a slot that keeps nothing else. */
        @Actor
        public void owner() {
            WORLD.vmalloc.vfree(address);
            WORLD.space.lazy.giveBackKept();
            next = WORLD.vmalloc.vmalloc(4096);
            WORLD.access.putLong(next, address);
            through = true;
        }

        /** @param r unused. */
        @Arbiter
        public void settle(final I_Result r) {
            if (next != 0) {
                WORLD.vmalloc.vfree(next);
                WORLD.ended(index);
            }
        }
    }

    /**
     * Exhaustion gives the ranges that a slot keeps back to the tree while the slot's occupant takes one of them. Would catch
     * {@code Ranges.takeFrom} touching a cache whose slot it does not occupy: a range would be in the tree and in somebody's hands,
     * and then have two owners.
     */
    @JCStressTest
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "each got a range that nobody else has")
    @Outcome(expect = FORBIDDEN, desc = "none (0), or one that somebody has already (2)")
    @State
    public static class GiveBackAgainstTake {
        private static final long PAGES = 1 << 17;
        private static final VmapWorld WORLD = new VmapWorld(1, PAGES);
        /** By first page. */
        private static final AtomicIntegerArray OWNERS = new AtomicIntegerArray((int)PAGES);
        private long taken = VmapSpace.NONE;
        private long carved = VmapSpace.NONE;

        /**
         * Takes what its slot keeps; when that is nothing, some are cut for it to keep.
         *
         * @param r whether it is its own.
         */
        @Actor
        public void occupant(final II_Result r) {
            taken = WORLD.space.reserve(AreaKind.SPARSE, VmallocFlags.NONE, 1, 1, 0, PAGES, 1);
            r.r1 = own(taken);
        }

        /**
         * Gives back what is kept, and gets the lowest range of the tree.
         *
         * @param r whether it is its own.
         */
        @Actor
        public void exhausted(final II_Result r) {
            WORLD.space.lazy.giveBackKept();
            carved = WORLD.space.reserve(AreaKind.SPARSE, VmallocFlags.NONE, 1, 1, 0, PAGES - 1, 1);
            r.r2 = own(carved);
        }

        private static int own(final long id) {
            return id < 0 ? 0 : OWNERS.getAndIncrement((int)WORLD.space.records().start(id)) == 0 ? 1 : 2;
        }

        /** @param r unused. */
        @Arbiter
        public void settle(final II_Result r) {
            giveBack(taken);
            giveBack(carved);
        }

        private static void giveBack(final long id) {
            if (id >= 0) {
                OWNERS.getAndDecrement((int)WORLD.space.records().start(id));
                WORLD.space.giveBack(id);
            }
        }
    }
}
