package org.vellum.lock;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.StampedLock;
import org.vellum.cpu.Cpus;

/**
 * A lock that is held for as long as it takes: by many who share it, or by one. Whoever waits is parked, so that a virtual thread gives its
 * carrier up; it is not a monitor, so that one may be unmounted while holding it. Not reentrant, in no way.
 *
 * <p>The waiting is the JDK's ({@link StampedLock}: readers and writers in the order in which they came, more or less). What is ours is what
 * the JDK does not know of: sections, and the order of {@link LockRank}.
 * <ul>
 * <li>Everything that may wait refuses to inside a section, always and not only when it would have to. What only tries is allowed
 * there: who does not get the lock leaves the section, waits, enters again and looks again at all it knew.</li>
 * <li>While assertions are on, each thread's locks are remembered, and what does not keep the order is an {@link AssertionError} at once,
 * whether or not it met the thread with which it would have come to a deadlock.</li>
 * </ul>
 *
 * <p>Makes no garbage unless it waits; then the JDK makes a node of some 32 bytes. Assertions cost a look-up of the thread's list.
 *
 * <p>Thread safety: any thread; what is taken by one is given back by the same.
 */
public final class SleepingLock {
    private static final AtomicLong MADE = new AtomicLong();
    /** Tries of who may not wait: some microseconds, for which most holders have it. */
    private static final int TRIES = 1000;

    private final Cpus cpus;
    private final LockRank rank;
    private final String name;
    private final long key = MADE.getAndIncrement();
    private final StampedLock lock = new StampedLock();
    /** Of the exclusive holder, who alone reads and writes it. */
    private long stamp;
    /**
     * The exclusive holder, or null. Plain: each thread only asks whether it is itself, and what it has written last it sees; what others
     * write is never it.
     */
    private Thread owner;

    /**
     * @param cpus whose sections must not block here.
     * @param rank where it stands in the order.
     * @param name for messages.
     */
    public SleepingLock(final Cpus cpus, final LockRank rank, final String name) {
        this.cpus = cpus;
        this.rank = rank;
        this.name = name;
    }

    /** @return where it stands in the order. */
    public LockRank rank() {
        return rank;
    }

    /** @return its place among those of its rank: locks made later have larger ones. */
    public long key() {
        return key;
    }

    private void mayWait(final String what) {
        cpus.mightSleep(what);
        assert LockOrder.mayWaitFor(this);
    }

    /**
     * Takes the lock together with others; waits, parked, for one that has it exclusively.
     *
     * @throws IllegalStateException inside a section, or if the caller has it exclusively.
     */
    public void lockShared() {
        requireNotMine();
        mayWait("taking a lock");
        lock.readLock();
        assert LockOrder.taken(this, false);
    }

    /**
     * {@link #lockShared()} that an interrupt ends.
     *
     * @throws InterruptedException if the caller is interrupted before it has the lock, which it then has not.
     * @throws IllegalStateException inside a section, or if the caller has it exclusively.
     */
    public void lockSharedInterruptibly() throws InterruptedException {
        requireNotMine();
        mayWait("taking a lock");
        lock.readLockInterruptibly();
        assert LockOrder.taken(this, false);
    }

    /**
     * {@link #lockShared()} that never waits: inside sections, too, and in no order.
     *
     * @return whether the caller has it.
     */
    public boolean tryLockShared() {
        final boolean taken = lock.tryReadLock() != 0;
        assert !taken || LockOrder.taken(this, false);
        return taken;
    }

    /**
     * Gives the shared lock back.
     *
     * @throws IllegalStateException if nobody shares it.
     */
    public void unlockShared() {
        if (!lock.tryUnlockRead()) {
            throw new IllegalStateException("nobody shares the lock: " + this);
        }
        assert LockOrder.givenBack(this);
    }

    /**
     * Takes the lock alone; waits, parked, for all who have it.
     *
     * @throws IllegalStateException inside a section, or if the caller has it exclusively.
     */
    public void lockExclusive() {
        requireNotMine();
        mayWait("taking a lock");
        own(lock.writeLock());
    }

    /**
     * {@link #lockExclusive()} that an interrupt ends.
     *
     * @throws InterruptedException if the caller is interrupted before it has the lock, which it then has not.
     * @throws IllegalStateException inside a section, or if the caller has it exclusively.
     */
    public void lockExclusiveInterruptibly() throws InterruptedException {
        requireNotMine();
        mayWait("taking a lock");
        own(lock.writeLockInterruptibly());
    }

    /**
     * {@link #lockExclusive()} that never waits: inside sections, too, and in no order.
     *
     * @return whether the caller has it.
     */
    public boolean tryLockExclusive() {
        final long taken = lock.tryWriteLock();
        if (taken != 0) {
            own(taken);
        }
        return taken != 0;
    }

    /**
     * {@link #tryLockShared()} for some microseconds: for who is in a section that cannot be left.
     *
     * @return whether the caller has it.
     */
    public boolean tryLockSharedBriefly() {
        boolean taken = tryLockShared();
        for (int i = 1; !taken && i < TRIES; i++) {
            Thread.onSpinWait();
            taken = tryLockShared();
        }
        return taken;
    }

    /**
     * {@link #tryLockExclusive()} for some microseconds: for who is in a section that cannot be left.
     *
     * @return whether the caller has it.
     */
    public boolean tryLockExclusiveBriefly() {
        boolean taken = tryLockExclusive();
        for (int i = 1; !taken && i < TRIES; i++) {
            Thread.onSpinWait();
            taken = tryLockExclusive();
        }
        return taken;
    }

    private void own(final long taken) {
        stamp = taken;
        owner = Thread.currentThread();
        assert LockOrder.taken(this, true);
    }

    private void requireNotMine() {
        if (isMine()) {
            throw new IllegalStateException("the calling thread has the lock already: " + this);
        }
    }

    private void requireMine() {
        if (!isMine()) {
            throw new IllegalStateException("the calling thread does not have the lock exclusively: " + this);
        }
    }

    /**
     * Gives the exclusive lock back.
     *
     * @throws IllegalStateException if the calling thread has it not.
     */
    public void unlockExclusive() {
        requireMine();
        owner = null;
        // The stamp is read before the release: the next holder overwrites it.
        lock.unlockWrite(stamp);
        assert LockOrder.givenBack(this);
    }

    /**
     * Turns the exclusive lock into a shared one, without letting anybody have it exclusively in between: for who has changed something that
     * must stay as it is, and has long work to do that others may watch.
     *
     * @throws IllegalStateException if the calling thread does not have it exclusively.
     */
    public void downgrade() {
        requireMine();
        owner = null;
        final long shared = lock.tryConvertToReadLock(stamp);
        assert shared != 0 : "an exclusive lock can always be shared";
        assert LockOrder.downgraded(this);
    }

    /** @return whether the calling thread has it exclusively. */
    public boolean isMine() {
        return owner == Thread.currentThread();
    }

    /** @return whether anybody has it just now. */
    public boolean isHeld() {
        return lock.isReadLocked() || lock.isWriteLocked();
    }

    @Override
    public String toString() {
        return rank + " lock " + name + " key=" + key;
    }
}
