package org.vellum.space;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.vellum.cpu.StackReserve;
import org.vellum.gather.GatherMode;
import org.vellum.gather.MmuGather;

/**
 * Takes ranges away, without keeping anybody else from the space for longer than a slice takes.
 *
 * <pre>
 *   U (unmaps)                                  M (maps, or unmaps, where U does)
 *   u1: space lock; regions := a tombstone      m1: space lock; a tombstone there? give it back, wait, m1
 *   u2: give it back
 *   u3: clear the entries, slice by slice
 *   u4: flush, as the mode says
 *   u5: space lock; tombstone := nothing
 *   u6: wake those who wait
 * </pre>
 * Between u1 and u5 the range has no region that anybody may use, and nobody can map one there: so u3 needs no lock but the page-table locks, and
 * can be done by anybody at any time. A thread that is interrupted hands the rest to the memory's worker; what nobody does, because
 * something was thrown, the next one does who waits for it. M returns only after u4, so of two that unmap one range neither does before all of it
 * is done.
 *
 * <p>Thread safety: any thread, outside sections.
 */
final class Unmapping {
    private final MemoryDescriptor mm;
    private final ConcurrentLinkedQueue<Burial> unfinished = new ConcurrentLinkedQueue<>();
    private final ReentrantLock waiting = new ReentrantLock();
    private final Condition progress = waiting.newCondition();

    Unmapping(final MemoryDescriptor mm) {
        this.mm = mm;
    }

    /** See {@link AddressSpace#unmap}. */
    void unmap(final long startPage, final long endPage) {
        StackReserve.ensureOperations();
        if (mm.options.policy() == UnmapPolicy.ATOMIC) {
            unmapAtomically(startPage, endPage);
            return;
        }
        final Burial burial = bury(startPage, endPage);
        if (burial != null) {
            finish(burial, true);
        }
    }

    /** u1 and u2; null if there is nothing. */
    private Burial bury(final long startPage, final long endPage) {
        lockWithoutTombstones(startPage, endPage);
        final long since = System.nanoTime();
        try {
            mm.requireOpen();
            return mm.index.isFree(startPage, endPage) ? null : buryLocked(startPage, endPage);
        } finally {
            mm.lock.unlockExclusive();
            mm.holdTimes.ended(since);
        }
    }

    private Burial buryLocked(final long startPage, final long endPage) {
        final List<Region> pieces = new ArrayList<>();
        final Region tombstone = mm.index.bury(startPage, endPage, pieces);
        return new Burial(mm, tombstone, pieces);
    }

    /** Takes the space lock exclusively at a moment when nothing of a range is being unmapped. */
    void lockWithoutTombstones(final long startPage, final long endPage) {
        while (true) {
            mm.lock.lockExclusive();
            final Region dying = mm.index.firstDying(startPage, endPage);
            if (dying == null) {
                return;
            }
            mm.lock.unlockExclusive();
            awaitBuried(dying);
        }
    }

    /** u3 to u6. */
    private void finish(final Burial burial, final boolean mayHandOver) {
        boolean done = false;
        boolean mayPassOn = mayHandOver;
        try {
            while (!burial.isCleared()) {
                if (clear(burial, mayPassOn)) {
                    done = handOver(burial);
                    if (done) {
                        return;
                    }
                    mayPassOn = false;
                }
            }
            end(burial);
            done = true;
        } finally {
            if (!done) {
                unfinished.add(burial);
            }
            wake();
        }
    }

    /** u3 and u4; whether the caller was interrupted before it was done, and somebody else is to do the rest. */
    private boolean clear(final Burial burial, final boolean mayHandOver) {
        try (MmuGather gather = mm.gathers.begin(mm.flushes, mm.options.mode())) {
            while (!burial.isCleared()) {
                burial.step(gather);
                if (mayHandOver && !burial.isCleared() && isInterrupted()) {
                    return true;
                }
            }
            return false;
        }
    }

    /** Who waits for grace periods has promised more than a worker could keep. */
    private boolean isInterrupted() {
        return mm.options.mode() == GatherMode.RETIRE && Thread.currentThread().isInterrupted();
    }

    private boolean handOver(final Burial burial) {
        final boolean accepted = mm.spaces.request(() -> finish(burial, false));
        if (accepted) {
            mm.spaces.handedOver.increment();
        }
        return accepted;
    }

    private void end(final Burial burial) {
        tellUnmapped(burial.pieces);
        mm.lock.lockExclusive();
        final long since = System.nanoTime();
        try {
            mm.index.remove(burial.tombstone.startPage(), burial.tombstone.endPage(), piece -> { });
        } finally {
            mm.lock.unlockExclusive();
            mm.holdTimes.ended(since);
        }
    }

    /** Those that pages came from: nothing shows them any more. */
    void tellUnmapped(final List<Region> regions) {
        for (final Region region : regions) {
            if (region.backing() != null) {
                region.backing().unmapped(mm, region);
            }
        }
    }

    private void wake() {
        waiting.lock();
        try {
            progress.signalAll();
        } finally {
            waiting.unlock();
        }
    }

    /** Waits, parked, until a tombstone is gone; does the work of those who could not finish theirs. */
    private void awaitBuried(final Region tombstone) {
        while (tombstone.isCurrent()) {
            final Burial left = unfinished.poll();
            if (left != null) {
                finish(left, false);
            } else {
                awaitProgress(tombstone);
            }
        }
    }

    private void awaitProgress(final Region tombstone) {
        waiting.lock();
        try {
            // Looked at under the lock: whoever ends it, or leaves it unfinished, signals afterwards.
            if (tombstone.isCurrent() && unfinished.isEmpty()) {
                progress.awaitUninterruptibly();
            }
        } finally {
            waiting.unlock();
        }
    }

    /** As before reference 3: nobody gets at the space before all is done. */
    private void unmapAtomically(final long startPage, final long endPage) {
        mm.lock.lockExclusive();
        final long since = System.nanoTime();
        try {
            mm.requireOpen();
            final List<Region> pieces = new ArrayList<>();
            mm.index.remove(startPage, endPage, pieces::add);
            try (MmuGather gather = mm.gathers.begin(mm.flushes, GatherMode.RETIRE_AT_ONCE)) {
                for (final Region piece : pieces) {
                    for (long page = piece.startPage(); page < piece.endPage(); ) {
                        page = mm.unmapper.slice(gather, page, piece.endPage(), true, RegionEntries.ofBuried(piece));
                    }
                }
            }
            tellUnmapped(pieces);
        } finally {
            mm.lock.unlockExclusive();
            mm.holdTimes.ended(since);
        }
    }

    /**
     * Ends all regions, once nothing is being unmapped any more.
     *
     * @return those that there were.
     */
    List<Region> endAll() {
        lockWithoutTombstones(0, mm.pages());
        try {
            final List<Region> pieces = new ArrayList<>();
            mm.index.remove(0, mm.pages(), pieces::add);
            return pieces;
        } finally {
            mm.lock.unlockExclusive();
        }
    }

    /** How many wait for somebody to finish them. */
    int unfinished() {
        return unfinished.size();
    }
}
