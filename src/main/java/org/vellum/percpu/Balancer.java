package org.vellum.percpu;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.vellum.cpu.StackReserve;
import org.vellum.cpu.Worker;
import org.vellum.report.ExhaustedException;

/**
 * What nobody who allocates or frees should have to wait for: chunks that are spare are ended, pages that nobody uses are given back, and a
 * few are kept ready for those that cannot wait.
 *
 * <p>Each step is one chunk under the mutex, so whoever allocates meanwhile waits for one at most. It takes memory only to keep it ready, and
 * nobody who fights for memory calls it: what runs out here has simply run out.
 *
 * <p>Whoever finds that a balance is due asks for it, and need not again before it begins:
 * <pre>
 *   T1 (asks)                                   T2 (balances)
 *   a1: change, under the lock                  b1: asked := false
 *   a2: CAS asked: false → true, then request   b2: look, under the lock
 * </pre>
 * If a2 finds it set, then b1 is yet to come, and b2 sees the change. The memory's worker does it; without one the next allocation that may
 * wait.
 */
final class Balancer {
    /** How long the worker waits for one grace period before it looks after other requests. */
    private static final long WORKER_NANOS = 10_000_000L;

    private final Foundation below;
    private final Worker worker;
    private final ChunkSupply supply;
    private final Chunks chunks;
    private final Runnable onWorker = this::balanceOnWorker;
    private final Runnable freePassed = this::freePassedOnWorker;
    private final AtomicBoolean asked = new AtomicBoolean();
    private final AtomicBoolean failed = new AtomicBoolean();
    private final AtomicLong balances = new AtomicLong();

    Balancer(final Foundation below, final Worker worker, final ChunkSupply supply) {
        this.below = below;
        this.worker = worker;
        this.supply = supply;
        chunks = supply.chunks;
    }

    /** Asks for a balance. Never waits. */
    void ask() {
        if (!asked.get() && asked.compareAndSet(false, true) && worker != null && !worker.request(onWorker)) {
            asked.set(false);
        }
    }

    /** Asks for one that makes as many pages ready as it ever does: somebody could not wait, and there was nothing for him. Never waits. */
    void askAfterFailure() {
        failed.set(true);
        ask();
    }

    /** Does what was asked for where there is no worker to do it. Outside sections. */
    void beforeAllocation() {
        if (worker == null && asked.get()) {
            balance();
            supply.pending.poll(true);
        }
    }

    private void balanceOnWorker() {
        balance();
        freePassedOnWorker();
    }

    /** What a reader holds back is asked for again. */
    private void freePassedOnWorker() {
        if (supply.pending.frames() > 0) {
            below.epochs().awaitPassed(below.epochs().stamp(), WORKER_NANOS);
            supply.pending.poll(true);
            if (supply.pending.frames() > 0) {
                worker.request(freePassed);
            }
        }
    }

    /**
     * Balances. Outside sections; waits for no grace period. Afterwards no more than one chunk is all free, if nobody frees meanwhile; whoever
     * frees a second one asks for the next.
     *
     * @return how many frames were unmapped.
     */
    int balance() {
        StackReserve.ensureOperations();
        asked.set(false);
        int frames = endSpares();
        for (int unmapped = depopulateNext(); unmapped >= 0; unmapped = depopulateNext()) {
            frames += unmapped;
        }
        frames += endSpares();
        refill();
        balances.incrementAndGet();
        return frames;
    }

    /**
     * Ends chunks all of which is free, but one. Before anything is depopulated, so that their pages count for no reserve; and again before
     * the refill, which would make pages ready in one that is to go: depopulation brings back whatever was freed while it was isolated, with
     * the pages that the reserve was too low to do without.
     */
    private int endSpares() {
        int frames = 0;
        for (int unmapped = endSpare(); unmapped >= 0; unmapped = endSpare()) {
            frames += unmapped;
        }
        return frames;
    }

    /** How many frames it unmapped; -1 if there was nothing to do. */
    private int endSpare() {
        supply.mutex.lock();
        try {
            final Chunk spare = supply.isClosed() ? null : claimSpare();
            if (spare == null) {
                return -1;
            }
            supply.end(spare);
            return spare.populatedPages * supply.population.slots();
        } finally {
            supply.mutex.unlock();
        }
    }

    private Chunk claimSpare() {
        supply.lock.lock();
        try {
            return chunks.claimSpare();
        } finally {
            supply.lock.unlock();
        }
    }

