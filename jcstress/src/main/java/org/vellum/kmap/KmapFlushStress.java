package org.vellum.kmap;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.vellum.Stagger;

/** The flush of the shared window against who has translated before it. */
public final class KmapFlushStress {
    private KmapFlushStress() {
    }

    /** A page in the window, with one user. */
    @State
    public static class Mapped {
        private final PageCell cell = PageCell.take();
        private final Stagger stagger = new Stagger();
    }

    /**
     * A reader translates the address of a map in a section; its owner unmaps, flushes, and gives the cache frame to another page. Would
     * catch {@code WindowFlush.free} that does not wait for the grace period, a stamp that was taken before the entries were cleared,
     * and pins that are dropped with the entry.
     */
    @JCStressTest
    @Outcome(id = "0, 1, 1", expect = ACCEPTABLE, desc = "flush, then read: a page fault")
    @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "read, then the flush ends: the page throughout the section")
    @Outcome(expect = FORBIDDEN, desc = "the reader saw another page (2), or the window is damaged")
    public static class AgainstReader {
        /**
         * @param s the page.
         * @param r what it saw.
         */
        @Actor
        public void reader(final Mapped s, final III_Result r) {
            s.stagger.one();
            r.r1 = s.cell.look();
        }

        /**
         * @param s the page.
         * @param r whether it got the frame for another one.
         */
        @Actor
        public void owner(final Mapped s, final III_Result r) {
            s.stagger.other();
            r.r2 = s.cell.replace();
        }

        /**
         * @param s the page.
         * @param r whether the window is whole.
         */
        @Arbiter
        public void settle(final Mapped s, final III_Result r) {
            r.r3 = s.cell.settle();
        }
    }

    /** Broken on purpose: the cache frame goes before the flush. Seen to fail on JDK 17, x86: 1.8 of 4.4 million samples. */
    @JCStressTest
    @Outcome(id = {"0, 1, 1", "1, 1, 1"}, expect = ACCEPTABLE, desc = "one after the other")
    @Outcome(id = "2, 1, 1", expect = ACCEPTABLE_INTERESTING, desc = "the reader saw another page")
    public static class BrokenTwinWithoutFlush {
        /**
         * @param s the page.
         * @param r what it saw.
         */
        @Actor
        public void reader(final Mapped s, final III_Result r) {
            s.stagger.one();
            r.r1 = s.cell.look();
        }

        /**
         * @param s the page.
         * @param r whether it got the frame for another one.
         */
        @Actor
        public void owner(final Mapped s, final III_Result r) {
            s.stagger.other();
            r.r2 = s.cell.replaceAtOnce();
        }

        /**
         * @param s the page.
         * @param r whether the window is whole.
         */
        @Arbiter
        public void settle(final Mapped s, final III_Result r) {
            r.r3 = s.cell.settle();
        }
    }
}
