package org.vellum.kmap;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;
import org.vellum.Stagger;

/**
 * RK2: who waits for a slot of the window, against the two kinds of change that it may be waiting for, and nothing else around. In the
 * window itself a flush comes first, and what is to meet here meets there once in a million.
 */
public final class WindowWaitsStress {
    /** A time-out, for the test to end; it must not strike. */
    private static final long PATIENT_NANOS = 5_000_000_000L;
    /** Of the twin, where it strikes. */
    private static final long TWIN_NANOS = 300_000_000L;

    private WindowWaitsStress() {
    }

    /** The window, as its waiters know it. */
    @State
    public static class Window {
        private final WindowWaits waits = new WindowWaits();
        private final ReentrantLock lock = new ReentrantLock();
        private final AtomicBoolean changed = new AtomicBoolean();
        private final Stagger stagger = new Stagger();

        /** 1 if it saw the change under the lock, 2 if it did when it waited, 0 if nobody told it. */
        int await() {
            waits.enter();
            try {
                return look() ? 1 : waitFor(PATIENT_NANOS);
            } finally {
                waits.leave();
            }
        }

        int awaitCountedLate() {
            if (look()) {
                return 1;
            }
            waits.enter();
            try {
                return waitFor(TWIN_NANOS);
            } finally {
                waits.leave();
            }
        }

        /** By a release, under the lock. */
        void change() {
            lock.lock();
            try {
                changed.setRelease(true);
                waits.changed();
            } finally {
                lock.unlock();
            }
        }

        private boolean look() {
            lock.lock();
            try {
                return changed.getPlain();
            } finally {
                lock.unlock();
            }
        }

        private int waitFor(final long nanos) {
            final long deadline = System.nanoTime() + nanos;
            try {
                // It looks once more when its time is up: then it sees the change, but was not told.
                return waits.await(changed::getAcquire, deadline) && System.nanoTime() - deadline < 0 ? 2 : 0;
            } catch (final InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    /**
     * A change by a release, under the lock. Would catch {@code WindowWaits.changed} looking into the queue without its fence: the change
     * would still be in the processor's store buffer when the waiter looks, and the waiter not yet in the queue when it is looked for.
     */
    @JCStressTest
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "change, then look under the lock")
    @Outcome(id = "2", expect = ACCEPTABLE, desc = "look, then change: seen before it parks, or woken")
    @Outcome(expect = FORBIDDEN, desc = "the wake-up was lost")
    public static class ChangeUnderTheLock {
        /**
         * @param s the window.
         * @param r when it saw the change.
         */
        @Actor
        public void waiter(final Window s, final I_Result r) {
            s.stagger.one();
            r.r1 = s.await();
        }

        /** @param s the window. */
        @Actor
        public void changer(final Window s) {
            s.stagger.other();
            s.change();
        }
    }

    /**
     * Broken on purpose: the waiter counts itself after its look under the lock, as if {@code KmapWindow.mapSlowly} did. Seen to fail on
     * JDK 17, x86: 34 of 38.4 million samples.
     */
    @JCStressTest
    @Outcome(id = {"1", "2"}, expect = ACCEPTABLE, desc = "one after the other, or woken")
    @Outcome(id = "0", expect = ACCEPTABLE_INTERESTING, desc = "the wake-up was lost")
    public static class BrokenTwinCountedLate {
        /**
         * @param s the window.
         * @param r when it saw the change.
         */
        @Actor
        public void waiter(final Window s, final I_Result r) {
            s.stagger.one();
            r.r1 = s.awaitCountedLate();
        }

        /** @param s the window. */
        @Actor
        public void changer(final Window s) {
            s.stagger.other();
            s.change();
        }
    }

    /**
     * A volatile change without the lock. Would catch a waiter that looks before it is in the queue, and, where a compare-and-set lets a
     * later load pass, {@code WindowWaits.slotUnused} looking at a count that is not volatile.
     */
    @JCStressTest
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "change, then look under the lock")
    @Outcome(id = "2", expect = ACCEPTABLE, desc = "look, then change: seen before it parks, or woken")
    @Outcome(expect = FORBIDDEN, desc = "the wake-up was lost")
    public static class ChangeWithoutTheLock {
        /**
         * @param s the window.
         * @param r when it saw the change.
         */
        @Actor
        public void waiter(final Window s, final I_Result r) {
            s.stagger.one();
            r.r1 = s.await();
        }

        /** @param s the window. */
        @Actor
        public void changer(final Window s) {
            s.stagger.other();
            s.changed.compareAndSet(false, true);
            s.waits.slotUnused();
        }
    }
}
