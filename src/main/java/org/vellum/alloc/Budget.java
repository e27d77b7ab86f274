package org.vellum.alloc;

import java.util.List;
import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.report.ExhaustedException;

/**
 * A limit on what is allocated, in a tree: what is charged to a budget counts in all its ancestors.
 *
 * <p>Every byte is charged to exactly one budget. A charge that would exceed the <em>hard limit</em> of the budget or of an ancestor is
 * refused. A charge that exceeds the <em>soft limit</em> goes on, and the budget's {@link Reclaim} is called once: at the next
 * allocation, outside locks and sections.
 *
 * <h2>What it costs</h2>
 * A slot takes a {@linkplain #batch() batch} from the tree at once and charges from what is left of it, its <em>slack</em>, with
 * plain loads and stores; it keeps at most two batches of each budget. {@link #used()} does not count slack, limits do: before a charge
 * is refused, the slack below the refusing budget is collected from all slots that nobody occupies. So a budget can be filled to
 * its last byte, but for two batches for each slot that somebody occupies during all of the refused charge and each budget below the
 * refusing one; a limit is never exceeded. Below 64 bytes of limit there is no slack. An allocation outside sections keeps trying for some
 * milliseconds if that is what it takes; inside a section nothing waits, and what is not known to be free counts as used.
 *
 * <p>Thread safety: all methods may be called by any thread, but those that take a {@link Cpu} only by its occupant. A charge that
 * races with {@link #close()} may be refused as if closed, and a close that races with a charge as if used.
 */
public final class Budget implements AutoCloseable {
    /** What a budget's owner does to free memory. */
    @FunctionalInterface
    public interface Reclaim {
        /**
         * Frees what can be spared. May allocate, from this budget too, and throw: that is reported to the listener.
         *
         * @param budget the one above its soft limit.
         * @param bytesWanted how much must go for the allocation at hand to stay at the soft limit, at least 1 byte.
         */
        void reclaim(Budget budget, long bytesWanted);
    }

    private static final long MAX_BATCH_BYTES = 64 << 10;
    /** A batch is at most this part of any limit on the way up: slots may hold two each. */
    private static final int BATCH_SHARE_SHIFT = 6;
    /** In place of the address: closed. No address is odd. */
    private static final long CLOSED = 1;
    private static final long NO_SLACK = 0;

    final BudgetWords words = new BudgetWords();
    /** Null without a callback. */
    final SoftLimit soft;

    private final Budgets budgets;
    private final Budget parent;
    private final int id;
    private final String name;
    private final long limit;
    private final long batch;

    /**
     * Where slot 0 has this budget's slack; or NO_SLACK before the root is first charged; or CLOSED. Volatile: the rows are zeroed
     * before, and for closing see {@link Reservation}.
     */
    private volatile long slackAddress;

    /** Live children, replaced as a whole under the registry's lock. */
    private volatile List<Budget> children = List.of();

    Budget(final Budgets budgets, final Budget parent, final int id, final String name, final Limits limits) {
        this.budgets = budgets;
        this.parent = parent;
        this.id = id;
        this.name = name;
        limit = limits.hard();
        batch = Math.min(parent == null ? MAX_BATCH_BYTES : parent.batch, limit >> BATCH_SHARE_SHIFT);
        soft = limits.callback() == null ? null : new SoftLimit(this, limits.soft(), limits.callback(), budgets.callbacksOwed);
        slackAddress = parent == null ? NO_SLACK : budgets.slack.make(id);
    }

    /** The limits of a budget; soft is hard where there is no callback. */
    record Limits(long hard, long soft, Reclaim callback) {
        static final Limits NONE = new Limits(Long.MAX_VALUE, Long.MAX_VALUE, null);
    }

    /**
     * A child with a hard limit only.
     *
     * @param childName not blank, without {@code '/'}, and not the name of another open child.
     * @param limitBytes hard limit in bytes, at least 1; may exceed what the ancestors allow, which count too.
     * @return the child.
     * @throws IllegalArgumentException if an argument is none of these.
     * @throws IllegalStateException if this budget is closed, or inside a section.
     * @throws ExhaustedException if there are {@link Budgets#MAX_CHILDREN} budgets below the root.
     */
    public Budget child(final String childName, final long limitBytes) {
        return budgets.open(this, childName, new Limits(limitBytes, limitBytes, null));
    }

    /**
     * A child with a hard and a soft limit.
     *
     * @param childName not blank, without {@code '/'}, and not the name of another open child.
     * @param limitBytes hard limit in bytes, at least 1; may exceed what the ancestors allow, which count too.
     * @param softLimitBytes soft limit in bytes, from 1 to the hard limit. If they are equal, it is what would exceed them that calls.
     * @param callback called once for each crossing of the soft limit, by whichever thread allocates then. It may be called again
     *     once what is reserved, slack included, has fallen to the soft limit.
     * @return the child.
     * @throws IllegalArgumentException if an argument is none of these.
     * @throws IllegalStateException if this budget is closed, or inside a section.
     * @throws ExhaustedException if there are {@link Budgets#MAX_CHILDREN} budgets below the root.
     */
    public Budget child(final String childName, final long limitBytes, final long softLimitBytes, final Reclaim callback) {
        if (callback == null) {
            throw new IllegalArgumentException("callback=null");
        }
        return budgets.open(this, childName, new Limits(limitBytes, softLimitBytes, callback));
    }

