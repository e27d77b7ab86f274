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

    /** A stretch of four words of the lowest level: the lower area in the first of them, the upper in the second. */
    @State
    public static class Words {
        private static final AreaIndex INDEX = new AreaIndex(0, 4 * PAGES);
        private static final long STRETCH = 256;
        private static final long UPPER_WORD = 64 + UPPER;
        private static long next;
        private final long first;

        /** The lower area stays. */
        public Words() {
            synchronized (INDEX) {
                first = next;
                next = (next + STRETCH) & 4 * PAGES - 1;
                INDEX.remove(first);
                INDEX.remove(first + UPPER_WORD);
                INDEX.put(first, 1);
                INDEX.put(first + UPPER_WORD, 2);
            }
        }

        void change() {
            synchronized (INDEX) {
                INDEX.remove(first + UPPER_WORD);
                INDEX.put(first + UPPER_WORD, 2);
                INDEX.remove(first + UPPER_WORD);
            }
        }

        /** 0 the lower, 104 the upper, -1 neither. */
        int floor() {
            final long found = INDEX.floor(first + STRETCH - 1) - first;
            return found == 0 || found == UPPER_WORD ? (int)found : -1;
        }
    }

    /**
     * The search climbs from an empty word, and comes down again where the upper area was a moment ago. Would catch a search that
     * turns back or gives up when a word below a set bit has become 0. (In one word, as above, nothing climbs.)
     */
    @JCStressTest
    @Outcome(id = {"0, 0", "0, 104", "104, 0", "104, 104"}, expect = ACCEPTABLE, desc = "the upper area came or went meanwhile")
    @Outcome(expect = FORBIDDEN, desc = "the lower area, there all the time, was skipped")
    public static class PutAndRemove {
        /** @param s the stretch. */
        @Actor
        public void writer(final Words s) {
            s.change();
        }

        /**
         * @param s the stretch.
         * @param r what was found.
         */
        @Actor
        public void reader(final Words s, final II_Result r) {
            r.r1 = s.floor();
            r.r2 = s.floor();
        }
    }
}
