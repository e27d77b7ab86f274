package org.vellum.frame;

import java.util.concurrent.atomic.AtomicReferenceArray;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.SpinLock;
import org.vellum.mem.Pages;
import org.vellum.report.Events;

/**
 * Banks come and go here, under the growth lock: absent → present → detached → absent.
 *
 * <p>Order of locks: growth before buddy. The JVM zeroes a new bank, which takes tens of milliseconds, so the buddy's
 * lock is not held meanwhile, and others go on freeing and allocating what is free.
 */
final class Banks {
    private static final int PATIENCE = 20_000;
    private static final long RETRY_NANOS = 1_000_000_000L;

    private final Cpus cpus;
    private final SpinLock growth;
    private final PhysicalMemory memory;
    private final FrameTable table;
    private final Buddy buddy;
    private final Counters counters;
    private final Events events;

    /** Detached banks by number, which wait for their grace period. Set under the growth lock, taken by anyone. */
    private final AtomicReferenceArray<Detached> detached;

    /**
     * A bank that waits, and the ticket of the one who will release it: that it was taken back and detached anew meanwhile must not pass unseen,
     * for then the grace period is another one's.
     */
    private record Detached(MemoryBank bank, long ticket) {
    }

    /** How often each bank was detached. Under the growth lock. */
    private final int[] detachments;

    /** Grows with each bank added; written under the growth lock. */
    private volatile long added;

    /** The most bytes that were ever present. Written under the growth lock. */
    private volatile long mostPresentBytes;
    private volatile String refusal;
    private long refusedNanos;

    /** Banks up to this number have records in the buddy. Under the growth lock. */
    private int prepared;

    Banks(
        final Cpus cpus,
        final PhysicalMemory memory,
        final FrameTable table,
        final Buddy buddy,
        final Counters counters,
        final Events events) {
        this.cpus = cpus;
        growth = new SpinLock(cpus);
        this.memory = memory;
        this.table = table;
        this.buddy = buddy;
        this.counters = counters;
        this.events = events;
        detached = new AtomicReferenceArray<>(memory.bankLimit());
        detachments = new int[memory.bankLimit()];
    }

    /** @return a count to hand to {@link #add}, read before looking for a free block. */
    long added() {
        return added;
    }

    long mostPresentBytes() {
        return mostPresentBytes;
    }

    /** @return banks that were taken from the JVM and not given back: those present, and those that wait for their release. */
    long held() {
        return counters.events(FrameEvent.BANK_ADDED) - counters.events(FrameEvent.BANK_RELEASED);
    }

    /** @return why the JVM refused the last bank, or null. */
    String refusal() {
        return refusal;
    }

    /**
     * Adds the lowest absent bank, unless somebody else has added one since {@code seen}.
     *
     * @param patient whether to wait for another thread that is adding one: see {@link #lockGrowth}.
     * @return whether it is worth looking for a free block again.
     */
    boolean add(final long seen, final boolean patient) {
        if (!(patient ? lockGrowth() : growth.tryLock())) {
            return added != seen;
        }
        MemoryBank made = null;
        final boolean worthwhile;
        try {
            if (added == seen && !takeBack()) {
                made = addNew();
            }
            worthwhile = added != seen;
        } finally {
            growth.unlock();
        }
        if (made != null) {
            events.bankAdded(made.number(), bytes(made), memory.presentBytes());
        }
        return worthwhile;
    }

    private static long bytes(final MemoryBank bank) {
        return bank.frames() << Pages.SHIFT;
    }

    /** A bank that waits for its release is as good as a new one: nobody used it, and nobody but a stale reader can look. */
    private boolean takeBack() {
        for (int number = 1; number < memory.bankLimit(); number++) {
            // Exchange: partner of the one in release(); whoever gets the bank decides what becomes of it.
            final Detached there = detached.get(number) == null ? null : detached.getAndSet(number, null);
            if (there != null) {
                serve(there.bank);
                counters.count(FrameEvent.BANK_TAKEN_BACK);
                return true;
            }
        }
        return false;
    }

