package org.vellum.space;

import java.util.ArrayList;
import java.util.List;
import org.vellum.lock.AllLocks;
import org.vellum.lock.SleepingLock;

/**
 * All locks of a space, held: the space lock exclusively, so that no region comes, goes or gets an {@link org.vellum.rmap.AnonVma}, and
 * those of all files and families that its regions belong to (G14). While they are held, nobody else walks from a file or a family to this
 * space's entries. Other spaces go on, except where they need one of the very locks; faults of this one, too, but the first of a region.
 *
 * <p>All of them sleep. Whoever takes them may be preempted, unmounted or interrupted anywhere, and has none in that case; there is no
 * stretch of hundreds of locks with preemption off, which is what reference 3 was written for. Not a hot path: makes garbage, some words a
 * region.
 */
public final class SpaceLocks implements AutoCloseable {
    private final SleepingLock space;
    private final AllLocks.Held held;
    private boolean closed;

    private SpaceLocks(final SleepingLock space, final AllLocks.Held held) {
        this.space = space;
        this.held = held;
    }

    /**
     * Takes them; waits, parked, for each.
     *
     * @param space the lock of the space.
     * @param all by which all locks of the memory's spaces are taken, by one thread at a time.
     * @param index of the space's regions.
     * @return what must be closed, by the same thread.
     * @throws InterruptedException if the caller is interrupted before it has all; then it has none.
     * @throws IllegalStateException inside a section, or if the caller has the space lock.
     */
    static SpaceLocks takeAll(final SleepingLock space, final AllLocks all, final RegionIndex index) throws InterruptedException {
        space.lockExclusiveInterruptibly();
        SpaceLocks taken = null;
        try {
            taken = new SpaceLocks(space, all.take(locksOf(index)));
            return taken;
        } finally {
            if (taken == null) {
                space.unlockExclusive();
            }
        }
    }

    /** Some of them many times: who takes them takes each once. */
    private static List<SleepingLock> locksOf(final RegionIndex index) {
        final List<SleepingLock> locks = new ArrayList<>(2 * index.count());
        index.forEach(region -> {
            final SleepingLock mapping = region.backing() == null ? null : region.backing().mappingLock();
            if (mapping != null) {
                locks.add(mapping);
            }
            if (region.anonVma() != null) {
                locks.add(region.anonVma().lock());
            }
        });
        return locks;
    }

    /** @return how many there are, besides the space lock. */
    public int count() {
        return held.count();
    }

    /** Gives all of them back. By the thread that took them; a second time does nothing. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            held.close();
            space.unlockExclusive();
        }
    }
}
