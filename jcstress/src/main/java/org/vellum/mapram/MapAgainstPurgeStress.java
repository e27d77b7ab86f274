package org.vellum.mapram;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.vellum.vmap.VmapWorld;

/** RV2, RV5, RV11: allocation from a current block against its purge, and against another allocation from it. */
public final class MapAgainstPurgeStress {
    private static final int PAGES = 64;

    private MapAgainstPurgeStress() {
    }

    /** Two frames of the caller's and one slot that all threads want. */
    @State
    public static class Frames {
        private static final VmapWorld WORLD = new VmapWorld(1, 1 << 15);
        private final long first = WORLD.frame(WORLD.nextIndex());
        private final long second = WORLD.frame(WORLD.nextIndex());

        /** Maps, looks at the first and last page, unmaps: 1 if it saw its own frame. */
        static int mapUseUnmap(final long frame) {
            final long address = WORLD.mapAnew(frame, PAGES);
            final boolean own = WORLD.use(address, ~frame) == VmapWorld.OLD
                && WORLD.use(address + (PAGES - 1) * 4096L, ~frame) == VmapWorld.OLD;
            return own ? WORLD.unmap(address, PAGES) : VmapWorld.WRONG;
        }
    }

    /**
     * A mapping from the slot's current block while another thread purges it. Would catch {@code CurrentBlocks.purgeSlot} looking
     * at a block without occupying its slot: the mapping would be carved from a block that is in limbo already, and vanish or
     * change under its owner when the block is recycled.
     */
    @JCStressTest
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "map, then purge: the block stays; or purge, then map from a new block")
    @Outcome(expect = FORBIDDEN, desc = "a live mapping faulted or showed another frame")
    public static class Purge {
        /**
         * @param s the frames.
         * @param r 1 if it saw its own frame.
         */
        @Actor
        public void mapper(final Frames s, final II_Result r) {
            r.r1 = Frames.mapUseUnmap(s.first);
        }

        /**
         * @param s the frames.
         * @param r whether it returned.
         */
        @Actor
        public void purger(final Frames s, final II_Result r) {
            Frames.WORLD.mapRam.unmapAliases();
            r.r2 = 1;
        }
    }

    /**
     * Two threads whose home is one slot carve at the same time. Would catch a bump read before the slot is occupied (RV11: a stale
     * value may cost a retry, never an overshoot), or a slot with two occupants: the mappings would overlap, or reach
     * beyond their block.
     */
    @JCStressTest
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "one carves after the other, or from another slot's block")
    @Outcome(expect = FORBIDDEN, desc = "two mappings overlapped")
    public static class StaleBump {
        /**
         * @param s the frames.
         * @param r 1 if it saw its own frame.
         */
        @Actor
        public void one(final Frames s, final II_Result r) {
            r.r1 = Frames.mapUseUnmap(s.first);
        }

        /**
         * @param s the frames.
         * @param r 1 if it saw its own frame.
         */
        @Actor
        public void two(final Frames s, final II_Result r) {
            r.r2 = Frames.mapUseUnmap(s.second);
        }
    }
}
