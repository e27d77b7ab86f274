package org.vellum.epoch;

import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.StackReserve;
import org.vellum.mem.CacheLine;
import org.vellum.mem.Words;
import org.vellum.report.Listener;

/**
 * Where retired things wait for their grace period.
 *
 * <p>A token is the number of a record that its owner keeps in {@link Words}; limbo uses two words of the record, a link and
 * the stamp, and needs no memory of its own. So retiring cannot fail, and no byte of the retired thing itself is written.
 *
 * <p>Each slot with caches has a queue, in order of stamps, that only the slot's occupant touches. Threads on other slots,
 * and what a poll could not finish, go to one shared stack: pushed by CAS, taken whole by one exchange, so that a recycled
 * record cannot be mistaken for its former self.
 *
 * <pre>
 *   queue of a slot, two cache lines:   [ first + 1 | last + 1 | count | ... ]     0 = empty
 * </pre>
 *
 * <p>Thread safety: all methods may be called by any thread, inside sections or out; none waits.
 */
public final class Limbo {
    private static final int FIRST = 0;
    private static final int LAST = 1;
    private static final long EMPTY = 0;

    private final Epochs epochs;
    private final Cpus cpus;
    private final Words records;
    private final long strideWords;
    private final long linkWord;
    private final long stampWord;
    private final Release release;
    private final Listener listener;
    private final Words queues;
    private final Words shared = Words.zeroed(2L * CacheLine.STRIDE_WORDS);
    private final Words bytes = Words.zeroed(2L * CacheLine.STRIDE_WORDS);

    /**
     * @param epochs decides when a grace period has ended.
     * @param records the owner's records; token {@code t} has words {@code t * strideWords ...}.
     * @param strideWords words a record.
     * @param linkWord index within the record of the word that limbo links through.
     * @param stampWord index within the record of the word that limbo keeps the stamp in.
     * @param release what to do at the end.
     * @param listener hears of releases that throw.
     */
    public Limbo(
        final Epochs epochs, final Words records, final int strideWords, final int linkWord, final int stampWord,
        final Release release, final Listener listener) {
        this.epochs = epochs;
        this.cpus = epochs.cpus();
        this.records = records;
        this.strideWords = strideWords;
        this.linkWord = linkWord;
        this.stampWord = stampWord;
        this.release = release;
        this.listener = listener;
        queues = Words.zeroed((long)cpus.cachedSlots() * CacheLine.STRIDE_WORDS);
    }

    /**
     * Stamps a token and queues it. What it names must have been cleared before. Never waits, allocates or fails.
     *
     * @param cpu the slot that the caller occupies, or null if it could get none.
     * @param token not in limbo.
     */
    public void retire(final Cpu cpu, final long token) {
        StackReserve.ensure();
        bytes.getAndAdd(0, release.bytes(token));
        final long record = token * strideWords;
        records.putPlain(record + linkWord, EMPTY);
        // The stamp carries the fence that makes the clear visible first (t2 in the package documentation).
        records.putOpaque(record + stampWord, epochs.stamp());
        if (cpu != null && cpu.carriesCaches()) {
            append(cpu, token);
        } else {
            pushShared(token, token);
        }
    }

    private void append(final Cpu cpu, final long token) {
        final long queue = (long)cpu.index() * CacheLine.STRIDE_WORDS;
        final long last = queues.getPlain(queue + LAST);
        if (last == EMPTY) {
            queues.putOpaque(queue + FIRST, token + 1);
        } else {
            records.putPlain((last - 1) * strideWords + linkWord, token + 1);
        }
        queues.putPlain(queue + LAST, token + 1);
    }

    private void pushShared(final long first, final long last) {
        long top;
        do {
            top = shared.getOpaque(0);
            records.putPlain(last * strideWords + linkWord, top);
            // CAS: releases the records; partner: the exchange in takeShared.
        } while (!shared.compareAndSet(0, top, first + 1));
    }

    /** @return bytes that are in limbo now. */
    public long bytes() {
        return bytes.getOpaque(0);
    }

    /**
     * Releases what has passed of the caller's own slot and of the shared stack, advancing the clock if the oldest token
     * still bears the current epoch.
     *
     * @return how many tokens were released.
     */
    public int poll() {
        final Cpu own = cpus.tryEnter();
        if (own != null) {
            final int index = own.index();
            own.exit();
            if (index < cpus.cachedSlots()) {
                advanceIfNew(index);
            }
        }
        return releasePassed();
    }

    /**
     * {@link #poll()} by an owner that paces the flushes itself: does not advance the clock for the slot's tokens.
     *
     * @return how many tokens were released.
     */
    public int releasePassed() {
        StackReserve.ensureOperation();
        // The shared stack first: what this poll fails to release goes there, and is not tried twice.
        return releaseAll(takeShared()) + releaseAll(takeOwn(epochs.refreshHorizon()));
    }

