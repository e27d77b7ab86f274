package org.vellum.alloc;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.mem.Words;

/**
 * What each slot keeps of each budget: bytes that are reserved up the tree and charged to nothing yet.
 *
 * <pre>
 *   one row a slot that carries caches:   [ slack of budget 0 | of budget 1 | ... | of budget 249 | unused ]   256 words
 * </pre>
 *
 * A row belongs to whoever occupies the slot, so its words need no atomics; 2 KiB a slot for all budgets together, made when the
 * first of them is charged or has a child. Others only look, to sum up and to see whether a visit is worth it: opaque at least.
 *
 * <p>Thread safety: any thread, but methods that take a {@link Cpu} are for its occupant; nothing waits.
 */
final class Slack {
    static final int ROW_WORDS_SHIFT = 8;
    static final int ROW_BYTES_SHIFT = ROW_WORDS_SHIFT + 3;

    private final Cpus cpus;
    private final Budgets budgets;
    private final AtomicReference<Words> rows = new AtomicReference<>();

    /** How often slack of a slot was given back because a limit was near; for tests. */
    final AtomicLong collections = new AtomicLong();

    Slack(final Cpus cpus, final Budgets budgets) {
        this.cpus = cpus;
        this.budgets = budgets;
    }

    /** Makes the rows if nobody has yet; returns where the first slot's word of the budget is. */
    long make(final int id) {
        if (rows.get() == null) {
            // Of two that make them at once one wins; the other's are the collector's.
            rows.compareAndSet(null, Words.zeroed((long)cpus.cachedSlots() << ROW_WORDS_SHIFT));
        }
        return rows.get().address(id);
    }

    private static long word(final int slot, final int id) {
        return ((long)slot << ROW_WORDS_SHIFT) + id;
    }

    long get(final Cpu cpu, final int id) {
        final Words words = rows.get();
        return words == null || !cpu.carriesCaches() ? 0 : words.getPlain(word(cpu.index(), id));
    }

    void put(final Cpu cpu, final int id, final long bytes) {
        // Opaque: partner of the peeks below.
        rows.get().putOpaque(word(cpu.index(), id), bytes);
    }

    void putRelease(final Cpu cpu, final int id, final long bytes) {
        // Release, after an announcement: partner of the acquire in peek().
        rows.get().putRelease(word(cpu.index(), id), bytes);
    }

    /** A look from outside, exact while nobody occupies the slot. */
    long peek(final int slot, final int id) {
        final Words words = rows.get();
        // Acquire: partner of the releases in giveBack() and putRelease(): who finds the slack gone finds its giver announced, too.
        return words == null ? 0 : words.getAcquire(word(slot, id));
    }

    /** What all slots hold of one budget; exact in a quiet system. */
    long of(final int id) {
        long sum = 0;
        for (int slot = 0, n = cpus.usedCachedSlots(); slot < n; slot++) {
            sum += peek(slot, id);
        }
        return sum;
    }

    /** What all slots hold of a budget and all below it; exact in a quiet system. */
    long under(final Budget top) {
        long sum = 0;
        for (int id = 0, n = budgets.idsInUse(); id < n; id++) {
            final Budget budget = budgets.byIdOrNull(id);
            if (budget != null && budget.isWithin(top)) {
                sum += of(id);
            }
        }
        return sum;
    }

    /**
     * Gives the slack of a budget and all below it back, as far as it is on slots that nobody occupies, or the caller does.
     *
     * @return how many bytes that were.
     */
    long collect(final Budget top) {
        long bytes = 0;
        final Cpu own = cpus.current();
        for (int slot = 0, n = cpus.usedCachedSlots(); slot < n; slot++) {
            // A peek first: a visit drives the slot's own threads away.
            if (holdsSlackOf(slot, top)) {
                bytes += collectFrom(slot, own, top);
            }
        }
        return bytes;
    }

    private boolean holdsSlackOf(final int slot, final Budget top) {
        for (int id = 0, n = budgets.idsInUse(); id < n; id++) {
            if (isOf(slot, id, top)) {
                return true;
            }
        }
        return false;
    }

    private boolean isOf(final int slot, final int id, final Budget top) {
        if (peek(slot, id) == 0) {
            return false;
        }
        final Budget budget = budgets.byIdOrNull(id);
        return budget != null && budget.isWithin(top);
    }

    private long collectFrom(final int slot, final Cpu own, final Budget top) {
        final Cpu cpu = own != null && own.index() == slot ? cpus.enter(own) : visit(slot);
        if (cpu == null) {
            return 0;
        }
        long bytes = 0;
        try {
            for (int id = 0, n = budgets.idsInUse(); id < n; id++) {
                if (isOf(slot, id, top)) {
                    bytes += giveBack(slot, budgets.byIdOrNull(id));
                }
            }
        } finally {
            cpu.exit();
        }
        collections.incrementAndGet();
        return bytes;
    }

    /** The slot, or null if it is busy: or if the memory is closed, which lets nobody in; the slack has no use any more then. */
    private Cpu visit(final int slot) {
        try {
            return cpus.tryVisit(slot);
        } catch (final IllegalStateException e) {
            return null;
        }
    }

    /** By the occupant. Announced throughout: the bytes are free, yet in no word where who is being refused would find them. */
    private long giveBack(final int slot, final Budget budget) {
        final Words words = rows.get();
        final long at = word(slot, budget.id());
        final long bytes = words.getPlain(at);
        Reservation.beginAll(budget);
        // Release, after the announcement: partner of the acquire in peek().
        words.putRelease(at, 0);
        Reservation.giveBack(budget, bytes);
        Reservation.settleMovedAll(budget);
        return bytes;
    }
}
