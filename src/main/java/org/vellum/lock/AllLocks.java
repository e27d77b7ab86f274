package org.vellum.lock;

import java.util.Collection;
import java.util.Comparator;
import org.vellum.cpu.Cpus;

/**
 * Takes many locks together: all file-mapping and anon locks of a space, each once however often it is named (G14). One thread of a memory does it at
 * a time, so that two cannot wait for each other; each lock is one that sleeps, so the one that does it may be preempted anywhere.
 *
 * <p>File mappings come before anon locks, and those of one rank by their keys, which is the order for everybody. Not a hot path: makes
 * garbage.
 */
public final class AllLocks {
    private static final Comparator<SleepingLock> ORDER =
        Comparator.comparing(SleepingLock::rank).thenComparingLong(SleepingLock::key);

    private final SleepingLock mutex;

    /**
     * @param cpus whose sections must not block here.
     */
    public AllLocks(final Cpus cpus) {
        mutex = new SleepingLock(cpus, LockRank.ALL_LOCKS, "all");
    }

    /** The locks that somebody has. */
    public final class Held implements AutoCloseable {
        private final SleepingLock[] locks;
        private int count;

        private Held(final SleepingLock[] locks) {
            this.locks = locks;
        }

        private void takeEach() throws InterruptedException {
            for (final SleepingLock lock : locks) {
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
                lock.lockExclusiveInterruptibly();
                count++;
            }
        }

        /** @return how many there are. */
        public int count() {
            return count;
        }

        /** Gives all of them back, the last taken first. By the thread that took them; a second time does nothing. */
        @Override
        public void close() {
            if (count < 0) {
                return;
            }
            while (count > 0) {
                count--;
                locks[count].unlockExclusive();
            }
            count = -1;
            mutex.unlockExclusive();
        }
    }

    /**
     * Takes the locks exclusively; waits, parked, for each.
     *
     * @param locks of the ranks {@link LockRank#FILE_MAPPING} and {@link LockRank#ANON}; the same several times counts once. The caller has the
     *              space lock exclusively, so that no more can be added to them.
     * @return what must be closed.
     * @throws InterruptedException if the caller is interrupted before it has all; then it has none.
     * @throws IllegalStateException inside a section.
     * @throws IllegalArgumentException if one of the locks has another rank.
     */
    public Held take(final Collection<SleepingLock> locks) throws InterruptedException {
        final SleepingLock[] wanted = locks.stream().distinct().sorted(ORDER).toArray(SleepingLock[]::new);
        if (wanted.length > 0 && wanted[0].rank().compareTo(LockRank.ALL_LOCKS) <= 0) {
            throw new IllegalArgumentException("not a lock to be taken with others: " + wanted[0]);
        }
        final Held held = new Held(wanted);
        mutex.lockExclusiveInterruptibly();
        boolean all = false;
        try {
            held.takeEach();
            all = true;
            return held;
        } finally {
            if (!all) {
                held.close();
            }
        }
    }
}
