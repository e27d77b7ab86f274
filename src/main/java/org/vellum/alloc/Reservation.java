package org.vellum.alloc;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.StackReserve;

/**
 * How bytes get from the tree to a slot and back: what {@link Budget} does once a slot's slack is too small or too large.
 *
 * <h2>The problem</h2>
 * A charge must fit in a budget and in every ancestor of it, and each has one word. Whoever takes at one and is refused at the next gives
 * back what it took; so does whoever carries the slack of an idle slot up. Meanwhile the words show more than is really gone, and
 * a charge that would fit may find no room. A limit that fails now and then for no reason is worse than a slow one.
 *
 * <h2>The rule</h2>
 * Nothing is refused on the strength of bytes that are free, or may yet come back. Beside {@code reserved} each budget counts, in one word
 * {@code unsettled}, the changes under way (low half) and those that <em>moved</em> free bytes (high half): what was taken back, and what went
 * from slack to the tree or from the tree to slack.
 * <pre>
 *   who changes                                         who is refused at X
 *   a1: unsettled += 1, from the budget up              b1: u := unsettled(X)
 *   a2: reserved += n; or slack of a slot := 0          b2: collect the slack of X and below from idle slots
 *   a3: refused, or it was slack: reserved −= n         b3: reserved(X) + wanted > limit(X),
 *       or some was taken ahead: slack of a slot += m       even without the slack that busy slots still hold?
 *   a4: none moved: unsettled −= 1                      b4: u counts no change under way, and unsettled(X) is still u?
 *       some moved: unsettled += 2³² − 1                    yes → refused for good; no → again
 * </pre>
 * The words are volatile, but for the slack, whose stores come after a1 (release, or after a compare-and-set) and before a4, and whose loads
 * come before b4 (acquire). Suppose that b2 or b3 misread where free bytes are, because a2 and a3 of some change lie on both sides of one of
 * their looks. Then a1 precedes b4. If a4 comes after b4, b4 sees the change under way; if between b1 and b4, it sees one move more; if before
 * b1, then all of the change precedes all of the looks, against what we supposed. What settles without a move was charged, and is no error.
 *
 * <h2>What it is not</h2>
 * It does not help a thread that was stopped between a1 and a4: a try spins a few microseconds, then is UNDECIDED, since it is made inside a
 * section and nothing may wait there. Who is in no section of his own leaves it, rests and tries again, for some milliseconds. Nor does it
 * reach the slack of a slot that somebody occupies all the while: at most two {@linkplain Budget#batch() batches} of each budget
 * below the refusing one. {@code BudgetStress} runs both races.
 */
final class Reservation {
    static final int REFUSED = 0;
    static final int CHARGED = 1;
    /** Refused, but what it was refused for may yet come back: by a change under way, or from a slot that is busy. */
    static final int UNDECIDED = 2;

    /** How often who may wait tries again, outside sections: some milliseconds. */
    static final int MOST_RESTS = 200;

    /** Rounds of one try, in which a change of a few instructions elsewhere ends: a few microseconds, as for a lock. */
    private static final int SPINS = 16;
    private static final long PARK_NANOS = 20_000;

    /** The part of what is left that one slot may take ahead: so that slack is small where the limit is near. */
    private static final int SHARE_SHIFT = 3;

    private final Slack slack;

    /** Reservations that took more than was asked for; for tests. */
    final AtomicLong batches = new AtomicLong();
    /** Charges refused for good; for tests. */
    final AtomicLong refusals = new AtomicLong();
    /** Reservations taken back because an ancestor refused after all; for tests. */
    final AtomicLong takenBack = new AtomicLong();

    Reservation(final Slack slack) {
        this.slack = slack;
    }

    /** a1, for slack that is about to be given back. */
    static void beginAll(final Budget budget) {
        for (Budget at = budget; at != null; at = at.parent()) {
            at.words.begin();
        }
    }

    /** a4, for slack that was given back. */
    static void settleMovedAll(final Budget budget) {
        for (Budget at = budget; at != null; at = at.parent()) {
            at.words.settleMoved();
        }
    }

    /** Gives bytes of a budget back, all the way up. */
    static void giveBack(final Budget budget, final long bytes) {
        for (Budget at = budget; at != null; at = at.parent()) {
            giveBackAt(at, bytes);
        }
    }

    private static void giveBackAt(final Budget budget, final long bytes) {
        final long left = budget.words.giveBack(bytes);
        if (budget.soft != null) {
            budget.soft.fallen(left);
        }
    }

