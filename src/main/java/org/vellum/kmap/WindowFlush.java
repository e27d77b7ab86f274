package org.vellum.kmap;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.vellum.epoch.Epochs;
import org.vellum.mmu.Entry;
import org.vellum.mmu.PageTable;

/**
 * The flush of the shared window: what nobody uses is cleared together, one grace period covers it all, and it is free. At most one is
 * under way.
 *
 * <p>Clearing makes a slot FLUSHING and takes it off the hash, under the window's lock. If no section is open that began before, the grace
 * period is over with a look, and the slots are free. Else whoever needs one waits, without the lock, and whoever sees first that it has
 * passed frees the slots.
 *
 * <h2>A user against the flush (RK4)</h2>
 * <pre>
 *   U (maps an unused slot)                      F (flushes)
 *   u1: find the slot in the hash                f1: CAS word: (frame, 1) → FLUSHING
 *   u2: CAS word: (frame, 1) → (frame, 2)        f2: remove from the hash, clear the entry
 *   u3: the address is good                      f3: stamp; wait; free the slot
 * </pre>
 * Of u2 and f1 one wins. If u2 does, F passes the slot over; if f1 does, U looks again under the lock, and maps the frame anew.
 *
 * <p>What says so is called under the lock; the rest takes it, and may wait, parked, outside sections.
 */
final class WindowFlush {
    private static final long SLICE_NANOS = 10_000_000L;

    private final Epochs epochs;
    private final PageTable table;
    private final Backing backing;
    private final KmapSlots slots;
    private final KmapHash hash;
    private final WindowWaits waits;
    private final ReentrantLock lock;
    private final AtomicLong count = new AtomicLong();

    // Under the lock.
    private int pending;
    private long stamp;
    /** Slots that became free so far. */
    private long freed;

    /** @param lock the window's. */
    WindowFlush(
        final Epochs epochs, final PageTable table, final Backing backing, final KmapSlots slots, final KmapHash hash,
        final WindowWaits waits, final ReentrantLock lock) {
        this.epochs = epochs;
        this.table = table;
        this.backing = backing;
        this.slots = slots;
        this.hash = hash;
        this.waits = waits;
        this.lock = lock;
    }

    /** Under the lock: slots that are cleared and not free yet; a flush is under way if there are any. */
    int pending() {
        return pending;
    }

    boolean isUnderWay() {
        lock.lock();
        try {
            return pending > 0;
        } finally {
            lock.unlock();
        }
    }

    /** How often there was something to flush. */
    long count() {
        return count.get();
    }

    /** Under the lock: f1, f2 and the stamp of f3, which covers those of a flush that is under way, too. */
    private void clear() {
        final int before = pending;
        for (int slot = 0; slot < slots.count(); slot++) {
            final long word = slots.word(slot);
            // CAS: f1 of the class comment; partner: u2, in KmapWindow.join().
            if (KmapWord.isUnused(word) && slots.compareAndSet(slot, word, KmapWord.FLUSHING)) {
                hash.remove(KmapWord.frame(word), slot);
                table.set(slot, Entry.NONE);
                pending++;
            }
        }
        if (pending > before) {
            stamp = epochs.stamp();
            count.getAndIncrement();
        }
    }

    /** Under the lock: the rest of f3, if the grace period has ended. */
    void free() {
        if (pending == 0 || !epochs.hasPassed(stamp)) {
            return;
        }
        freed += pending;
        for (int slot = 0; pending > 0; slot++) {
            if (slots.word(slot) == KmapWord.FLUSHING) {
                backing.unpin(slots.pin(slot));
                slots.put(slot, KmapWord.FREE);
                pending--;
            }
        }
        waits.changed();
    }

    /** Under the lock, with none under way: flushes what there is to flush, and ends that if no section is in the way. Never waits. */
    void begin() {
        clear();
        if (pending > 0) {
            epochs.advanceFrom(stamp);
            free();
        }
    }

    /** Clears what nobody uses, flush or no flush under way: for callers that wait for a grace period themselves. */
    void forgetUnused() {
        lock.lock();
        try {
            clear();
        } finally {
            lock.unlock();
        }
    }

    /** A part of {@link #await}, so that an interrupt, and what others have mapped, is seen in between. False if the time is up. */
    boolean awaitSlice(final long deadlineNanos) {
        final long now = System.nanoTime();
        return await(now + Math.min(SLICE_NANOS, deadlineNanos - now)) || System.nanoTime() - deadlineNanos < 0;
    }

    /** Waits for the grace period of the flush that is under way, if one is. False if the time is up. */
    private boolean await(final long deadlineNanos) {
        final long awaited;
        lock.lock();
        try {
            if (pending == 0) {
                return true;
            }
            awaited = stamp;
        } finally {
            lock.unlock();
        }
        return epochs.awaitPassed(awaited, Math.max(0, deadlineNanos - System.nanoTime()));
    }

    /**
     * Clears and flushes what nobody uses, at once.
     *
     * @param waitNanos the most to wait for the grace period.
     * @return how many slots became free meanwhile: those, too, that were cleared before and waited for somebody to look. What is cleared
     *     behind this call's back is waited for by whoever did that, and holds up the rest.
     */
    int flushUnused(final long waitNanos) {
        final long deadline = System.nanoTime() + waitNanos;
        await(deadline);
        final long before;
        lock.lock();
        try {
            before = freed;
            free();
            if (pending > 0) {
                return 0;
            }
            clear();
        } finally {
            lock.unlock();
        }
        await(deadline);
        lock.lock();
        try {
            free();
            return (int)(freed - before);
        } finally {
            lock.unlock();
        }
    }

    /** Under the lock: what holds a flush up, for the message of an exhaustion; the end of a sentence. */
    String describe() {
        return pending == 0 ? "" : "; flushing=" + pending + ", held up by " + epochs.describeHolders();
    }
}
