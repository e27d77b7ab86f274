package org.vellum.kmap;

import java.util.concurrent.locks.ReentrantLock;
import org.vellum.epoch.Epochs;
import org.vellum.mmu.Address;
import org.vellum.mmu.Entry;
import org.vellum.mmu.PageTable;
import org.vellum.report.ExhaustedException;

/**
 * The shared window: a frame has one address in it, the same for all users, for as long as anybody uses it.
 *
 * <h2>Slots are handed out in a round</h2>
 * The next free slot is the one after the last. What is unmapped stays mapped, unused, in case somebody wants it again. When the round
 * reaches the end of the window, all unused slots are cleared together, one flush covers them all, and they are free. So a flush costs what
 * it costs once a round, and not at all if there is nothing unused ({@link WindowFlush}).
 *
 * <h2>The usual case takes the lock once</h2>
 * A new mapping pins the page, if that is in the cache, and then does all in one go: looks at the hash, takes the next slot, flushes if the
 * round is at its end. What has to wait gives all that up, waits for a slot first, and gets the page then.
 *
 * <h2>Two threads that map one frame (RK3)</h2>
 * Both find no slot, both may wait for one or for the disk. Whoever gets the lock first installs the mapping; the other looks at the hash
 * again under the lock before it takes a slot, and joins. Nobody holds a slot while it waits for anything, so waiters cannot starve each
 * other.
 *
 * <h2>Who is woken (RK2)</h2>
 * Slots are waited for by {@link WindowWaits}: an unmap that leaves a slot unused wakes one waiter, and whoever is through, well or badly,
 * wakes the next, since it may have been woken for room that it did not need. What all may wait for wakes all: the end of a flush, and a
 * new mapping. A waiter looks for anything that is not in use, also what is being flushed: for that it goes and waits itself, for whoever
 * began the flush may have given up.
 *
 * <p>Thread safety: any thread. {@link #map} may wait, parked, and is refused inside a section; the rest never waits.
 */
final class KmapWindow {
    static final long NOT_MAPPED = 0;

    final WindowFlush flush;
    final WindowReport report;
    private final PageTable table;
    private final Backing backing;
    private final KmapSlots slots;
    private final KmapHash hash;
    private final WindowWaits waits = new WindowWaits();
    private final ReentrantLock lock = new ReentrantLock();
    /** Under the lock: where the round is. */
    private int next;
    /** Under the lock: new mappings of high frames so far. */
    private long highMaps;

    KmapWindow(final Epochs epochs, final PageTable table, final int slots, final Backing backing) {
        this.table = table;
        this.backing = backing;
        this.slots = new KmapSlots(slots);
        hash = new KmapHash(this.slots);
        flush = new WindowFlush(epochs, table, backing, this.slots, hash, waits, lock);
        report = new WindowReport(table, backing, this.slots, hash, flush, lock);
    }

    /**
     * Maps a frame that is mapped already.
     *
     * @return its address, owed an unmap, or {@link #NOT_MAPPED}.
     */
    long mapIfMapped(final long frame, final boolean writable) {
        final int slot = hash.find(frame);
        return slot == KmapHash.NONE ? NOT_MAPPED : join(slot, frame, writable);
    }

    /** u2: one more user, if the slot still maps the frame, and for stores if those are wanted. */
    private long join(final int slot, final long frame, final boolean writable) {
        long word = slots.word(slot);
        while (KmapWord.names(word, frame) && (KmapWord.isWritable(word) || !writable)) {
            if (KmapWord.count(word) == KmapWord.MAX_COUNT) {
                throw new IllegalStateException("too many users: frame=" + frame + " users=" + (KmapWord.MAX_COUNT - 1));
            }
            // CAS: u2 of WindowFlush; partner: f1, in its clear().
            if (slots.compareAndSet(slot, word, word + 1)) {
                return address(slot);
            }
            word = slots.word(slot);
        }
        return NOT_MAPPED;
    }

    /** Of a slot that the caller uses. */
    private long address(final int slot) {
        return table.addressOf(slot) | Entry.tag(table.get(slot));
    }

    /**
     * Maps a frame.
     *
     * @param timeoutNanos the most to wait for a slot, and for a cache frame.
     * @return its address, owed an unmap.
     * @throws ExhaustedException if there was none in time; the text names the holders.
     * @throws InterruptedException if interrupted while it waits.
     */
    long map(final long frame, final boolean writable, final long timeoutNanos) throws InterruptedException {
        final long address = mapIfMapped(frame, writable);
        return address != NOT_MAPPED ? address : mapAnew(frame, writable, timeoutNanos);
    }

    private long mapAnew(final long frame, final boolean writable, final long timeoutNanos) throws InterruptedException {
        final int pin = backing.tryPin(frame, writable);
        if (pin != Backing.MISS) {
            final long address = install(frame, writable, pin);
            if (address != NOT_MAPPED) {
                return address;
            }
        } else {
            // What is not there is not waited for.
            backing.require(frame);
        }
        return mapSlowly(frame, writable, System.nanoTime() + timeoutNanos);
    }

    /** Waits for a slot first, holding nothing, and gets the page then. */
    private long mapSlowly(final long frame, final boolean writable, final long deadlineNanos) throws InterruptedException {
        waits.enter();
        try {
            long address;
            do {
                awaitRoom(frame, deadlineNanos);
                address = install(frame, writable, backing.pin(frame, writable, deadlineNanos));
            } while (address == NOT_MAPPED);
            return address;
        } finally {
            waits.leave();
        }
    }

