package org.vellum.space;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.vellum.Stagger;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;

/** The last release of a space, and a walker that would have it stay. */
public final class UsersStress {
    private static final Cpus CPUS = new Cpus(CpuOptions.forThisMachine().withCachedSlots(8));

    private UsersStress() {
    }

    /** Would catch {@code Users.tryRetain} and {@code release} by a load and a store, and a {@code tryRetain} that counts from 0. */
    @JCStressTest
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "released, then refused")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "retained; torn down when the walker has gone")
    @Outcome(expect = FORBIDDEN, desc = "torn down under the walker, never, or twice")
    @State
    public static class LastReleaseAgainstWalker {
        private final Stagger stagger = new Stagger(32);
        private int tornDown;
        private final Users users = new Users(CPUS, () -> tornDown++);

        /** @param r whether it walked; 2 if the space was gone then. */
        @Actor
        public void walker(final II_Result r) {
            stagger.one();
            if (users.tryRetain()) {
                r.r1 = tornDown == 0 ? 1 : 2;
                users.release();
            }
        }

        /** Is done with the space. */
        @Actor
        public void owner() {
            stagger.other();
            users.release();
        }

        /** @param r how often it was torn down. */
        @Arbiter
        public void settle(final II_Result r) {
            r.r2 = tornDown;
        }
    }

    /** Would catch {@code Users.release} by a load and a store. */
    @JCStressTest
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "the one was the last")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "the other was the last")
    @Outcome(expect = FORBIDDEN, desc = "neither was, or both")
    @State
    public static class TwoReleases {
        private final Stagger stagger = new Stagger(32);
        private final ThreadLocal<int[]> last = ThreadLocal.withInitial(() -> new int[1]);
        private final Users users = new Users(CPUS, () -> last.get()[0]++);

        /** One user more. */
        public TwoReleases() {
            users.tryRetain();
        }

        /** @param r whether it was the last. */
        @Actor
        public void one(final II_Result r) {
            stagger.one();
            users.release();
            r.r1 = last.get()[0];
        }

        /** @param r whether it was the last. */
        @Actor
        public void other(final II_Result r) {
            stagger.other();
            users.release();
            r.r2 = last.get()[0];
        }
    }
}