    /** Depopulates a chunk. How many frames it unmapped; -1 if there was none. */
    private int depopulateNext() {
        supply.mutex.lock();
        try {
            final Chunk chunk = supply.isClosed() ? null : toDepopulate();
            return chunk == null ? -1 : depopulate(chunk);
        } finally {
            supply.mutex.unlock();
        }
    }

    private Chunk toDepopulate() {
        supply.lock.lock();
        try {
            return chunks.slots.first(chunks.slots.toDepopulate());
        } finally {
            supply.lock.unlock();
        }
    }

    /**
     * From its end backwards, so that what stays lies at the beginning, where the next allocation looks first; as long as there are pages enough
     * elsewhere for those that cannot wait. All of it shares one grace period.
     */
    private int depopulate(final Chunk chunk) {
        final FrameBatch batch = supply.population.batchFor(chunk);
        try {
            for (long run = nextEmptyRun(chunk, chunk.pages); run != 0; run = nextEmptyRun(chunk, startOf(run))) {
                supply.depopulate(chunk, startOf(run), endOf(run), batch);
            }
        } finally {
            supply.pending.add(batch);
        }
        return batch.count;
    }

    private static int startOf(final long run) {
        return (int)(run >>> Integer.SIZE);
    }

    private static int endOf(final long run) {
        return (int)run;
    }

    /**
     * The last run of empty pages below {@code page}, or else of all: they stay empty, since the chunk is isolated, while others may become
     * so.
     *
     * @return its start and its end; 0 if nothing is to go any more, and the chunk has been put where it belongs now.
     */
    private long nextEmptyRun(final Chunk chunk, final int page) {
        supply.lock.lock();
        try {
            final boolean low = chunks.emptyPages() < Chunks.EMPTY_PAGES_HIGH && chunk.emptyPages > 0;
            int end = low || chunk.emptyPages == 0 ? 0 : chunk.emptyEnd(page);
            if (end == 0 && !low && chunk.emptyPages > 0) {
                end = chunk.emptyEnd(chunk.pages);
            }
            if (end > 0) {
                return (long)chunk.emptyStart(end) << Integer.SIZE | end;
            }
            if (low || chunk.map.isEmpty()) {
                chunks.reintegrate(chunk);
            } else {
                chunks.sideline(chunk);
            }
            return 0;
        } finally {
            supply.lock.unlock();
        }
    }

    /** Makes pages ready for those that cannot wait: as far as memory goes, without a fight for it. */
    private void refill() {
        supply.mutex.lock();
        try {
            int missing = supply.isClosed() ? 0 : missingPages();
            while (missing > 0) {
                final Chunk chunk = findUnpopulated();
                final int from = chunk == null ? 0 : chunk.nextUnpopulated(0, chunk.pages);
                final int to = chunk == null ? 0 : chunk.nextPopulated(from, Math.min(chunk.pages, from + missing));
                if (chunk == null && hasSpare()) {
                    // All of it is ready: nobody can want more at a time.
                    return;
                } else if (chunk == null) {
                    supply.addChunk();
                } else if (!supply.populate(chunk, from, to)) {
                    return;
                }
                missing -= to - from;
            }
        } catch (final ExhaustedException e) {
            // The window has no room for another chunk: whoever needs one for sure will be told.
            return;
        } finally {
            supply.mutex.unlock();
        }
    }

    private int missingPages() {
        supply.lock.lock();
        try {
            final long missing = Chunks.EMPTY_PAGES_HIGH - (failed.getAndSet(false) ? 0 : chunks.emptyPages());
            return (int)Math.max(0, missing);
        } finally {
            supply.lock.unlock();
        }
    }

    private boolean hasSpare() {
        supply.lock.lock();
        try {
            return chunks.hasSpare();
        } finally {
            supply.lock.unlock();
        }
    }

    private Chunk findUnpopulated() {
        supply.lock.lock();
        try {
            return chunks.findUnpopulated();
        } finally {
            supply.lock.unlock();
        }
    }

    /** Ends all chunks but the first, whatever is allocated there, and balances no more. Outside sections. */
    void endAll() {
        supply.mutex.lock();
        try {
            supply.close();
            for (Chunk chunk = claimAny(); chunk != null; chunk = claimAny()) {
                supply.end(chunk);
            }
        } finally {
            supply.mutex.unlock();
        }
    }

    private Chunk claimAny() {
        supply.lock.lock();
        try {
            return chunks.claimAny();
        } finally {
            supply.lock.unlock();
        }
    }

    /** How often it has balanced. */
    long balances() {
        return balances.get();
    }

    /** For tests: whether a balance is asked for. */
    boolean isAsked() {
        return asked.get();
    }
}
