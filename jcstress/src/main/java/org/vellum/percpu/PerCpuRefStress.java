package org.vellum.percpu;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;
import org.vellum.Stagger;

/** A reference count that is killed while others take and drop references: the argument of {@code PerCpuRef}, by its pairs of steps. */
public final class PerCpuRefStress {
    private static final int LIKE = 32;

    private PerCpuRefStress() {
    }

    /**
     * p1 against k1, p2 against k2. Would catch {@code Copies.exchangeAllLong} loading and storing (the put is lost in between: released by
     * nobody), and a kill that marks its copies but looks for the end before it adds them up.
     */
    @JCStressTest
    @Outcome(id = "1, 0, 1", expect = ACCEPTABLE, desc = "kill, then put: the put is the last")
    @Outcome(id = "0, 1, 1", expect = ACCEPTABLE, desc = "put, then kill")
    @Outcome(expect = FORBIDDEN, desc = "released twice, or by nobody")
    @State
    public static class KillAgainstPut {
        private final RefCell cell = new RefCell();
        private final Stagger stagger = new Stagger(LIKE);

        /** Held once besides the owner. */
        public KillAgainstPut() {
            cell.ref.get();
        }

        /** @param r whether it was the last. */
        @Actor
        public void putter(final III_Result r) {
            stagger.one();
            cell.ref.put();
            r.r1 = cell.toldMe();
        }

        /** @param r whether it was the last. */
        @Actor
        public void killer(final III_Result r) {
            stagger.other();
            cell.ref.kill();
            r.r2 = cell.toldMe();
        }

        /** @param r how often it was released. */
        @Arbiter
        public void look(final III_Result r) {
            r.r3 = cell.releases.get();
        }
    }

