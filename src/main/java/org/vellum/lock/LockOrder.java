package org.vellum.lock;

import java.util.Arrays;
import org.vellum.cpu.SpinLock;

/**
 * Checks that threads take locks in the order of {@link LockRank}. Only while assertions are on: each method but the predicate for callers
 * is called in an {@code assert}, returns true, and throws the {@link AssertionError} itself, because it knows what to say.
 *
 * <p>The order, not the deadlock: one thread suffices to show a mistake that two would need luck for.
 */
public final class LockOrder {
    private static final ThreadLocal<Held> HELD = ThreadLocal.withInitial(Held::new);

    private LockOrder() {
    }

    /** What one thread holds, in the order in which it was taken. */
    private static final class Held {
        private SleepingLock[] locks = new SleepingLock[4];
        private boolean[] exclusive = new boolean[4];
        private int count;

        void add(final SleepingLock lock, final boolean exclusively) {
            if (count == locks.length) {
                locks = Arrays.copyOf(locks, 2 * count);
                exclusive = Arrays.copyOf(exclusive, 2 * count);
            }
            locks[count] = lock;
            exclusive[count++] = exclusively;
        }

        int indexOf(final SleepingLock lock) {
            int at = count - 1;
            while (at >= 0 && locks[at] != lock) {
                at--;
            }
            return at;
        }

        void remove(final int at) {
            count--;
            System.arraycopy(locks, at + 1, locks, at, count - at);
            System.arraycopy(exclusive, at + 1, exclusive, at, count - at);
            locks[count] = null;
        }

        boolean hasRank(final LockRank rank, final boolean onlyExclusive) {
            for (int i = 0; i < count; i++) {
                if (locks[i].rank() == rank && (exclusive[i] || !onlyExclusive)) {
                    return true;
                }
            }
            return false;
        }
    }

    /**
     * Whether the calling thread may wait for a grace period: it holds no lock that somebody in a section might spin for. Only knows
     * while assertions are on.
     *
     * @return whether it holds neither a short lock nor a {@link LockRank#SPACE} lock exclusively.
     */
    public static boolean mayAwaitGracePeriod() {
        return SpinLock.noneHeld() && !HELD.get().hasRank(LockRank.SPACE, true);
    }

    /** @return whether the calling thread holds no sleeping lock. Only knows while assertions are on. */
    public static boolean noneHeld() {
        return HELD.get().count == 0;
    }

    static boolean mayWaitFor(final SleepingLock lock) {
        if (!SpinLock.noneHeld()) {
            throw new AssertionError("waiting for " + lock + " while holding a short lock");
        }
        final Held held = HELD.get();
        final boolean anyOrder = held.hasRank(LockRank.ALL_LOCKS, false);
        for (int i = 0; i < held.count; i++) {
            if (!comesBefore(held.locks[i], lock, anyOrder)) {
                throw new AssertionError("waiting for " + lock + " while holding " + held.locks[i]);
            }
        }
        return true;
    }

    private static boolean comesBefore(final SleepingLock held, final SleepingLock wanted, final boolean anyOrder) {
        final int ranks = held.rank().compareTo(wanted.rank());
        return ranks < 0 || ranks == 0 && held != wanted && (anyOrder || held.key() < wanted.key());
    }

    static boolean taken(final SleepingLock lock, final boolean exclusive) {
        HELD.get().add(lock, exclusive);
        return true;
    }

    static boolean givenBack(final SleepingLock lock) {
        final Held held = HELD.get();
        final int at = held.indexOf(lock);
        if (at < 0) {
            throw new AssertionError("given back by a thread that has not taken it: " + lock);
        }
        held.remove(at);
        return true;
    }

    static boolean downgraded(final SleepingLock lock) {
        return givenBack(lock) && taken(lock, false);
    }
}
