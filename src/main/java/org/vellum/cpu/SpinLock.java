package org.vellum.cpu;

import java.util.concurrent.locks.LockSupport;
import org.vellum.mem.CacheLine;
import org.vellum.mem.Words;

/**
 * A lock for short critical sections: spins a little, then parks for a moment, and makes no garbage.
 *
 * <p>A lock of {@code java.util.concurrent} allocates a node for each waiter, which the paths that promise zero garbage
 * cannot afford; a monitor would pin virtual threads. There is no queue and no fairness: holders do a bounded amount of work
 * and never wait for a grace period, so a waiter's turn comes.
 *
 * <p>Discipline, checked under {@code -ea}: a thread inside a section never waits here without bound ({@link #tryLock} and
 * {@link #acquire} are what it may do), because the holder may be waiting for a processor that the section's thread occupies; and nobody waits for a grace
 * period while holding one ({@link #noneHeld}).
 */
public final class SpinLock {
    private static final int SPINS = 200;
    private static final long PARK_NANOS = 20_000;
    private static final int TRIES_IN_SECTION = 100;
    private static final long FREE = 0;
    private static final long HELD = 1;

    /** Locks held by the current thread; kept only while assertions are on. */
    private static final ThreadLocal<int[]> HELD_COUNT = ThreadLocal.withInitial(() -> new int[1]);

    private final Cpus cpus;
    private final boolean counted;
    private final Words words;
    /** Index of the lock's word: alone on its cache lines. */
    private final long at;

    /**
     * @param cpus whose sections must not block here.
     */
    public SpinLock(final Cpus cpus) {
        this(cpus, true, Words.zeroed(2L * CacheLine.STRIDE_WORDS), 0);
    }

    private SpinLock(final Cpus cpus, final boolean counted, final Words words, final long at) {
        this.cpus = cpus;
        this.counted = counted;
        this.words = words;
        this.at = at;
    }

    /**
     * Locks that lie side by side: for whoever needs many of them, and not a reservation of native memory for each.
     *
     * @param cpus whose sections must not block here.
     * @param count how many, at least 1.
     * @return the locks, each with cache lines of its own.
     */
    public static SpinLock[] several(final Cpus cpus, final int count) {
        final Words words = Words.zeroed((count + 1L) * CacheLine.STRIDE_WORDS);
        final SpinLock[] locks = new SpinLock[count];
        for (int i = 0; i < count; i++) {
            locks[i] = new SpinLock(cpus, true, words, (long)i * CacheLine.STRIDE_WORDS);
        }
        return locks;
    }

    /**
     * A lock that is never taken inside a section, and so may be held across a grace period.
     *
     * @param cpus whose sections must not block here.
     * @return the lock.
     */
    public static SpinLock outsideSections(final Cpus cpus) {
        return new SpinLock(cpus, false, Words.zeroed(2L * CacheLine.STRIDE_WORDS), 0);
    }

    /** Acquires the lock, parking if need be. Outside sections only. */
    public void lock() {
        assert !cpus.inSection() : "blocking on a lock inside a section";
        boolean interrupted = false;
        while (!spin(SPINS)) {
            LockSupport.parkNanos(this, PARK_NANOS);
            // With an interrupt pending no park would park: taken off, and put back at the end.
            interrupted |= Thread.interrupted();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Tries for a bounded time, a few microseconds, without parking.
     *
     * @return whether the lock was acquired.
     */
    public boolean tryLock() {
        return spin(SPINS);
    }

    /**
     * Acquires the lock as the caller may: until it has it outside sections, for a bounded time of some milliseconds inside.
     *
     * <p>The tries inside a section are not a wait that could deadlock: a holder never depends on the end of a section. The bound
     * is for the others, whose memory the section holds up; the tries are parked, so that a holder which was preempted on the
     * same processor gets to run.
     *
     * @return whether the lock was acquired; true for certain outside sections.
     */
    public boolean acquire() {
        if (spin(SPINS)) {
            return true;
        }
        if (!cpus.inSection()) {
            lock();
            return true;
        }
        for (int i = 0; i < TRIES_IN_SECTION; i++) {
            LockSupport.parkNanos(this, PARK_NANOS);
            if (spin(SPINS)) {
                return true;
            }
        }
        return false;
    }

    /**
     * Acquires the lock inside a section or out, however long it takes: for what must not fail, under a lock whose holders do a few steps
     * and call nothing that could wait. Then only the operating system can keep one from its end, and it lets go without anybody's help.
     */
    public void acquireSurely() {
        boolean acquired = acquire();
        while (!acquired) {
            acquired = acquire();
        }
    }

    private boolean spin(final int times) {
        for (int i = 0; i < times; i++) {
            // CAS: acquire; partner of the release in unlock().
            if (words.getOpaque(at) == FREE && words.compareAndSet(at, FREE, HELD)) {
                assert count(1);
                return true;
            }
            Thread.onSpinWait();
        }
        return false;
    }

    /** @return whether anybody holds the lock just now; whatever a holder has written by then that let go before is seen. */
    public boolean isHeld() {
        // Volatile: not before what the caller has looked at until now; partner of the release in unlock().
        return words.getVolatile(at) == HELD;
    }

    /** Releases the lock, which the caller holds. */
    public void unlock() {
        assert words.getOpaque(at) == HELD : "unlocking a free lock";
        assert count(-1);
        // Release: partner of the CAS in spin().
        words.putRelease(at, FREE);
    }

    /**
     * Whether the calling thread holds no lock of this kind. Only knows while assertions are on.
     *
     * @return true if none is held.
     */
    public static boolean noneHeld() {
        return HELD_COUNT.get()[0] == 0;
    }

    private boolean count(final int delta) {
        HELD_COUNT.get()[0] += counted ? delta : 0;
        return true;
    }
}