    /** @return the number that the allocator stores beside each object: 0 for the root, else 1..249; reused after a close. */
    public int id() {
        return id;
    }

    /** @return the name, unique among the open children of its parent. */
    public String name() {
        return name;
    }

    /** @return the names from the root down, as in {@code memory/cache/index}. */
    public String path() {
        return parent == null ? name : parent.path() + "/" + name;
    }

    /** @return the budget above, or null for the root. */
    public Budget parent() {
        return parent;
    }

    /** @return the open children at this moment, in the order of their making; not modifiable. */
    public List<Budget> children() {
        return children;
    }

    /** @return the hard limit in bytes; {@link Long#MAX_VALUE} for the root. */
    public long limit() {
        return limit;
    }

    /** @return the soft limit in bytes; the hard one where there is no callback. */
    public long softLimit() {
        return soft == null ? limit : soft.limit();
    }

    /** @return how many bytes a slot takes ahead at most: 64 KiB, or 1/64 of the smallest limit from here up. */
    public long batch() {
        return batch;
    }

    /**
     * What is charged to this budget and all below it. Looks at every slot, and for the root at every slab and frame as well, since what
     * is allocated for no child is counted nowhere else: for reports.
     *
     * @return bytes, from 0 to the limit; exact while nobody charges, otherwise off by at most what is charged meanwhile, and a batch
     *     for each thread that does.
     */
    public long used() {
        return parent == null ? charged() + budgets.uncharged() : charged();
    }

    /** {@link #used()} without what the root's own allocations come to. */
    long charged() {
        return Math.max(0, words.reserved() - budgets.slack.under(this));
    }

    /**
     * The most that was ever used. Slack counts as used here: it is too high by at most two batches for each slot and
     * budget from here down. Too low only by what other threads gave back in the very moment of the peak; and the root's by what is
     * allocated for no child.
     *
     * @return bytes, at most the limit.
     */
    public long highWater() {
        return words.highWater();
    }

    /** @return whether {@link #close()} has succeeded. */
    public boolean isClosed() {
        return slackAddress == CLOSED;
    }

    /**
     * Charges bytes to this budget, and so to all its ancestors. Makes no garbage. Never calls a {@link Reclaim}, never waits: spins a few
     * microseconds if what it would be refused for may yet come back, then answers by what is known.
     *
     * @param cpu the slot that the caller occupies, one with or without caches, or null if it could get none.
     * @param bytes at least 1.
     * @return false, with nothing charged, if that exceeded a hard limit: see {@link #refusal}.
     * @throws IllegalArgumentException if the slot is of another memory, or the bytes are not positive.
     * @throws IllegalStateException if this budget is closed.
     */
    public boolean tryCharge(final Cpu cpu, final long bytes) {
        return attempt(cpu, bytes) == Reservation.CHARGED;
    }

    /** {@link #tryCharge} that tells a refusal which is final from one that is not: see {@link Reservation}. */
    int attempt(final Cpu cpu, final long bytes) {
        if (cpu != null && cpu.carriesCaches() && bytes > 0 && budgets.cpus.owns(cpu)) {
            final long base = slackAddress;
            if (base > CLOSED) {
                final long at = base + ((long)cpu.index() << Slack.ROW_BYTES_SHIFT);
                final long left = UnsafeApi.getLong(at) - bytes;
                if (left >= 0) {
                    // Opaque: partner of Slack.peek().
                    UnsafeApi.putLongOpaque(null, at, left);
                    return Reservation.CHARGED;
                }
            }
        }
        return budgets.reservation.charge(this, keeper(cpu, bytes), bytes);
    }

    /**
     * Takes a charge back. Never waits, never fails for want of anything.
     *
     * @param cpu the slot that the caller occupies, or null if it could get none.
     * @param bytes at least 1, charged to this budget before by any thread.
     * @throws IllegalArgumentException if the slot is of another memory, or the bytes are not positive.
     */
    public void uncharge(final Cpu cpu, final long bytes) {
        if (cpu != null && cpu.carriesCaches() && bytes > 0 && budgets.cpus.owns(cpu)) {
            final long base = slackAddress;
            if (base > CLOSED) {
                final long at = base + ((long)cpu.index() << Slack.ROW_BYTES_SHIFT);
                final long held = UnsafeApi.getLong(at);
                if (bytes <= 2 * batch - held) {
                    // Opaque: partner of Slack.peek().
                    UnsafeApi.putLongOpaque(null, at, held + bytes);
                    return;
                }
            }
        }
        budgets.reservation.uncharge(this, keeper(cpu, bytes), bytes);
    }

