package org.vellum.epoch;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.vellum.cpu.Cpu;

/** Limbo: what is retired is released once, and never under a section that may still use it. */
public final class LimboReleaseStress {
    private LimboReleaseStress() {
    }

    /**
     * A reader in a section, and a retirer who polls at once. Would catch: {@code LimboQueues.detach} or {@code Epochs.hasPassed}
     * accepting a stamp equal to the horizon, {@code refreshHorizon} leaving the clock out of the minimum, {@code Cpus.exit}
     * ending the section before its loads, and a release queue that loses a token.
     */
    @JCStressTest
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "retire, then read: the reader finds the entry cleared")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "read, then release: old content throughout the section")
    @Outcome(expect = FORBIDDEN, desc = "released under the reader (2), lost (0), or released twice")
    @State
    public static class AgainstReader {
        private static final EpochWorld WORLD = new EpochWorld();
        private final long token = WORLD.newEntry();
        private volatile boolean polled;

        /** @param r what it saw. */
        @Actor
        public void reader(final II_Result r) {
            final Cpu cpu = WORLD.cpus.enter();
            r.r1 = WORLD.useUntil(token, () -> polled);
            cpu.exit();
        }

        /** Clears, retires, polls. */
        @Actor
        public void retirer() {
            WORLD.clear(token);
            final Cpu cpu = WORLD.cpus.tryEnter();
            WORLD.limbo.retire(cpu, token);
            cpu.exit();
            WORLD.limbo.poll();
            WORLD.limbo.pollAll();
            polled = true;
        }

        /** @param r how often it was released in the end. */
        @Arbiter
        public void settle(final II_Result r) {
            r.r2 = WORLD.releasesAfterPolling(token);
        }
    }

    /**
     * Broken on purpose: the page is reused at once, without waiting for the grace period. Seen to fail on JDK 17, x86: 113,236 of
     * 32 million samples.
     */
    @JCStressTest
    @Outcome(id = {"0, 0", "1, 0"}, expect = ACCEPTABLE, desc = "one after the other")
    @Outcome(id = "2, 0", expect = ACCEPTABLE_INTERESTING, desc = "rewritten under the reader")
    @State
    public static class BrokenTwinWithoutLimbo {
        private static final EpochWorld WORLD = new EpochWorld();
        private final long token = WORLD.newEntry();

        /** @param r what it saw. */
        @Actor
        public void reader(final II_Result r) {
            final Cpu cpu = WORLD.cpus.enter();
            r.r1 = WORLD.use(token);
            cpu.exit();
        }

        /** Clears and reuses. */
        @Actor
        public void retirer() {
            WORLD.clear(token);
            WORLD.epochs.stamp();
            WORLD.rewrite(token);
        }
    }

    /**
     * A reader in a section, and an occupant that takes what it has just retired back from its own queue. Would catch
     * {@code LimboQueues.oldestHasPassed} and {@code LimboQueues.detach}, the two gates of {@code Limbo.releaseOwn}, accepting a
     * stamp equal to the horizon.
     */
    @JCStressTest
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "retire, then read: the reader finds the entry cleared")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "read, then release: old content throughout the section")
    @Outcome(expect = FORBIDDEN, desc = "released under the reader (2), lost (0), or released twice")
    @State
    public static class OwnAgainstReader {
        private static final EpochWorld WORLD = new EpochWorld();
        private final long token = WORLD.newEntry();
        private volatile boolean polled;

        /** @param r what it saw. */
        @Actor
        public void reader(final II_Result r) {
            final Cpu cpu = WORLD.cpus.enter();
            r.r1 = WORLD.useUntil(token, () -> polled);
            cpu.exit();
        }

        /** Clears, retires, and takes back. */
        @Actor
        public void occupant() {
            WORLD.clear(token);
            final Cpu cpu = WORLD.cpus.tryEnter();
            WORLD.limbo.retire(cpu, token);
            cpu.exit();
            takeBack(WORLD);
            takeBack(WORLD);
            polled = true;
        }

        /** @param r how often it was released in the end. */
        @Arbiter
        public void settle(final II_Result r) {
            r.r2 = WORLD.releasesAfterPolling(token);
        }
    }

    /**
     * Broken on purpose: takes back what is stamped with the horizon itself, which a section that began at that epoch may still
     * use. Seen to fail on JDK 17, x86: 65,885 of 17.2 million samples.
     */
    @JCStressTest
    @Outcome(id = {"0, 0", "1, 0"}, expect = ACCEPTABLE, desc = "one after the other")
    @Outcome(id = "2, 0", expect = ACCEPTABLE_INTERESTING, desc = "rewritten under the reader")
    @State
    public static class BrokenTwinAtTheHorizon {
        private static final EpochWorld WORLD = new EpochWorld();
        private final long token = WORLD.newEntry();
        private volatile boolean polled;

        /** @param r what it saw. */
        @Actor
        public void reader(final II_Result r) {
            final Cpu cpu = WORLD.cpus.enter();
            r.r1 = WORLD.useUntil(token, () -> polled);
            cpu.exit();
        }

        /** Clears, stamps, and compares wrongly. */
        @Actor
        public void occupant() {
            WORLD.clear(token);
            final long stamp = WORLD.epochs.stamp();
            WORLD.epochs.advanceFrom(stamp);
            if (WORLD.epochs.refreshHorizon() - stamp >= 0) {
                WORLD.rewrite(token);
            }
            polled = true;
        }
    }

    /** In a section of its own, since whoever asks for a flush profits from it in the next. */
    private static void takeBack(final EpochWorld world) {
        final Cpu cpu = world.cpus.tryEnter();
        world.limbo.releaseOwn(cpu, Integer.MAX_VALUE, 1);
        cpu.exit();
    }

    /**
     * Two parties empty one slot's queue: its occupant for itself, who also appends to it, and a drain that visits the slot. Would
     * catch {@code Limbo.takeVisited} touching a queue whose slot it does not occupy: both cut off the same chain, or an
     * append is lost between.
     */
    @JCStressTest
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "each released exactly once, whoever came first")
    @Outcome(expect = FORBIDDEN, desc = "a token was lost or released twice")
    @State
    public static class OwnAgainstDrain {
        private static final EpochWorld WORLD = new EpochWorld(1);
        private final long waiting = WORLD.newEntry();
        private final long appended = WORLD.newEntry();

        /** One token waits already on the slot that all threads want. */
        public OwnAgainstDrain() {
            retire(waiting);
        }

        private static void retire(final long token) {
            final Cpu cpu = WORLD.cpus.tryEnter();
            WORLD.limbo.retire(cpu, token);
            cpu.exit();
        }

        /** Takes what it needs, and retires. */
        @Actor
        public void occupant() {
            takeBack(WORLD);
            retire(appended);
            takeBack(WORLD);
        }

        /** Takes whatever has passed, of queues longer than nothing. */
        @Actor
        public void drain() {
            WORLD.epochs.advanceFrom(WORLD.epochs.now());
            WORLD.limbo.drain(0);
            WORLD.limbo.drain(0);
        }

        /** @param r how often each was released in the end. */
        @Arbiter
        public void settle(final II_Result r) {
            r.r1 = WORLD.releasesAfterPolling(waiting);
            r.r2 = WORLD.releasesAfterPolling(appended);
        }
    }

    /**
     * Two threads retire from their own slots and poll everybody's, idle slots included. Would catch: a visited queue that its
     * owner appends to at the same time ({@code takeVisited} without occupying the slot), and {@code detach} cutting a chain
     * in the wrong place.
     */
    @JCStressTest
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "each released exactly once")
    @Outcome(expect = FORBIDDEN, desc = "a token was lost or released twice")
    @State
    public static class TwoSlots {
        private static final EpochWorld WORLD = new EpochWorld();
        private final long first = WORLD.newEntry();
        private final long second = WORLD.newEntry();

        /** Retires the first. */
        @Actor
        public void one() {
            retireAndPoll(first);
        }

        /** Retires the second. */
        @Actor
        public void two() {
            retireAndPoll(second);
        }

        private static void retireAndPoll(final long token) {
            final Cpu cpu = WORLD.cpus.tryEnter();
            WORLD.limbo.retire(cpu, token);
            cpu.exit();
            WORLD.limbo.pollAll();
        }

        /** @param r how often each was released in the end. */
        @Arbiter
        public void settle(final II_Result r) {
            r.r1 = WORLD.releasesAfterPolling(first);
            r.r2 = WORLD.releasesAfterPolling(second);
        }
    }

    /**
     * The shared stack, used by threads without a slot: two push, both take whatever is there. Would catch {@code takeShared}
     * reading the stack and emptying it in two steps (a token pushed in between is lost, a chain taken twice is released twice).
     */
    @JCStressTest
    @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "each released exactly once")
    @Outcome(expect = FORBIDDEN, desc = "a token was lost or released twice")
    @State
    public static class SharedStack {
        private static final EpochWorld WORLD = new EpochWorld();
        private final long orphan = WORLD.newEntry();
        private final long first = WORLD.newEntry();
        private final long second = WORLD.newEntry();

        /** An orphan waits on the stack already. */
        public SharedStack() {
            WORLD.limbo.retire(null, orphan);
        }

        /** Retires the first. */
        @Actor
        public void one() {
            WORLD.limbo.retire(null, first);
            WORLD.limbo.poll();
        }

        /** Retires the second. */
        @Actor
        public void two() {
            WORLD.limbo.poll();
            WORLD.limbo.retire(null, second);
        }

        /** @param r how often each was released in the end. */
        @Arbiter
        public void settle(final III_Result r) {
            r.r1 = WORLD.releasesAfterPolling(orphan);
            r.r2 = WORLD.releasesAfterPolling(first);
            r.r3 = WORLD.releasesAfterPolling(second);
        }
    }
}