    /** Null if there is no number left, or the JVM refuses. */
    private MemoryBank addNew() {
        final int number = lowestAbsent();
        if (number < 0 || refusal != null && System.nanoTime() - refusedNanos < RETRY_NANOS) {
            return null;
        }
        final MemoryBank bank;
        try {
            bank = new MemoryBank(number, memory.bankShift());
        } catch (final OutOfMemoryError e) {
            // Remembered for a moment: each refusal costs the JVM a collection and half a second of waiting.
            refusal = "the JVM refused a bank of " + (Pages.SIZE << memory.bankShift())
                + " bytes with " + memory.presentBytes() + " bytes present: raise -XX:MaxDirectMemorySize ("
                + e.getMessage() + ")";
            refusedNanos = System.nanoTime();
            counters.count(FrameEvent.BANK_REFUSED);
            return null;
        }
        refusal = null;
        if (number > prepared) {
            buddy.prepare(bank);
            prepared = number;
        }
        serve(bank);
        counters.count(FrameEvent.BANK_ADDED);
        return bank;
    }

    private void serve(final MemoryBank bank) {
        table.clear(bank);
        table.putWord(bank.firstFrame(), FrameWord.cached(memory.bankShift()));
        memory.add(bank);
        // Given as if a list had held it: if the buddy is busy, the bank waits on the overflow stack.
        buddy.giveOrPush(bank.firstFrame(), bank.firstFrame(), bank.frames());
        counters.addServedFrames(bank.frames());
        mostPresentBytes = Math.max(mostPresentBytes, memory.presentBytes());
        added++;
    }

    private long bankFrames() {
        return 1L << memory.bankShift();
    }

    /** Parks outside sections, else tries for as long as a large bank may take. */
    private boolean lockGrowth() {
        for (int i = 0; i < PATIENCE; i++) {
            if (growth.tryLock()) {
                return true;
            }
            if (!cpus.inSection()) {
                growth.lock();
                return true;
            }
            Thread.yield();
        }
        return false;
    }

    /**
     * Whether a bank may be on its way. Who has read {@link #added} before, finds nobody here, and reads it again, misses none: it grows
     * before the lock is let go.
     */
    boolean growing() {
        return growth.isHeld();
    }

    /** Waits until no bank is being added: parked; inside a section of the caller's without parking, and for so long only. */
    void awaitGrowth() {
        if (lockGrowth()) {
            growth.unlock();
        }
    }

    private int lowestAbsent() {
        for (int number = 1; number < memory.bankLimit(); number++) {
            if (memory.bank(number) == null && detached.get(number) == null) {
                return number;
            }
        }
        return -1;
    }

    /** @return the ticket of a wholly free bank, now out of the buddy and untranslatable, or -1. */
    long detach() {
        if (!lockGrowth()) {
            return -1;
        }
        try {
            if (!buddy.lock()) {
                return -1;
            }
            final int number;
            try {
                // Before, and back if there is none: a bank that is just being taken out would look used.
                counters.addServedFrames(-bankFrames());
                number = buddy.remove();
                counters.addServedFrames(number < 0 ? bankFrames() : 0);
            } finally {
                buddy.unlock();
            }
            return number < 0 ? number : detach(memory.bank(number));
        } finally {
            growth.unlock();
        }
    }

    private long detach(final MemoryBank bank) {
        final int number = bank.number();
        final long ticket = (long)(detachments[number]++ & Integer.MAX_VALUE) << Integer.SIZE | number;
        // Detached before it is removed, so that no moment makes its number look absent.
        detached.set(number, new Detached(bank, ticket));
        memory.remove(bank);
        counters.count(FrameEvent.BANK_DETACHED);
        return ticket;
    }

    /**
     * Gives the memory of a detached bank back; its number may be added again. Never waits.
     *
     * @return false if the bank is not detached, or no longer so: an allocation took it back, after which it may have been detached anew.
     */
    boolean release(final long ticket) {
        final int number = (int)ticket;
        final Detached there = number < 1 || number >= memory.bankLimit() ? null : detached.get(number);
        // CAS: of two releases of one bank, or a release and a taking back, one wins; partner: the exchange in takeBack().
        if (there == null || there.ticket != ticket || !detached.compareAndSet(number, there, null)) {
            return false;
        }
        final MemoryBank bank = there.bank;
        bank.release();
        refusal = null;
        counters.count(FrameEvent.BANK_RELEASED);
        events.bankReleased(number, bytes(bank), memory.presentBytes());
        return true;
    }
}
