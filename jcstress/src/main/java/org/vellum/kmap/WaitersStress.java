package org.vellum.kmap;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.function.BooleanSupplier;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;
import org.vellum.Stagger;

/**
 * RK2: a waiter against what it waits for. The time-out is there for the test to end; it must not strike. That a waiter which gives up hands its wake-up on takes
 * three threads, for which few machines have the processors that the harness asks for: {@code WaitersTest} runs it.
 */
public final class WaitersStress {
    private static final long PATIENT_NANOS = 5_000_000_000L;

    private WaitersStress() {
    }

    private static int await(final Waiters waiters, final BooleanSupplier condition) {
        final long deadline = System.nanoTime() + PATIENT_NANOS;
        try {
            // It looks once more when its time is up: then it sees the change, but was not told.
            return waiters.await(condition, deadline) && System.nanoTime() - deadline < 0 ? 1 : 0;
        } catch (final InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Would catch {@code Waiters.await} looking at the condition before it is in the queue. */
    @JCStressTest
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "change, then look: it need not wait")
    @Outcome(id = "2", expect = ACCEPTABLE, desc = "look, then change: woken, to look again")
    @Outcome(expect = FORBIDDEN, desc = "the wake-up was lost")
    @State
    public static class AgainstChange {
        private final Waiters waiters = new Waiters();
        private final Stagger stagger = new Stagger();
        private volatile boolean changed;
        /** The waiter's. */
        private int looks;

        private boolean look() {
            looks++;
            return changed;
        }

        /** @param r how often it looked, once or more than once; 0 if it was not woken. */
        @Actor
        public void waiter(final I_Result r) {
            stagger.one();
            r.r1 = await(waiters, this::look) * Math.min(looks, 2);
        }

        /** Changes, then wakes. */
        @Actor
        public void changer() {
            stagger.other();
            changed = true;
            waiters.wakeOne();
        }
    }
}
