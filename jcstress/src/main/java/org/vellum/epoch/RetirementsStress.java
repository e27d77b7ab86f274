package org.vellum.epoch;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.vellum.report.Listener;

/**
 * Two pollers of the user's retirements, and one more retirement while they poll. Would catch {@code Retirements.poll} taking
 * the stack by a read and a write instead of one exchange: both pollers then walk one chain, or a push in between is lost.
 */
@JCStressTest
@Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "each released exactly once, by one poller or the other")
@Outcome(expect = FORBIDDEN, desc = "a retirement was lost or released twice")
@State
public class RetirementsStress {
    private static final EpochWorld WORLD = new EpochWorld();
    private final Retirements retirements = new Retirements(WORLD.epochs, Listener.SILENT);
    private final Counted first = new Counted();
    private final Counted second = new Counted();

    /** One waits already, and its stamp has passed. */
    public RetirementsStress() {
        retirements.retire(first);
        WORLD.epochs.advanceFrom(WORLD.epochs.now());
    }

    /** Polls. */
    @Actor
    public void one() {
        retirements.poll();
    }

    /** Retires, then polls. */
    @Actor
    public void two() {
        retirements.retire(second);
        retirements.poll();
    }

    /** @param r how often each was released in the end. */
    @Arbiter
    public void settle(final II_Result r) {
        for (int i = 0; i < 100_000 && !retirements.isEmpty(); i++) {
            retirements.poll();
        }
        r.r1 = first.times.get();
        r.r2 = second.times.get();
    }

    private static final class Counted extends Retirement {
        private final AtomicInteger times = new AtomicInteger();

        @Override
        protected void released() {
            times.incrementAndGet();
        }
    }
}
