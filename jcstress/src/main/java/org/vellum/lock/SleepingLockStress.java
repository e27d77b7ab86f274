package org.vellum.lock;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;

/** What is ours in {@code SleepingLock}: the stamp and the owner, which it keeps in plain fields, and the downgrade. */
public final class SleepingLockStress {
    static final Cpus CPUS = new Cpus(CpuOptions.forThisMachine().withCachedSlots(8));

    private SleepingLockStress() {
    }

    /**
     * Who downgrades reads what it has written, as long as it shares the lock. Would catch {@code downgrade} that gives back and takes
     * again: the other gets in between; and {@code unlockExclusive} reading {@code stamp} after the release.
     */
    @JCStressTest
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "downgraded and gone, then the other wrote")
    @Outcome(id = "1, 2", expect = ACCEPTABLE, desc = "the other wrote before, or was refused")
    @Outcome(expect = FORBIDDEN, desc = "somebody had the lock exclusively between the change and the end of the shared lock")
    @State
    public static class Downgrade {
        private final SleepingLock lock = new SleepingLock(CPUS, LockRank.SPACE, "s");
        private int value;

        /** @param r 1 if it kept what it wrote. */
        @Actor
        public void downgrader(final II_Result r) {
            lock.lockExclusive();
            value = 1;
            lock.downgrade();
            int seen = 1;
            for (int i = 0; i < 20; i++) {
                seen &= value;
            }
            lock.unlockShared();
            r.r1 = seen;
        }

        /** @param r 0 if it came after the other, else 2. */
        @Actor
        public void writer(final II_Result r) {
            lock.lockExclusive();
            r.r2 = value == 1 ? 0 : 2;
            value = 2;
            lock.unlockExclusive();
        }
    }

    /** Would catch an owner that another thread takes for itself, and a stamp that is overwritten before it is used: the unlock throws. */
    @JCStressTest
    @Outcome(id = {"1, 2", "2, 1"}, expect = ACCEPTABLE, desc = "one after the other")
    @Outcome(expect = FORBIDDEN, desc = "both at once, or an unlock was refused")
    @State
    public static class TwoWriters {
        private final SleepingLock lock = new SleepingLock(CPUS, LockRank.SPACE, "s");
        private int value;

        private int write() {
            final boolean before = lock.isMine();
            lock.lockExclusive();
            final int mine = ++value;
            final boolean during = lock.isMine();
            lock.unlockExclusive();
            return before || !during || lock.isMine() ? -1 : mine;
        }

        /** @param r the how-manieth it was. */
        @Actor
        public void one(final II_Result r) {
            r.r1 = write();
        }

        /** @param r the how-manieth it was. */
        @Actor
        public void other(final II_Result r) {
            r.r2 = write();
        }
    }
}