    /**
     * Releases what has passed of every slot that is idle or the caller's own.
     *
     * @return how many tokens were released.
     */
    public int pollAll() {
        StackReserve.ensureOperation();
        for (int i = 0; i < cpus.usedCachedSlots(); i++) {
            advanceIfNew(i);
        }
        return releasePassedOfAll();
    }

    /**
     * {@link #pollAll()} by an owner that paces the flushes itself: does not advance the clock for the slots' tokens.
     *
     * @return how many tokens were released.
     */
    public int releasePassedOfAll() {
        StackReserve.ensureOperation();
        final long horizon = epochs.refreshHorizon();
        int released = releaseAll(takeShared()) + releaseAll(takeOwn(horizon));
        for (int i = 0; i < cpus.usedCachedSlots(); i++) {
            // Opaque peek: an empty-looking queue is at worst visited by the next poll.
            if (queues.getOpaque((long)i * CacheLine.STRIDE_WORDS + FIRST) != EMPTY) {
                released += releaseAll(takeVisited(i, horizon));
            }
        }
        if (released == 0 && bytes() > 0) {
            epochs.heldUp();
        }
        return released;
    }

    /** A peek without occupying: a record recycled meanwhile costs at most one flush too many or too few. */
    private void advanceIfNew(final int slot) {
        final long first = queues.getOpaque((long)slot * CacheLine.STRIDE_WORDS + FIRST);
        if (first == EMPTY) {
            return;
        }
        final long stamp = records.getOpaque((first - 1) * strideWords + stampWord);
        if (stamp == epochs.now()) {
            epochs.advanceFrom(stamp);
        }
    }

    private long takeOwn(final long horizon) {
        final Cpu cpu = cpus.tryEnter();
        if (cpu == null) {
            return EMPTY;
        }
        try {
            return cpu.carriesCaches() ? detach(cpu, horizon) : EMPTY;
        } finally {
            cpu.exit();
        }
    }

    private long takeVisited(final int slot, final long horizon) {
        final Cpu cpu = cpus.tryVisit(slot);
        if (cpu == null) {
            return EMPTY;
        }
        try {
            return detach(cpu, horizon);
        } finally {
            cpu.exit();
        }
    }

    /** Cuts off the queue's oldest tokens, those stamped before the horizon. Returns the first + 1. */
    private long detach(final Cpu cpu, final long horizon) {
        final long queue = (long)cpu.index() * CacheLine.STRIDE_WORDS;
        final long first = queues.getPlain(queue + FIRST);
        long passed = EMPTY;
        long next = first;
        while (next != EMPTY && horizon - records.getPlain((next - 1) * strideWords + stampWord) > 0) {
            passed = next;
            next = records.getPlain((next - 1) * strideWords + linkWord);
        }
        if (passed == EMPTY) {
            return EMPTY;
        }
        records.putPlain((passed - 1) * strideWords + linkWord, EMPTY);
        queues.putOpaque(queue + FIRST, next);
        if (next == EMPTY) {
            queues.putPlain(queue + LAST, EMPTY);
        }
        return first;
    }

    /** Takes the shared stack whole, keeps what has passed and puts the rest back. Returns the first kept + 1. */
    private long takeShared() {
        if (shared.getOpaque(0) == EMPTY) {
            return EMPTY;
        }
        // Exchange: acquires the records; partner: the CAS in pushShared.
        long next = shared.getAndSet(0, EMPTY);
        long kept = EMPTY;
        while (next != EMPTY) {
            final long token = next - 1;
            next = records.getPlain(token * strideWords + linkWord);
            final long stamp = records.getPlain(token * strideWords + stampWord);
            if (stamp == epochs.now()) {
                epochs.advanceFrom(stamp);
            }
            if (epochs.hasPassed(stamp)) {
                records.putPlain(token * strideWords + linkWord, kept);
                kept = token + 1;
            } else {
                pushShared(token, token);
            }
        }
        return kept;
    }

    /** Releases a chain; whatever happens, the part not reached goes back to limbo. */
    private int releaseAll(final long chain) {
        int released = 0;
        long next = chain;
        try {
            while (next != EMPTY) {
                final long token = next - 1;
                next = records.getPlain(token * strideWords + linkWord);
                if (releaseOne(token)) {
                    released++;
                }
            }
        } finally {
            while (next != EMPTY) {
                final long token = next - 1;
                next = records.getPlain(token * strideWords + linkWord);
                pushShared(token, token);
            }
        }
        return released;
    }

    private boolean releaseOne(final long token) {
        final long size = release.bytes(token);
        boolean done = false;
        try {
            done = release.release(token);
        } catch (final RuntimeException | Error e) {
            report(token, e);
        }
        if (done) {
            bytes.getAndAdd(0, -size);
        } else {
            pushShared(token, token);
        }
        return done;
    }

    private void report(final long token, final Throwable error) {
        try {
            listener.releaseFailed(release.kind(), token, error);
        } catch (final RuntimeException | Error ignored) {
            // A listener that throws must not stop the other releases.
        }
    }
}
