package org.vellum.epoch;

import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.SlotCounter;
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
 * <p>Each slot with caches has a queue, in order of stamps, that only the slot's occupant touches ({@link LimboQueues}). Threads
 * on other slots, and what a poll could not finish, go to one shared stack: pushed by CAS, taken whole by one exchange, so that a
 * recycled record cannot be mistaken for its former self.
 *
 * <h2>Who releases</h2>
 * What a slot retired had best come back to that slot, whose caches hold it. So there are three ways: an occupant that needs
 * something takes a few of its own slot's ({@link #releaseOwn}); a drain takes what nobody looks after ({@link #drain}); and
 * {@link #poll} and {@link #pollAll} take whatever has passed.
 *
 * <p>Thread safety: all methods may be called by any thread, inside sections or out; none waits.
 */
public final class Limbo {
    private static final long EMPTY = LimboQueues.EMPTY;

    /** No release has begun. */
    private static final int NONE_BEGUN = -1;

    private final Epochs epochs;
    private final Releases releases;
    private final Cpus cpus;
    private final Words records;
    private final long strideWords;
    private final long linkWord;
    private final long stampWord;
    private final Release release;
    private final Listener listener;
    private final LimboQueues queues;
    private final Words shared = Words.zeroed(2L * CacheLine.STRIDE_WORDS);
    private final SlotCounter bytes;

    /**
     * @param epochs decides when a grace period has ended.
     * @param records the owner's records; token {@code t} has words {@code t * strideWords ...}.
     * @param strideWords words a record.
     * @param linkWord index within the record of the word that limbo links through.
     * @param stampWord index within the record of the word that limbo keeps the stamp in.
     * @param batchBytes how many bytes a slot may retire or release before the estimate knows, at least 1.
     * @param release what to do at the end.
     * @param listener hears of releases that throw.
     */
    public Limbo(
        final Epochs epochs, final Words records, final int strideWords, final int linkWord, final int stampWord,
        final long batchBytes, final Release release, final Listener listener) {
        this.epochs = epochs;
        this.cpus = epochs.cpus();
        releases = epochs.releases();
        this.records = records;
        this.strideWords = strideWords;
        this.linkWord = linkWord;
        this.stampWord = stampWord;
        this.release = release;
        this.listener = listener;
        queues = new LimboQueues(cpus, records, strideWords, linkWord, stampWord);
        bytes = new SlotCounter(cpus, batchBytes);
    }

    /**
     * Stamps a token and queues it. What it names must have been cleared before. Never waits, allocates or fails.
     *
     * @param cpu the slot that the caller occupies, or null if it could get none.
     * @param token not in limbo.
     */
    public void retire(final Cpu cpu, final long token) {
        StackReserve.ensure();
        final long size = release.bytes(token);
        bytes.add(cpu, size);
        final long record = token * strideWords;
        records.putPlain(record + linkWord, EMPTY);
        // The stamp carries the fence that makes the clear visible first (t2 in the package documentation).
        records.putOpaque(record + stampWord, epochs.stamp());
        if (cpu != null && cpu.carriesCaches()) {
            queues.append(cpu, token, size);
        } else {
            pushShared(token, token);
        }
    }

    private void pushShared(final long first, final long last) {
        long top;
        do {
            top = shared.getOpaque(0);
            records.putPlain(last * strideWords + linkWord, top);
            // CAS: releases the records; partner: the exchange in takeShared.
        } while (!shared.compareAndSet(0, top, first + 1));
    }

    /** @return bytes that are in limbo now, at least 0; exact while nobody retires or releases. */
    public long bytes() {
        // What is released on a slot that is read late may have been retired on one that was read early.
        return Math.max(0, bytes.sum());
    }

    /** @return the same for one load, off by less than a batch a slot. */
    public long bytesEstimate() {
        return bytes.estimate();
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
        final int released = releaseShared();
        final long horizon = epochs.refreshHorizon();
        return released + releaseLeaving(cpus.tryEnter(), horizon);
    }

    /**
     * Releases some of what has passed of the slot that the caller occupies, and wants to use. Asks for a flush itself once the
     * slot has gathered enough for one.
     *
     * @param cpu that slot, handed on to the release.
     * @param most how many tokens at most.
     * @param flushBytes how many bytes of the slot are worth a flush.
     * @return how many were released.
     */
    public int releaseOwn(final Cpu cpu, final int most, final long flushBytes) {
        if (!cpu.carriesCaches()) {
            return 0;
        }
        queues.noteOwn(cpu);
        long horizon = epochs.horizon();
        if (!queues.oldestHasPassed(cpu, horizon)) {
            if (queues.oldest(cpu.index()) == EMPTY) {
                return 0;
            }
            if (queues.bytes(cpu) >= flushBytes) {
                // The caller's own section began before this flush: it profits next time.
                advanceIfNew(cpu.index());
            }
            horizon = epochs.refreshHorizon();
            if (!queues.oldestHasPassed(cpu, horizon)) {
                return 0;
            }
        }
        // The slot tells of it, being occupied, but not that something has come back.
        final int begun = releases.begin();
        try {
            return releaseAll(cpu, queues.detach(cpu, horizon, most, release));
        } finally {
            releases.end(begun);
        }
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
        return releasePassedOfOthers(-1);
    }

    /**
     * {@link #releasePassedOfAll()} that leaves those slots alone which take from their queues themselves.
     *
     * @param mostBytes how long such a queue may be.
     * @return how many tokens were released.
     */
    public int drain(final long mostBytes) {
        return releasePassedOfOthers(mostBytes);
    }

    private int releasePassedOfOthers(final long mostBytes) {
        StackReserve.ensureOperation();
        final long horizon = epochs.refreshHorizon();
        final long nanos = mostBytes < 0 ? 0 : System.nanoTime();
        int released = releaseShared();
        for (int i = 0; i < cpus.usedCachedSlots(); i++) {
            if (queues.oldest(i) != EMPTY && (mostBytes < 0 || !queues.looksAfterItself(i, mostBytes, nanos))) {
                released += releaseLeaving(visit(i), horizon);
            }
        }
        if (released == 0 && bytes() > 0) {
            epochs.heldUp();
        }
        return released;
    }

    /** A peek without occupying: a record recycled meanwhile costs at most one flush too many or too few. */
    private void advanceIfNew(final int slot) {
        final long first = queues.oldest(slot);
        if (first == EMPTY) {
            return;
        }
        final long stamp = records.getOpaque((first - 1) * strideWords + stampWord);
        if (stamp == epochs.now()) {
            epochs.advanceFrom(stamp);
        }
    }

    /** The caller's own slot or another idle one, occupied; or null. */
    private Cpu visit(final int slot) {
        final Cpu own = cpus.current();
        return own != null && own.index() == slot ? cpus.enter(own) : cpus.tryVisit(slot);
    }

    /** Releases what has passed of a slot that the caller occupies, if it has got any, and leaves it first: releases may wait for locks. */
    private int releaseLeaving(final Cpu cpu, final long horizon) {
        if (cpu == null) {
            return 0;
        }
        int begun = NONE_BEGUN;
        try {
            long chain = EMPTY;
            try {
                if (cpu.carriesCaches() && queues.oldestHasPassed(cpu, horizon)) {
                    begun = releases.begin();
                    chain = queues.detach(cpu, horizon, Integer.MAX_VALUE, release);
                }
            } finally {
                cpu.exit();
            }
            return releaseAll(null, chain);
        } finally {
            if (begun != NONE_BEGUN) {
                releases.end(begun);
            }
        }
    }

    private int releaseShared() {
        if (shared.getOpaque(0) == EMPTY) {
            return 0;
        }
        final int begun = releases.begin();
        try {
            return releaseAll(null, takeShared());
        } finally {
            releases.end(begun);
        }
    }

    /** Takes the shared stack whole, keeps what has passed and puts the rest back. Returns the first kept + 1. */
    private long takeShared() {
        // Exchange: acquires the records; partner: the CAS in pushShared.
        long next = shared.getAndSet(0, EMPTY);
        long kept = EMPTY;
        while (next != EMPTY) {
            final long token = next - 1;
            next = LimboQueues.next(records.getPlain(token * strideWords + linkWord));
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
    private int releaseAll(final Cpu own, final long chain) {
        int released = 0;
        long next = chain;
        try {
            while (next != EMPTY) {
                final long token = next - 1;
                next = LimboQueues.next(records.getPlain(token * strideWords + linkWord));
                if (releaseOne(own, token)) {
                    released++;
                }
            }
        } finally {
            while (next != EMPTY) {
                final long token = next - 1;
                next = LimboQueues.next(records.getPlain(token * strideWords + linkWord));
                pushShared(token, token);
            }
        }
        return released;
    }

    private boolean releaseOne(final Cpu own, final long token) {
        final long size = release.bytes(token);
        boolean done = false;
        try {
            done = release.release(own, token);
        } catch (final RuntimeException | Error e) {
            report(token, e);
        }
        if (done) {
            bytes.add(own, -size);
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
