package org.vellum.alloc;

import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.report.Events;
import org.vellum.report.ExhaustedException;

/** Charges budgets for what is allocated. The root has no limit, and is charged with nothing of its own. */
final class Charges {
    private final Cpus cpus;
    private final Budgets budgets;
    private final Events events;

    Charges(final Cpus cpus, final Budgets budgets, final Events events) {
        this.cpus = cpus;
        this.budgets = budgets;
        this.events = events;
    }

    /**
     * The budget that a caller means.
     *
     * @param budget null for the root.
     * @throws IllegalStateException if it is closed.
     * @throws IllegalArgumentException if it is another memory's.
     */
    Budget require(final Budget budget) {
        if (budget == null) {
            return budgets.root();
        }
        budget.requireOpen();
        if (budgets.byIdOrNull(budget.id()) != budget) {
            throw new IllegalArgumentException("budget=" + budget.path() + " is another memory's");
        }
        return budget;
    }

    /** The budget of what was found or freed, packed as {@link RawAllocator} does. */
    Budget ownerOf(final long found) {
        return budgets.byId(RawAllocator.ownerOf(found));
    }

    /** Throws, with nothing charged, if the budget refuses. */
    void charge(final Budget budget, final long bytes) {
        if (budget.isRoot()) {
            return;
        }
        budget.reclaimIfOverSoft(bytes);
        if (!tryCharge(budget, bytes)) {
            // This very charge may have been the first beyond a soft limit: then the callback makes room for it.
            final boolean owed = budget.overSoft() != null;
            budget.reclaimIfOverSoft(bytes);
            if (!owed || !tryCharge(budget, bytes)) {
                throw refused(budget, bytes);
            }
        }
    }

    private ExhaustedException refused(final Budget budget, final long bytes) {
        final ExhaustedException refusal = budget.refusal(bytes);
        events.budgetRefused(budget.path(), bytes, refusal.getMessage());
        return refusal;
    }

    /** Waits between sections only: inside one of the caller's, what is not known to be free is taken for used. */
    private boolean tryCharge(final Budget budget, final long bytes) {
        int outcome = attempt(budget, bytes);
        for (int rests = 0; outcome == Reservation.UNDECIDED && rests < Reservation.MOST_RESTS && !cpus.inSection(); rests++) {
            budgets.reservation.rest();
            outcome = attempt(budget, bytes);
        }
        return outcome == Reservation.CHARGED;
    }

    private int attempt(final Budget budget, final long bytes) {
        final Cpu cpu = cpus.enter();
        try {
            return budget.attempt(cpu, bytes);
        } finally {
            cpu.exit();
        }
    }

    void uncharge(final Budget budget, final long bytes) {
        if (!budget.isRoot()) {
            budget.uncharge(bytes);
        }
    }

    /** Takes back the charge for what was freed, packed. */
    void settle(final long freed) {
        if (RawAllocator.ownerOf(freed) != 0) {
            ownerOf(freed).uncharge(RawAllocator.bytesOf(freed));
        }
    }
}