    /**
     * g1 against k1, g2 against k2: nobody else holds a reference. Would catch a g2 that counts without looking for 0 (taken after it was
     * released, and released again by its put).
     */
    @JCStressTest
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "taken in time")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "killed before: refused")
    @Outcome(expect = FORBIDDEN, desc = "released under its user, or twice, or by nobody")
    @State
    public static class KillAgainstTryGet {
        private final RefCell cell = new RefCell();
        private final Stagger stagger = new Stagger(LIKE);

        /** @param r what it saw. */
        @Actor
        public void user(final II_Result r) {
            stagger.one();
            if (cell.tryGet() == 1) {
                r.r1 = cell.held();
                cell.ref.put();
            }
        }

        /** Kills. */
        @Actor
        public void killer() {
            stagger.other();
            cell.ref.kill();
        }

        /** @param r how often it was released. */
        @Arbiter
        public void look(final II_Result r) {
            r.r2 = cell.releases.get();
        }
    }

    /**
     * A user who holds a reference takes another and drops both, on whatever copies, while the kill goes from copy to copy. Would catch a kill
     * without BIAS, in which the count passes 0 on the way.
     */
    @JCStressTest
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "released when the user had dropped both and the owner its own")
    @Outcome(expect = FORBIDDEN, desc = "released under its user, or twice, or by nobody")
    @State
    public static class KillAgainstGetPut {
        private final RefCell cell = new RefCell();
        private final Stagger stagger = new Stagger(LIKE);

        /** Held once besides the owner. */
        public KillAgainstGetPut() {
            cell.ref.get();
        }

        /** @param r 1 if it was not released under it. */
        @Actor
        public void user(final II_Result r) {
            stagger.one();
            cell.ref.get();
            final int first = cell.held();
            cell.ref.put();
            r.r1 = Math.max(first, cell.held());
            cell.ref.put();
        }

        /** Kills. */
        @Actor
        public void killer() {
            stagger.other();
            cell.ref.kill();
        }

        /** @param r how often it was released. */
        @Arbiter
        public void look(final II_Result r) {
            r.r2 = cell.releases.get();
        }
    }

    /** Would catch a {@code tryGetLive} that asks the flag instead of its copy: it takes what the kill has not counted. */
    @JCStressTest
    @Outcome(id = "1, 0, 1", expect = ACCEPTABLE, desc = "taken in time")
    @Outcome(id = "0, 0, 1", expect = ACCEPTABLE, desc = "killed before: refused")
    @Outcome(expect = FORBIDDEN, desc = "taken after the kill has returned, or released under its user, twice, or by nobody")
    @State
    public static class KillAgainstTryGetLive {
        private final RefCell cell = new RefCell();
        private final Stagger stagger = new Stagger(LIKE);

        /** @param r what it saw. */
        @Actor
        public void user(final III_Result r) {
            stagger.one();
            if (cell.tryGetLive() == 1) {
                r.r1 = cell.held();
                cell.ref.put();
            }
        }

        /** @param r whether one could be taken afterwards. */
        @Actor
        public void killer(final III_Result r) {
            stagger.other();
            cell.ref.kill();
            r.r2 = cell.tryGetLive();
        }

        /** @param r how often it was released. */
        @Arbiter
        public void look(final III_Result r) {
            r.r3 = cell.releases.get();
        }
    }

    /** Would catch {@code kill} looking at its flag and setting it by two steps: the owner's reference is dropped twice. */
    @JCStressTest
    @Outcome(id = {"1, 0, 1", "0, 1, 1"}, expect = ACCEPTABLE, desc = "one of them killed it")
    @Outcome(expect = FORBIDDEN, desc = "both, or neither")
    @State
    public static class TwoKills {
        private final RefCell cell = new RefCell();
        private final Stagger stagger = new Stagger(LIKE);

        /** @param r whether it was this one. */
        @Actor
        public void one(final III_Result r) {
            stagger.one();
            r.r1 = cell.ref.kill() ? 1 : 0;
        }

        /** @param r whether it was this one. */
        @Actor
        public void other(final III_Result r) {
            stagger.other();
            r.r2 = cell.ref.kill() ? 1 : 0;
        }

        /** @param r how often it was released. */
        @Arbiter
        public void look(final III_Result r) {
            r.r3 = cell.releases.get();
        }
    }

    /** p2 against p2, after the kill. Would catch {@code PerCpuRef.change} counting by a load and a store, or looking at the count afterwards. */
    @JCStressTest
    @Outcome(id = {"1, 0, 1", "0, 1, 1"}, expect = ACCEPTABLE, desc = "one of them was the last")
    @Outcome(expect = FORBIDDEN, desc = "both, or neither")
    @State
    public static class TwoLastPuts {
        private final RefCell cell = new RefCell();
        private final Stagger stagger = new Stagger(LIKE);

        /** Dead, and held twice. */
        public TwoLastPuts() {
            cell.ref.get();
            cell.ref.get();
            cell.ref.kill();
        }

        /** @param r whether it was the last. */
        @Actor
        public void one(final III_Result r) {
            stagger.one();
            cell.ref.put();
            r.r1 = cell.toldMe();
        }

        /** @param r whether it was the last. */
        @Actor
        public void other(final III_Result r) {
            stagger.other();
            cell.ref.put();
            r.r2 = cell.toldMe();
        }

        /** @param r how often it was released. */
        @Arbiter
        public void look(final III_Result r) {
            r.r3 = cell.releases.get();
        }
    }

    /**
     * The broken twin: each copy goes into the count as it is met, without BIAS. The reference was taken on the last copy, which the kill comes
     * to last, and is dropped on the first, which is marked by then: the count falls to 0, and again when the kill is through.
     */
    @JCStressTest
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "released once: the put came before the first copy was marked, or after the kill")
    @Outcome(id = "2", expect = ACCEPTABLE_INTERESTING, desc = "released in the middle of the kill, and at its end")
    @Outcome(expect = FORBIDDEN, desc = "by nobody")
    @State
    public static class BrokenTwinWithoutBias {
        private static final long KILLED = -1L << 62;
        private static final int COPIES = 4;
        private final AtomicLongArray copies = new AtomicLongArray(COPIES);
        private final AtomicLong count = new AtomicLong(1);
        private final AtomicInteger releases = new AtomicInteger();
        private final Stagger stagger = new Stagger(LIKE);

        /** Held once besides the owner. */
        public BrokenTwinWithoutBias() {
            copies.set(COPIES - 1, 1);
        }

        private void add(final long change) {
            if (count.addAndGet(change) == 0) {
                releases.incrementAndGet();
            }
        }

        /** Drops the reference. */
        @Actor
        public void putter() {
            stagger.one();
            if (copies.addAndGet(0, -1) < KILLED / 2) {
                add(-1);
            }
        }

        /** Kills. */
        @Actor
        public void killer() {
            stagger.other();
            for (int i = 0; i < COPIES; i++) {
                count.addAndGet(copies.getAndSet(i, KILLED));
            }
            add(-1);
        }

        /** @param r how often it was released. */
        @Arbiter
        public void look(final I_Result r) {
            r.r1 = releases.get();
        }
    }
}
