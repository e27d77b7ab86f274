package org.vellum.kmap;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.function.BooleanSupplier;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;
import org.vellum.Stagger;

/** RK2: a waiter against what it waits for. The time-out is there for the test to end; it must not strike. */
public final class WaitersStress {
    private static final long PATIENT_NANOS = 5_000_000_000L;

    private WaitersStress() {
    }

    private static int await(final Waiters waiters, final BooleanSupplier condition, final long nanos) {
        try {
            return waiters.await(condition, System.nanoTime() + nanos) ? 1 : 0;
        } catch (final InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Would catch {@code Waiters.await} looking at the condition before it is in the queue. */
    @JCStressTest
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "look, then change: woken; or change, then look: it need not wait")
    @Outcome(expect = FORBIDDEN, desc = "the wake-up was lost")
    @State
    public static class AgainstChange {
        private final Waiters waiters = new Waiters();
        private final Stagger stagger = new Stagger();
        private volatile boolean changed;

        /** @param r 1 if it was woken, or did not wait. */
        @Actor
        public void waiter(final I_Result r) {
            stagger.one();
            r.r1 = await(waiters, () -> changed, PATIENT_NANOS);
        }

        /** Changes, then wakes. */
        @Actor
        public void changer() {
            stagger.other();
            changed = true;
            waiters.wakeOne();
        }
    }

    /**
     * Two waiters, of whom one gives up at once; one wake-up. Would catch {@code Waiters.await} leaving without handing on a wake-up that it was given when it
     * did not need it.
     */
    @JCStressTest
    @Outcome(id = {"0, 1", "1, 1"}, expect = ACCEPTABLE, desc = "the one that stays is woken, whether or not the other was in the way")
    @Outcome(expect = FORBIDDEN, desc = "the wake-up went to the one that had given up")
    @State
    public static class AgainstGivingUp {
        private final Waiters waiters = new Waiters();
        private final Stagger stagger = new Stagger();
        private volatile boolean changed;

        /** @param r whether it saw the change. */
        @Actor
        public void impatient(final II_Result r) {
            r.r1 = await(waiters, () -> changed, 0);
        }

        /** @param r 1 if it was woken, or did not wait. */
        @Actor
        public void patient(final II_Result r) {
            stagger.one();
            r.r2 = await(waiters, () -> changed, PATIENT_NANOS);
        }

        /** Changes, then wakes one. */
        @Actor
        public void changer() {
            stagger.other();
            changed = true;
            waiters.wakeOne();
        }
    }
}
