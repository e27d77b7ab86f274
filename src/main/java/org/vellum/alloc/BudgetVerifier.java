package org.vellum.alloc;

import java.util.function.IntToLongFunction;

/** Walks the budgets of a system that nobody uses meanwhile. */
final class BudgetVerifier {
    private final Budgets budgets;

    BudgetVerifier(final Budgets budgets) {
        this.budgets = budgets;
    }

    void verify() {
        for (int id = 0; id <= Budgets.MAX_CHILDREN; id++) {
            final Budget budget = budgets.byIdOrNull(id);
            if (budget != null) {
                verify(budget);
            } else if (budgets.slack.of(id) != 0) {
                throw new AssertionError("slack without a budget: id=" + id + " slack=" + budgets.slack.of(id));
            }
        }
    }

    void verify(final IntToLongFunction charged) {
        verify();
        for (int id = 0; id <= Budgets.MAX_CHILDREN; id++) {
            final Budget budget = budgets.byIdOrNull(id);
            if (budget != null) {
                require(own(budget) == charged.applyAsLong(id), budget, "counted=" + charged.applyAsLong(id));
            }
        }
    }

    private void verify(final Budget budget) {
        for (int slot = 0; slot < budgets.cpus.cachedSlots(); slot++) {
            final long held = budgets.slack.peek(slot, budget.id());
            require(held >= 0 && held <= 2 * budget.batch(), budget, "slot=" + slot + " held=" + held);
        }
        require(own(budget) >= 0, budget, "more slack and children than reserved");
        require(budget.words.reserved() <= budget.limit(), budget, "beyond limit=" + budget.limit());
        require(budget.words.isSettledSince(budget.words.unsettled()), budget, "unsettled=" + budget.words.unsettled());
        require(budget.highWater() >= budget.charged() && budget.highWater() <= budget.limit(), budget,
            "highWater=" + budget.highWater());
        require(!budget.isClosed() || own(budget) == 0, budget, "charged though closed");
    }

    /** What is charged to a budget itself: what it has reserved, without its slack and what its children have reserved. */
    private long own(final Budget budget) {
        return budget.words.reserved() - budgets.slack.of(budget.id()) - childrenReserved(budget);
    }

    /** Of all children, those too that are closed and have slack left. */
    private long childrenReserved(final Budget parent) {
        long sum = 0;
        for (int id = 1; id <= Budgets.MAX_CHILDREN; id++) {
            final Budget budget = budgets.byIdOrNull(id);
            if (budget != null && budget.parent() == parent) {
                sum += budget.words.reserved();
            }
        }
        return sum;
    }

    private void require(final boolean holds, final Budget budget, final String what) {
        if (!holds) {
            throw new AssertionError(budget.path() + ": " + what + " reserved=" + budget.words.reserved()
                + " slack=" + budgets.slack.of(budget.id()) + " children=" + childrenReserved(budget)
                + " own=" + own(budget));
        }
    }
}
