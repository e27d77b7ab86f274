package org.vellum.alloc;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntToLongFunction;
import java.util.function.LongSupplier;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.SpinLock;
import org.vellum.report.ExhaustedException;
import org.vellum.report.Listener;

/**
 * The budgets of one memory: a tree, and a number for each, small enough to be stored in a byte beside each object.
 *
 * <p>A closed budget may still have slack on slots that were busy when it was closed. It leaves the tree at once, for its owner; its
 * number is given to another only when that slack has been collected, so that nothing reserved is ever without a budget.
 *
 * <p>Thread safety: all methods may be called by any thread. Opening and closing takes a lock, outside sections only; charging does not.
 */
public final class Budgets {
    /** How many budgets below the root there can be at once. */
    public static final int MAX_CHILDREN = 249;

    private static final int ROOT_ID = 0;
    private static final String ROOT_NAME = "memory";
    private static final int LOOKS_AT_USE = 100;
    private static final long PARK_NANOS = 20_000;

    final Cpus cpus;
    final Slack slack;
    final Reservation reservation;
    final AtomicInteger callbacksOwed = new AtomicInteger();

    private final Listener listener;
    private final SpinLock lock;
    private final AtomicReferenceArray<Budget> byId = new AtomicReferenceArray<>(MAX_CHILDREN + 1);
    private final Budget root;
    /** Bytes that are live and were charged to nobody; the root's. Replaced once, by whoever allocates without charging. */
    private volatile LongSupplier uncharged = () -> 0;

    /** One more than the largest number ever given. Written under the lock, after the budget is in its place. */
    private volatile int idsInUse = 1;

    /**
     * @param cpus the slots.
     * @param listener hears what callbacks throw.
     */
    public Budgets(final Cpus cpus, final Listener listener) {
        this.cpus = cpus;
        this.listener = listener;
        lock = SpinLock.outsideSections(cpus);
        slack = new Slack(cpus, this);
        reservation = new Reservation(slack);
        root = new Budget(this, null, ROOT_ID, ROOT_NAME, Budget.Limits.NONE);
        byId.set(ROOT_ID, root);
    }

    /** @return the budget of all: number 0, {@code memory}, without a limit of its own. */
    public Budget root() {
        return root;
    }

    /**
     * @param id a number that was stored with a charge.
     * @return its budget.
     * @throws IllegalArgumentException if no budget has that number.
     */
    public Budget byId(final int id) {
        final Budget budget = id < 0 || id > MAX_CHILDREN ? null : byId.get(id);
        if (budget == null) {
            throw new IllegalArgumentException("no such budget: id=" + id);
        }
        return budget;
    }

    /** What the root's own allocations come to is found by counting them: charging each would cost the hot path. */
    void countUncharged(final LongSupplier bytes) {
        uncharged = bytes;
    }

    long uncharged() {
        return uncharged.getAsLong();
    }

    Budget byIdOrNull(final int id) {
        return byId.get(id);
    }

    int idsInUse() {
        return idsInUse;
    }

    Budget open(final Budget parent, final String name, final Budget.Limits limits) {
        cpus.mightSleep("child");
        requireLimits(limits);
        if (name == null || name.isBlank() || name.indexOf('/') >= 0) {
            throw new IllegalArgumentException("not a name: name=" + name);
        }
        lock.lock();
        try {
            parent.requireOpen();
            for (final Budget sibling : parent.children()) {
                if (sibling.name().equals(name)) {
                    throw new IllegalArgumentException("in use already: name=" + name + " path=" + sibling.path());
                }
            }
            final Budget child = new Budget(this, parent, freeId(parent, name), name, limits);
            final List<Budget> children = new ArrayList<>(parent.children());
            children.add(child);
            byId.set(child.id(), child);
            idsInUse = Math.max(idsInUse, child.id() + 1);
            parent.setChildren(List.copyOf(children));
            return child;
        } finally {
            lock.unlock();
        }
    }