    /**
     * Charges what the slot's slack does not cover.
     *
     * @param keeper the slot that the caller occupies, if it keeps slack of this budget, or null.
     * @return CHARGED, REFUSED or UNDECIDED; unless CHARGED, nothing is charged.
     * @throws IllegalStateException if the budget is closed.
     */
    int charge(final Budget budget, final Cpu keeper, final long bytes) {
        StackReserve.ensure();
        budget.requireOpen();
        Budget suspect = null;
        long before = 0;
        long collected = 0;
        for (int round = 0;; round++) {
            final long missing = bytes - slackOf(budget, keeper);
            final Budget full = firstWithoutRoom(budget, missing);
            if (full == null) {
                if (take(budget, keeper, missing)) {
                    return CHARGED;
                }
                continue;
            }
            if (full == suspect && collected == 0 && isFinal(full, missing, before)) {
                refusals.incrementAndGet();
                return REFUSED;
            }
            if (round >= SPINS) {
                return UNDECIDED;
            }
            if (round > 1) {
                Thread.onSpinWait();
            }
            suspect = full;
            before = full.words.unsettled();
            collected = slack.collect(full);
        }
    }

    private long slackOf(final Budget budget, final Cpu keeper) {
        return keeper == null ? 0 : slack.get(keeper, budget.id());
    }

    /** The lowest budget without room for the bytes, or null. Tells the soft limits on the way of what is wanted. */
    private static Budget firstWithoutRoom(final Budget budget, final long bytes) {
        for (Budget at = budget; at != null; at = at.parent()) {
            final long reserved = at.words.reserved();
            if (at.soft != null) {
                at.soft.wanted(reserved, bytes);
            }
            if (bytes > at.limit() - reserved) {
                return at;
            }
        }
        return null;
    }

    /** b4: whether the refusal stands. Slack on busy slots is waited for only if it would help. */
    private boolean isFinal(final Budget full, final long bytes, final long before) {
        final long room = full.limit() - full.words.reserved() + slack.under(full);
        // Last: nothing may have moved between any two of the looks since the one at 'before'.
        return bytes > room && full.words.isSettledSince(before);
    }

    /** Between two tries, outside sections: parked, so that a holder which was preempted on the same processor gets to run. */
    void rest() {
        LockSupport.parkNanos(this, PARK_NANOS);
    }

    /** a1 to a4: reserves at every budget from this one up, and some more for the slot; or at none. */
    private boolean take(final Budget budget, final Cpu keeper, final long missing) {
        final long ahead = keeper == null ? 0 : ahead(budget, missing);
        final long bytes = missing + ahead;
        Budget refused = null;
        for (Budget at = budget; at != null && refused == null; at = at.parent()) {
            at.words.begin();
            refused = at.words.tryReserve(bytes, at.limit()) ? null : at;
        }
        // Looked at after 'reserved' was raised, as close() looks at 'reserved' after it has closed: one of the two sees the other.
        if (refused != null || budget.isClosed()) {
            takeBack(budget, refused, bytes);
            budget.requireOpen();
            return false;
        }
        if (keeper != null) {
            // Before it settles: in between, what was taken ahead would be in no word that says it is free.
            slack.put(keeper, budget.id(), ahead);
        }
        for (Budget at = budget; at != null; at = at.parent()) {
            at.words.raiseHighWater();
            settle(at, ahead);
        }
        if (ahead > 0) {
            batches.incrementAndGet();
        }
        return true;
    }

    /** a4: what was taken ahead has moved to a slot, and is free there. */
    private static void settle(final Budget budget, final long ahead) {
        if (ahead > 0) {
            budget.words.settleMoved();
        } else {
            budget.words.settle();
        }
    }

    private void takeBack(final Budget budget, final Budget refused, final long bytes) {
        for (Budget at = budget; at != refused; at = at.parent()) {
            giveBackAt(at, bytes);
            at.words.settleMoved();
        }
        if (refused != null) {
            // Nothing was lowered here: who waits for this budget's word need not look again.
            refused.words.settle();
        }
        takenBack.incrementAndGet();
    }

    /** How much more than the missing bytes a slot takes: a batch, but only a part of what each budget has left. */
    private static long ahead(final Budget budget, final long missing) {
        long ahead = budget.batch();
        for (Budget at = budget; at != null; at = at.parent()) {
            final long after = at.words.reserved() + missing;
            // Up to the soft limit as long as the bytes themselves stay below it: slack alone must not call the callback.
            final long bound = at.soft != null && after <= at.softLimit() ? at.softLimit() : at.limit();
            ahead = Math.min(ahead, bound - after >> SHARE_SHIFT);
        }
        return Math.max(0, ahead);
    }

    /**
     * Takes back what does not fit in the slot's slack: the slot keeps one batch.
     *
     * @param keeper the slot that the caller occupies, if it keeps slack of this budget, or null.
     */
    void uncharge(final Budget budget, final Cpu keeper, final long bytes) {
        StackReserve.ensure();
        if (keeper == null) {
            giveBack(budget, bytes);
            return;
        }
        final long batch = budget.batch();
        final long held = slack.get(keeper, budget.id());
        if (bytes <= 2 * batch - held) {
            slack.put(keeper, budget.id(), held + bytes);
        } else if (held <= batch) {
            slack.put(keeper, budget.id(), batch);
            giveBack(budget, held - batch + bytes);
        } else {
            // Some of it was free already: announced, so that nobody is refused for it on its way.
            beginAll(budget);
            slack.putRelease(keeper, budget.id(), batch);
            giveBack(budget, held - batch + bytes);
            settleMovedAll(budget);
        }
    }
}
