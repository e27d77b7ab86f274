package org.vellum.alloc;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/**
 * The soft limit of one budget, and whether its callback is owed a call.
 *
 * <pre>
 *   ARMED ── a charge wants more than the limit ──→ OWED ── somebody calls ──→ RUNNING ──→ CALLED
 *     ↑                                              │                                       │
 *     └───────────── it was only slack ──────────────┘                                       │
 *     └───────── what is reserved falls, and is at the limit or below ───────────────────────┘
 * </pre>
 *
 * One call a crossing, whoever crosses: OWED is left by one compare-and-set. RUNNING owes nothing, so a callback that allocates from its
 * own budget does not call itself.
 *
 * <p>{@code reserved} is looked at again after each change to CALLED or ARMED (both are volatile): of one whose bytes fall or cross and one who
 * changes the state at the same time, at least one sees the other.
 *
 * <p>Thread safety: any thread. Only {@link #call} runs the user's code.
 */
final class SoftLimit {
    private enum State { ARMED, OWED, RUNNING, CALLED }

    private final Budget budget;
    private final long limit;
    private final Budget.Reclaim callback;
    /** How many callbacks are owed in the whole tree: what allocations look at first. */
    private final AtomicInteger owedInTree;
    private final AtomicReference<State> state =
        new AtomicReference<>(State.ARMED);

    SoftLimit(final Budget budget, final long limit, final Budget.Reclaim callback, final AtomicInteger owedInTree) {
        this.budget = budget;
        this.limit = limit;
        this.callback = callback;
        this.owedInTree = owedInTree;
    }

    long limit() {
        return limit;
    }

    /** Somebody wants bytes beside what is reserved. */
    void wanted(final long reserved, final long bytes) {
        if (bytes > limit - reserved && state.get() == State.ARMED) {
            owe();
        }
    }

    private void owe() {
        if (state.compareAndSet(State.ARMED, State.OWED)) {
            owedInTree.incrementAndGet();
        }
    }

    /** What is reserved was lowered to this. */
    void fallen(final long reserved) {
        if (reserved <= limit && state.get() == State.CALLED) {
            rearm();
        }
    }

    private void rearm() {
        if (state.compareAndSet(State.CALLED, State.ARMED)) {
            // Who crossed before this saw no ARMED.
            wanted(budget.words.reserved(), 0);
        }
    }

    boolean isOwed() {
        return state.get() == State.OWED;
    }

    /** The budget is closed: nothing is owed any more. */
    void dismiss() {
        if (state.getAndSet(State.CALLED) == State.OWED) {
            owedInTree.decrementAndGet();
        }
    }

    /**
     * Calls the callback if it is still owed. Outside locks and sections.
     *
     * @param bytes what the caller is about to charge, at least 0.
     * @return whether it was called.
     */
    boolean call(final long bytes) {
        if (!state.compareAndSet(State.OWED, State.RUNNING)) {
            return false;
        }
        owedInTree.decrementAndGet();
        State next = State.CALLED;
        try {
            final long excess = bytes - (limit - budget.used());
            if (excess <= 0) {
                next = State.ARMED;
                return false;
            }
            callback.reclaim(budget, excess);
            return true;
        } finally {
            settle(next, bytes);
        }
    }

    private void settle(final State next, final long bytes) {
        state.set(next);
        // What the callback freed is slack of this thread's slot now: given back, so that it counts.
        budget.reclaimSlack();
        final long reserved = budget.words.reserved();
        if (next == State.ARMED) {
            wanted(reserved, 0);
        } else if (bytes <= limit - reserved) {
            // Not as long as the bytes at hand still cross: it is their crossing that was answered.
            rearm();
        }
    }
}