    private static void requireLimits(final Budget.Limits limits) {
        if (limits.hard() < 1) {
            throw new IllegalArgumentException("limitBytes=" + limits.hard());
        }
        if (limits.soft() < 1 || limits.soft() > limits.hard()) {
            throw new IllegalArgumentException("softLimitBytes=" + limits.soft() + " limitBytes=" + limits.hard());
        }
    }

    /** Under the lock. */
    private int freeId(final Budget parent, final String name) {
        retireClosed();
        for (int id = 1; id <= MAX_CHILDREN; id++) {
            if (byId.get(id) == null) {
                return id;
            }
        }
        throw new ExhaustedException(ExhaustedException.Resource.BUDGET,
            "too many budgets: wanted=" + parent.path() + "/" + name + " open=" + MAX_CHILDREN);
    }

    /** Frees the numbers of closed budgets that have nothing left on any slot. Under the lock. */
    private void retireClosed() {
        for (int id = 1; id < idsInUse; id++) {
            final Budget budget = byId.get(id);
            if (budget != null && budget.isClosed()) {
                budget.reclaimSlack();
                // Nothing reserved: so no slack either, and nothing reserved below. Whoever reserves from now on sees it closed.
                if (budget.words.reserved() == 0) {
                    byId.set(id, null);
                }
            }
        }
    }

    void close(final Budget budget) {
        cpus.mightSleep("close");
        lock.lock();
        try {
            if (budget.isClosed()) {
                return;
            }
            requireUnused(budget);
            // Closed, then looked at again: partner of the look at isClosed() in Reservation.take.
            budget.setClosed(true);
            if (settledUse(budget) != 0) {
                budget.setClosed(false);
                requireUnused(budget);
                throw new IllegalStateException("charged while it was being closed: path=" + budget.path());
            }
            final List<Budget> children = new ArrayList<>(budget.parent().children());
            children.remove(budget);
            budget.parent().setChildren(List.copyOf(children));
            if (budget.soft != null) {
                budget.soft.dismiss();
            }
            retireClosed();
        } finally {
            lock.unlock();
        }
    }

    private void requireUnused(final Budget budget) {
        if (budget.isRoot()) {
            throw new IllegalStateException("the root ends with its memory: path=" + budget.path());
        }
        if (!budget.children().isEmpty()) {
            throw new IllegalStateException("it has open children: path=" + budget.path()
                + " children=" + budget.children().size());
        }
        final long used = settledUse(budget);
        if (used != 0) {
            throw new IllegalStateException("still charged: path=" + budget.path() + " used=" + used);
        }
    }

    /** What is used, not counting slack that somebody is just carrying up for a limit further up. Waits for that, parked. */
    private long settledUse(final Budget budget) {
        long used = 0;
        for (int look = 0; look < LOOKS_AT_USE; look++) {
            final long before = budget.words.unsettled();
            used = budget.used();
            if (used == 0 || budget.words.isSettledSince(before)) {
                return used;
            }
            LockSupport.parkNanos(this, PARK_NANOS);
        }
        return used;
    }

    /** Outside sections. Throws nothing. */
    void callReclaim(final Budget budget, final long wanted) {
        try {
            budget.soft.call(wanted);
        } catch (final Throwable e) {
            report(budget, e);
        }
    }

    private void report(final Budget budget, final Throwable error) {
        try {
            listener.releaseFailed("reclaim callback of budget " + budget.path(), budget.id(), error);
        } catch (final Throwable e) {
            // A listener's own failure must not stop the allocation that it reports on.
        }
    }

    /**
     * Walks the tree of a quiet system: no budget has more slack and children than it has reserved, none is beyond its limit, and
     * nothing is left where there is no budget.
     *
     * @throws AssertionError naming the first thing that is wrong.
     */
    public void verify() {
        new BudgetVerifier(this).verify();
    }

    /**
     * {@link #verify()}, and that what each budget has reserved is what is charged to it, its slack, and what its children have reserved.
     *
     * @param charged from the number of a budget to the bytes that are charged to it and to no other, as the caller has found by
     *     counting its objects.
     * @throws AssertionError naming the first thing that is wrong.
     */
    public void verify(final IntToLongFunction charged) {
        new BudgetVerifier(this).verify(charged);
    }
}