    /** The pin is the slot's from here on, or dropped. Returns NOT_MAPPED if there is no slot without a wait. */
    private long install(final long frame, final boolean writable, final int pin) {
        int kept = pin;
        lock.lock();
        try {
            final int slot = hash.find(frame);
            if (slot != KmapHash.NONE) {
                return joinForced(slot, frame, writable);
            }
            if (!makeRoom()) {
                return NOT_MAPPED;
            }
            kept = Backing.LOW;
            return put(next++, frame, writable, pin);
        } finally {
            lock.unlock();
            backing.unpin(kept);
        }
    }

    /** Under the lock, with a pin of the caller's that allows what it wants: the mapping is made writable if need be. */
    private long joinForced(final int slot, final long frame, final boolean writable) {
        if (writable) {
            long word = slots.word(slot);
            while (!KmapWord.isWritable(word)) {
                // The entry first: whoever sees W relies on it. Only the lock's holder changes either.
                table.set(slot, table.get(slot) | Entry.WRITABLE);
                slots.compareAndSet(slot, word, word | KmapWord.WRITABLE);
                word = slots.word(slot);
            }
        }
        return join(slot, frame, writable);
    }

    private long put(final int slot, final long frame, final boolean writable, final int pin) {
        final long tag = KmapTags.tag(slots.renew(slot, pin));
        table.set(slot, Entry.present(backing.nativePage(frame, pin), tag, writable ? Entry.WRITABLE : 0));
        slots.put(slot, KmapWord.of(frame, writable, KmapWord.UNUSED + 1));
        hash.add(frame, slot);
        highMaps += pin == Backing.LOW ? 0 : 1;
        // Who waits for a slot for the same frame need not wait any longer.
        waits.changed();
        return table.addressOf(slot) | tag;
    }

    /**
     * Ends one use. Never waits, unmaps or flushes.
     *
     * @throws IllegalArgumentException if it is no page of the window.
     * @throws IllegalStateException if nobody uses it.
     */
    void unmap(final long address) {
        final int slot = slotOf(address);
        long word;
        do {
            word = slots.word(slot);
            if (!KmapWord.isMapped(word) || KmapWord.count(word) == KmapWord.UNUSED
                || Entry.tag(table.get(slot)) != Address.tag(address)) {
                throw new IllegalStateException("not mapped, or unmapped already: address=0x" + Long.toHexString(address));
            }
        } while (!slots.compareAndSet(slot, word, word - 1));
        if (KmapWord.count(word) == KmapWord.UNUSED + 1) {
            // For whoever wants the slot, and for whoever wants its cache frame.
            waits.slotUnused();
            backing.unused(KmapWord.frame(word));
        }
    }

    private int slotOf(final long address) {
        final long page = table.pageOf(address);
        if (page < 0 || page >= slots.count() || table.addressOf(page) != (address & Address.MASK)) {
            throw notOurs(address);
        }
        return (int)page;
    }

    static IllegalArgumentException notOurs(final long address) {
        return new IllegalArgumentException("not what kmap returned: address=0x" + Long.toHexString(address));
    }

    /** Under the lock: whether there is a free slot from {@code next} on, where it then stands. */
    private boolean findFree() {
        while (next < slots.count() && slots.word(next) != KmapWord.FREE) {
            next++;
        }
        return next < slots.count();
    }

    /** Waits until there is a free slot, or the frame has been mapped. It may be gone again at once: nothing is reserved. */
    private void awaitRoom(final long frame, final long deadlineNanos) throws InterruptedException {
        if (!hasRoom(frame)) {
            waits.count();
            do {
                awaitChange(frame, deadlineNanos);
            } while (!hasRoom(frame));
        }
    }

    private void awaitChange(final long frame, final long deadlineNanos) throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        final boolean came = flush.isUnderWay() ? flush.awaitSlice(deadlineNanos) : waits.await(() -> mayHaveRoom(frame), deadlineNanos);
        if (!came && !hasRoom(frame)) {
            throw timedOut(frame);
        }
    }

    private boolean hasRoom(final long frame) {
        lock.lock();
        try {
            return hash.find(frame) != KmapHash.NONE || makeRoom();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Under the lock: finds a free slot, where {@code next} then stands. Begins the next round at the end of one, and a flush if there is
     * anything unused; if no section is in its way, that is over at once.
     */
    private boolean makeRoom() {
        flush.free();
        if (findFree()) {
            return true;
        }
        // Also while a flush is under way: slots that became free in an earlier one may lie behind.
        next = 0;
        if (flush.pending() == 0) {
            flush.begin();
        }
        if (findFree()) {
            return true;
        }
        // The round is still to begin: with what the flush that is waited for will have freed, and not with another flush.
        next = 0;
        return false;
    }

    /** Whether it is worth another look: w2 of {@link WindowWaits}. */
    private boolean mayHaveRoom(final long frame) {
        return hash.find(frame) != KmapHash.NONE || report.used() < slots.count();
    }

    /** How many mappings so far had to wait for a slot. */
    long slotWaits() {
        return waits.counted();
    }

    /** How many mappings of high frames were made so far; those that joined one are not counted. */
    long highMaps() {
        lock.lock();
        try {
            return highMaps;
        } finally {
            lock.unlock();
        }
    }

    private ExhaustedException timedOut(final long frame) {
        return new ExhaustedException(ExhaustedException.Resource.KMAP_WINDOW,
            "no slot of the kmap window became free in time: frame=" + frame + " slots=" + slots.count() + report.describeHolders());
    }
}
