package org.vellum.vmap;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** Look-ups in the index take no lock: one writer puts or removes the upper of two areas while a reader searches for it. */
public final class AreaIndexStress {
    private static final long PAGES = 1L << 20;
    private static final long UPPER = 40;

    private AreaIndexStress() {
    }

    /** A stretch of 64 pages with an area at its start. */
    @State
    public static class Stretch {
        private static final AreaIndex INDEX = new AreaIndex(0, PAGES);
        private static long next;
        private final long first;

        /** The lower area stays. */
        public Stretch() {
            synchronized (INDEX) {
                first = next;
                next = (next + 64) & PAGES - 1;
                INDEX.remove(first);
                INDEX.remove(first + UPPER);
                INDEX.put(first, 1);
            }
        }

        void put() {
            synchronized (INDEX) {
                INDEX.put(first + UPPER, 2);
            }
        }

        void remove() {
            synchronized (INDEX) {
                INDEX.remove(first + UPPER);
            }
        }

        /** 0 the lower, 40 the upper, else neither. */
        int floor() {
            return (int)(INDEX.floor(first + 63) - first);
        }

        int upperId() {
            return INDEX.idAt(first + UPPER);
        }
    }

    /** Would catch {@code AreaIndex.put} setting the bit before the id, or by less than a release. */
    @JCStressTest
    @Outcome(id = {"0, 0", "0, 2"}, expect = ACCEPTABLE, desc = "search before put: the lower area")
    @Outcome(id = "40, 2", expect = ACCEPTABLE, desc = "put before search: the upper area and its id")
    @Outcome(expect = FORBIDDEN, desc = "a start without an id, or the lower area was skipped")
    public static class Put {
        /** @param s the stretch. */
        @Actor
        public void writer(final Stretch s) {
            s.put();
        }

        /**
         * @param s the stretch.
         * @param r what was found.
         */
        @Actor
        public void reader(final Stretch s, final II_Result r) {
            r.r1 = s.floor();
            r.r2 = s.upperId();
        }
    }

    /**
     * Would catch a search that turns back or gives up when a word below a set bit has become 0, and {@code AreaIndex.remove}
     * clearing a summary bit whose word is not empty.
     */
    @JCStressTest
    @Outcome(id = {"0, 0", "0, 2", "40, 0", "40, 2"}, expect = ACCEPTABLE, desc = "the upper area came or went meanwhile")
    @Outcome(expect = FORBIDDEN, desc = "the lower area, there all the time, was skipped")
    public static class PutAndRemove {
        /** @param s the stretch. */
        @Actor
        public void writer(final Stretch s) {
            s.put();
            s.remove();
            s.put();
        }

        /**
         * @param s the stretch.
         * @param r what was found.
         */
        @Actor
        public void reader(final Stretch s, final II_Result r) {
            r.r1 = s.floor();
            r.r2 = s.upperId();
        }
    }
}
