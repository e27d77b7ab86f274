package org.vellum.kmap;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/**
 * The stack of local maps, when its slot goes from one thread to another. The kernel's adversary, who interrupts an unmap on its own
 * processor, is here a callback on its own thread: {@code KmapLocalTest} has it run in the middle of each map and unmap.
 */
public final class KmapStackStress {
    private KmapStackStress() {
    }

    /**
     * RK1 between threads: one unmaps and leaves the slot, the other maps there at once, in the same place of the stack. Would catch
     * {@code KmapStack.pop} leaving the slot before the depth is dropped, or clearing the entry only then: the one map would be taken for
     * left open, or the other be cleared.
     */
    @JCStressTest
    @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "one after the other has the slot, and its map")
    @Outcome(expect = FORBIDDEN, desc = "a map was cleared, or undone, by the other")
    @State
    public static class SlotHandedOn {
        private final StackCell cell = StackCell.take();

        /** @param r what it saw. */
        @Actor
        public void one(final III_Result r) {
            r.r1 = cell.use(0);
        }

        /** @param r what it saw. */
        @Actor
        public void two(final III_Result r) {
            r.r2 = cell.use(1);
        }

        /** @param r whether nothing is left. */
        @Arbiter
        public void settle(final III_Result r) {
            r.r3 = cell.settle();
        }
    }
}
