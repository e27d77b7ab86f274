package org.vellum.space;

import java.util.ArrayList;
import java.util.List;
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
 * can be done by anybody at any time. A thread that is interrupted leaves the rest to whoever comes first: the memory's worker, which it asks, or
 * one that waits for the range. So it is with what nobody does because something was thrown. M returns only after u4, so of two that unmap one
 * range neither does before all of it is done.
 *
 * <p>The gather is begun, and the burial made, before u1: what can be thrown for want of stack or heap is thrown before anything has changed.
 *
 * <p>Thread safety: any thread, outside sections.
 */
final class Unmapping {
    private final MemoryDescriptor mm;
    private final Runnable finishLeft = this::finishLeft;
    private final ReentrantLock waiting = new ReentrantLock();
    private final Condition progress = waiting.newCondition();
    /** Burials that belong to nobody, chained. Under {@link #waiting}. */
    private Burial left;

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
        final Burial burial = new Burial(mm, startPage, endPage);
        boolean done = false;
        try {
            try (MmuGather gather = mm.gathers.begin(mm.flushes, mm.options.mode())) {
                bury(burial);
                clear(burial, gather, true);
            }
            done = !burial.isBuried();
            if (!done && burial.isCleared()) {
                end(burial);
                done = true;
            }
        } finally {
            // The tombstone is nobody else's yet, so nobody has taken it away.
            if (!done && burial.isBuried()) {
                leave(burial);
            } else {
                wake();
            }
        }
        if (!done && !handOver()) {
            awaitBuried(burial.tombstone);
        }
    }

    /** u1 and u2; nothing if nothing is there. */
    private void bury(final Burial burial) {
        final long startPage = burial.tombstone.startPage();
        final long endPage = burial.tombstone.endPage();
        lockWithoutTombstones(startPage, endPage);
        final long since = System.nanoTime();
        try {
            mm.requireOpen();
            if (!mm.index.isFree(startPage, endPage)) {
                burial.begin();
            }
        } finally {
            mm.lock.unlockExclusive();
            mm.holdTimes.ended(since);
        }
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

    /** u3, or as much of it as an interrupt leaves time for. */
    private void clear(final Burial burial, final MmuGather gather, final boolean mayPassOn) {
        while (!burial.isCleared()) {
            burial.step(gather);
            if (mayPassOn && isInterrupted()) {
                return;
            }
        }
    }

    /** Who waits for grace periods has promised more than a worker could keep. */
    private boolean isInterrupted() {
        return mm.options.mode() == GatherMode.RETIRE && Thread.currentThread().isInterrupted();
    }

    /** Asks the worker to finish what was left; false if there is none that would. */
    private boolean handOver() {
        final boolean accepted = mm.spaces.request(finishLeft);
        if (accepted) {
            mm.spaces.handedOver.increment();
        }
        return accepted;
    }

    /** Whoever takes it has it alone. */
    private void leave(final Burial burial) {
        waiting.lock();
        try {
            burial.next = left;
            left = burial;
            progress.signalAll();
        } finally {
            waiting.unlock();
        }
    }

    private Burial takeLeft() {
        waiting.lock();
        try {
            final Burial burial = left;
            left = burial == null ? null : burial.next;
            return burial;
        } finally {
            waiting.unlock();
        }
    }

    private void finishLeft() {
        while (finishOne()) {
            // Until there is none.
        }
    }

    /** u3 to u6 of one that was left; whether there was one. */
    private boolean finishOne() {
        StackReserve.ensureOperations();
        final Burial burial = takeLeft();
        if (burial == null) {
            return false;
        }
        boolean done = false;
        try {
            try (MmuGather gather = mm.gathers.begin(mm.flushes, mm.options.mode())) {
                clear(burial, gather, false);
            }
            end(burial);
            done = true;
        } finally {
            if (done) {
                wake();
            } else {
                leave(burial);
            }
        }
        return true;
    }

    private void end(final Burial burial) {
        tellUnmapped(burial.pieces);
        mm.lock.lockExclusive();
        final long since = System.nanoTime();
        try {
            removeTombstone(burial);
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

    private void removeTombstone(final Burial burial) {
        mm.index.remove(burial.tombstone.startPage(), burial.tombstone.endPage(), new ArrayList<>());
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
    void awaitBuried(final Region tombstone) {
        while (tombstone.isCurrent()) {
            if (!finishOne()) {
                awaitProgress(tombstone);
            }
        }
    }

    /** {@link #awaitBuried} of each tombstone that there is in a range. */
    void awaitUnmapped(final long startPage, final long endPage) {
        for (Region dying = mm.index.firstDying(startPage, endPage); dying != null; dying = mm.index.firstDying(startPage, endPage)) {
            awaitBuried(dying);
        }
    }

    private void awaitProgress(final Region tombstone) {
        waiting.lock();
        try {
            // Looked at under the lock: whoever ends it, or leaves it unfinished, signals afterwards.
            if (tombstone.isCurrent() && left == null) {
                progress.awaitUninterruptibly();
            }
        } finally {
            waiting.unlock();
        }
    }

    /**
     * As before reference 3: nobody gets at the space before all is done. Who is to wait for sections does so afterwards, with a gather that spans it
     * all: so does another thread whose unmap finds nothing any more (RG5).
     */
    private void unmapAtomically(final long startPage, final long endPage) {
        try (MmuGather flush = mm.gathers.begin(mm.flushes, mm.options.mode());
            MmuGather gather = mm.gathers.begin(mm.flushes, GatherMode.RETIRE_AT_ONCE)) {
            final Burial burial = new Burial(mm, startPage, endPage);
            lockWithoutTombstones(startPage, endPage);
            final long since = System.nanoTime();
            try {
                mm.requireOpen();
                if (!mm.index.isFree(startPage, endPage)) {
                    buryAndEnd(burial, gather);
                    if (mm.options.mode() == GatherMode.WAIT) {
                        flush.touch(startPage);
                    }
                }
            } finally {
                mm.lock.unlockExclusive();
                mm.holdTimes.ended(since);
            }
        }
    }

    /** Nobody sees the tombstone, unless something is thrown: then the next who comes there finishes it. */
    private void buryAndEnd(final Burial burial, final MmuGather gather) {
        try {
            burial.begin();
            clear(burial, gather, false);
            gather.flush();
            tellUnmapped(burial.pieces);
            removeTombstone(burial);
        } finally {
            if (burial.isBuried()) {
                leave(burial);
            }
        }
    }

    /**
     * Ends all regions, once nothing is being unmapped any more.
     *
     * @param pieces gets those that there were; none if something is thrown.
     */
    void endAll(final List<Region> pieces) {
        lockWithoutTombstones(0, mm.pages());
        boolean done = false;
        try {
            mm.index.remove(0, mm.pages(), pieces);
            done = true;
        } finally {
            mm.lock.unlockExclusive();
            if (!done) {
                pieces.clear();
            }
        }
    }

    /** How many wait for somebody to finish them. */
    int unfinished() {
        waiting.lock();
        try {
            int count = 0;
            for (Burial burial = left; burial != null; burial = burial.next) {
                count++;
            }
            return count;
        } finally {
            waiting.unlock();
        }
    }
}
