package org.vellum.mapram;

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
import org.vellum.mmu.Entry;
import org.vellum.vmap.VmapWorld;

/** Two threads unmap one address; one of them may come so late that the block lives again. */
public final class DoubleUnmapStress {
    private static final int PAGES = 64;

    private DoubleUnmapStress() {
    }

    /** One mapping. */
    @State
    public static class Mapped {
        private static final VmapWorld WORLD = new VmapWorld(64, 1 << 21);
        private final int index = WORLD.nextIndex();
        private final long frame = WORLD.frame(index);
        private final long address = WORLD.map(index, PAGES);
        private long next;
    }

    /**
     * Would catch {@code PageTable.clearMappingNoFlush} removing the head entry by a load and a store instead of a CAS: both
     * count the pages dirty, and the block is retired with pages still in use, or never.
     */
    @JCStressTest
    @Outcome(id = {"1, 0", "0, 1"}, expect = ACCEPTABLE, desc = "one wins, the other is told")
    @Outcome(expect = FORBIDDEN, desc = "both won, or neither")
    public static class SameAddress {
        /**
         * @param s the mapping.
         * @param r whether it won.
         */
        @Actor
        public void one(final Mapped s, final II_Result r) {
            r.r1 = Mapped.WORLD.unmap(s.address, PAGES);
        }

        /**
         * @param s the mapping.
         * @param r whether it won.
         */
        @Actor
        public void two(final Mapped s, final II_Result r) {
            r.r2 = Mapped.WORLD.unmap(s.address, PAGES);
        }

        /**
         * @param s the mapping.
         * @param r unused.
         */
        @Arbiter
        public void settle(final Mapped s, final II_Result r) {
            Mapped.WORLD.mapRam.unmapAliases();
            Mapped.WORLD.settled(s.index);
        }
    }

    /**
     * Broken on purpose: the head entry is looked at, then removed, in two steps; the model touches the entry only. Seen to fail on
     * JDK 17, x86: 811,267 of 2.3 million samples.
     */
    @JCStressTest
    @Outcome(id = {"1, 0", "0, 1"}, expect = ACCEPTABLE, desc = "one wins, the other is told")
    @Outcome(id = "1, 1", expect = ACCEPTABLE_INTERESTING, desc = "both believe that they unmapped it")
    public static class BrokenTwinLoadThenStore {
        /**
         * @param s the mapping.
         * @param r whether it won.
         */
        @Actor
        public void one(final Mapped s, final II_Result r) {
            r.r1 = unmapInTwoSteps(s);
        }

        /**
         * @param s the mapping.
         * @param r whether it won.
         */
        @Actor
        public void two(final Mapped s, final II_Result r) {
            r.r2 = unmapInTwoSteps(s);
        }

        private static int unmapInTwoSteps(final Mapped s) {
            final long page = Mapped.WORLD.table.pageOf(s.address);
            final long head = Mapped.WORLD.table.get(page);
            if (!Entry.isPresent(head)) {
                return 0;
            }
            Mapped.WORLD.table.set(page, Entry.dead(head));
            return 1;
        }

        /**
         * @param s the mapping.
         * @param r unused.
         */
        @Arbiter
        public void settle(final Mapped s, final II_Result r) {
            final long page = Mapped.WORLD.table.pageOf(s.address);
            Mapped.WORLD.table.set(page, Mapped.WORLD.table.get(page) | Entry.PRESENT);
            Mapped.WORLD.mapRam.vmUnmapRam(s.address, PAGES);
            Mapped.WORLD.mapRam.unmapAliases();
            Mapped.WORLD.settled(s.index);
        }
    }

    /**
     * A recycled block against its former life: one thread unmaps, flushes and maps anew, the other unmaps the old address whenever
     * it comes. Would catch blocks recycled under the same generation ({@code Blocks.Recycle} not raising it, or
     * {@code MapRam.unmap} not comparing the tag): the stale unmap would take away the new mapping.
     */
    @JCStressTest
    @Outcome(id = {"1, 0, 1", "0, 1, 1"}, expect = ACCEPTABLE, desc = "one unmap of the old address wins, the new mapping stays")
    @Outcome(expect = FORBIDDEN, desc = "both won, or neither, or the new mapping was lost")
    public static class RecycledBlock {
        /**
         * @param s the mapping.
         * @param r whether it won.
         */
        @Actor
        public void owner(final Mapped s, final III_Result r) {
            r.r1 = Mapped.WORLD.unmap(s.address, PAGES);
            Mapped.WORLD.mapRam.unmapAliases();
            s.next = Mapped.WORLD.mapAnew(s.frame, PAGES);
        }

        /**
         * @param s the mapping.
         * @param r whether it won.
         */
        @Actor
        public void stale(final Mapped s, final III_Result r) {
            r.r2 = Mapped.WORLD.unmap(s.address, PAGES);
        }

        /**
         * @param s the mapping.
         * @param r whether the new mapping is whole.
         */
        @Arbiter
        public void settle(final Mapped s, final III_Result r) {
            r.r3 = Mapped.WORLD.use(s.next, ~s.frame);
            Mapped.WORLD.mapRam.vmUnmapRam(s.next, PAGES);
            Mapped.WORLD.mapRam.unmapAliases();
            Mapped.WORLD.settled(s.index);
        }
    }
}
