package org.vellum.percpu;

import java.util.concurrent.atomic.AtomicLong;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.SpinLock;
import org.vellum.cpu.StackReserve;
import org.vellum.gather.WindowGather;
import org.vellum.mem.Pages;
import org.vellum.vmap.Reclaimer;

/**
 * Frames that are mapped nowhere any more, but that somebody may have translated before: freed once every section that was open then has
 * ended. Invariant: <b>a frame is freed only after the grace period that began when it was unmapped</b>.
 *
 * <pre>
 *   T1 (depopulates)                           T2 (reads, in a section)
 *   a1: entry := none                          b1: CAS: slot := (me, epoch)
 *   a2: full fence, load epoch: the stamp      b2: load the entry, volatile
 *   a3: free, once all slots are idle
 *       or have announced a later epoch        b3: load through it; exit
 * </pre>
 * As in {@code org.vellum.epoch}: either b2 sees none and T2 faults, or a3 waits for b3.
 *
 * <p>In order of their stamps, in a queue with a lock of its own, under which nothing is done but linking. Thread safety: any thread; nothing
 * waits.
 */
final class PendingFrames implements Reclaimer.Source {
    private final Foundation below;
    private final SpinLock lock;
    private final AtomicLong frames = new AtomicLong();
    private FrameBatch oldest;
    private FrameBatch newest;

    PendingFrames(final Foundation below) {
        this.below = below;
        lock = new SpinLock(below.cpus());
    }

    /** Queues frames whose entries are cleared. Outside sections. */
    void add(final FrameBatch batch) {
        if (batch.count == batch.freed) {
            return;
        }
        frames.addAndGet(batch.count - batch.freed);
        lock.lock();
        try {
            // The stamp carries the fence that makes the clear visible first.
            batch.stamp = below.epochs().stamp();
            if (newest == null) {
                oldest = batch;
            } else {
                newest.next = batch;
            }
            newest = batch;
        } finally {
            lock.unlock();
        }
    }

    /** Frees frames that nobody has mapped; queues them if no slot is to be had. Outside sections. */
    void freeNow(final FrameBatch batch) {
        boolean done = batch.count == 0;
        while (!done) {
            final Cpu cpu = below.cpus().tryEnter();
            if (cpu == null) {
                add(batch);
                return;
            }
            done = free(batch, cpu);
        }
    }

    /**
     * Frees a slice, and leaves the slot.
     *
     * @return whether all of the batch is free now.
     */
    private boolean free(final FrameBatch batch, final Cpu cpu) {
        try {
            final int slice = Math.min(WindowGather.SLICE_PAGES, batch.count - batch.freed);
            below.frames().freeBulk(cpu, batch.frames, batch.freed, slice);
            batch.freed += slice;
        } finally {
            cpu.exit();
        }
        return batch.freed == batch.count;
    }

    /**
     * Frees what has passed. Never waits.
     *
     * @param all no matter: there is one queue.
     * @return how many frames.
     */
    @Override
    public int poll(final boolean all) {
        StackReserve.ensureOperation();
        if (frames.get() == 0) {
            return 0;
        }
        final int begun = below.epochs().releases().begin();
        try {
            return freePassed();
        } finally {
            below.epochs().releases().end(begun);
        }
    }

    private int freePassed() {
        int freed = 0;
        for (FrameBatch batch = takePassed(); batch != null; batch = takePassed()) {
            final int before = batch.freed;
            boolean done = false;
            while (!done) {
                final Cpu cpu = below.cpus().tryEnter();
                if (cpu == null) {
                    break;
                }
                done = free(batch, cpu);
            }
            frames.addAndGet(before - batch.freed);
            freed += batch.freed - before;
            if (!done) {
                putBack(batch);
                break;
            }
        }
        return freed;
    }

    /** The oldest batch, if its grace period has ended; else it asks for the end. */
    private FrameBatch takePassed() {
        if (!lock.tryLock()) {
            return null;
        }
        try {
            final FrameBatch batch = oldest;
            if (batch == null || !hasPassed(batch.stamp)) {
                return null;
            }
            oldest = batch.next;
            newest = oldest == null ? null : newest;
            batch.next = null;
            return batch;
        } finally {
            lock.unlock();
        }
    }

    private boolean hasPassed(final long stamp) {
        if (below.epochs().hasPassed(stamp)) {
            return true;
        }
        below.epochs().advanceFrom(stamp);
        return below.epochs().hasPassed(stamp);
    }

    /** No slot was to be had: somebody else frees them. */
    private void putBack(final FrameBatch batch) {
        lock.acquireSurely();
        try {
            batch.next = oldest;
            oldest = batch;
            newest = newest == null ? batch : newest;
        } finally {
            lock.unlock();
        }
    }

    /** Keeps no frame that is not waiting for its grace period. */
    @Override
    public int purge() {
        return 0;
    }

    @Override
    public long limboBytes() {
        return frames() << Pages.SHIFT;
    }

    /** How many frames wait. */
    long frames() {
        return frames.get();
    }
}