    /**
     * {@link #uncharge(Cpu, long)} that occupies a slot itself, if one is to be had.
     *
     * @param bytes at least 1, charged to this budget before by any thread.
     * @throws IllegalArgumentException if the bytes are not positive.
     * @throws IllegalStateException after the slots are closed.
     */
    public void uncharge(final long bytes) {
        final Cpu cpu = budgets.cpus.tryEnter();
        try {
            uncharge(cpu, bytes);
        } finally {
            if (cpu != null) {
                cpu.exit();
            }
        }
    }

    /** Checks what the fast paths leave to the slow ones. The slot, if it keeps slack of this budget, or null. */
    private Cpu keeper(final Cpu cpu, final long bytes) {
        if (bytes <= 0) {
            throw new IllegalArgumentException("bytes=" + bytes);
        }
        if (cpu == null) {
            return null;
        }
        if (!budgets.cpus.owns(cpu)) {
            throw new IllegalArgumentException("a slot of another memory: cpu=" + cpu.index());
        }
        if (!cpu.carriesCaches()) {
            return null;
        }
        if (slackAddress == NO_SLACK) {
            // Only the root's, which is never closed: so this overwrites nothing else.
            slackAddress = budgets.slack.make(id);
        }
        return slackAddress == CLOSED ? null : cpu;
    }

    /**
     * Gives the slack of this budget and all below it back to the tree, as far as it is on slots that nobody occupies, or the
     * caller does. Never waits.
     *
     * @return how many bytes that were.
     */
    public long reclaimSlack() {
        return budgets.slack.collect(this);
    }

    /**
     * Which {@link Reclaim} is to be called next. One load if none is, anywhere in the tree.
     *
     * @return the lowest budget from here up that was charged above its soft limit and not called since, or null.
     */
    public Budget overSoft() {
        if (budgets.callbacksOwed.get() != 0) {
            for (Budget at = this; at != null; at = at.parent) {
                if (at.soft != null && at.soft.isOwed()) {
                    return at;
                }
            }
        }
        return null;
    }

    /**
     * Calls each {@link Reclaim} from here up that is owed a call: to be called before a charge, and again when it was refused.
     * What they throw goes to the listener. Does nothing inside a section.
     *
     * @param wanted how many bytes are about to be charged.
     */
    public void reclaimIfOverSoft(final long wanted) {
        if (overSoft() == null || budgets.cpus.inSection()) {
            return;
        }
        for (Budget at = this; at != null; at = at.parent) {
            if (at.soft != null) {
                budgets.callReclaim(at, Math.max(0, wanted));
            }
        }
    }

    /**
     * Says which budget had no room.
     *
     * @param wanted bytes of a charge to this budget that was refused.
     * @return its name and path, its limit, what is used of it, what was wanted: one line.
     */
    public String refusedBy(final long wanted) {
        Budget tightest = this;
        for (Budget at = this; at != null; at = at.parent) {
            final long room = at.limit - at.words.reserved();
            if (wanted > room) {
                tightest = at;
                break;
            }
            // Others may have made room since: then the one with the least is named.
            tightest = room < tightest.limit - tightest.words.reserved() ? at : tightest;
        }
        return "budget=" + tightest.name + " path=" + tightest.path() + " limit=" + tightest.limit + " used=" + tightest.used()
            + " wanted=" + wanted + (tightest == this ? "" : " for=" + path());
    }

    /**
     * What to throw after {@link #tryCharge} has failed.
     *
     * @param wanted bytes of the charge that was refused.
     * @return the exception; its text is {@link #refusedBy}.
     */
    public ExhaustedException refusal(final long wanted) {
        return new ExhaustedException(ExhaustedException.Resource.BUDGET, "a budget is used up: " + refusedBy(wanted));
    }

    /**
     * Ends a budget to which nothing is charged. Closing it again does nothing.
     *
     * @throws IllegalStateException if anything is still charged to it, it has open children, or it is the root, or inside a section;
     *     nothing is changed.
     */
    @Override
    public void close() {
        budgets.close(this);
    }

    boolean isRoot() {
        return parent == null;
    }

    boolean isWithin(final Budget top) {
        for (Budget at = this; at != null; at = at.parent) {
            if (at == top) {
                return true;
            }
        }
        return false;
    }

    void requireOpen() {
        if (isClosed()) {
            throw new IllegalStateException("the budget is closed: path=" + path());
        }
    }

    /** Under the registry's lock. */
    void setClosed(final boolean closed) {
        slackAddress = closed ? CLOSED : budgets.slack.make(id);
    }

    /** Under the registry's lock. */
    void setChildren(final List<Budget> live) {
        children = live;
    }

    @Override
    public String toString() {
        return "Budget[" + path() + "]";
    }
}
