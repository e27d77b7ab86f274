package org.vellum.frame;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.vellum.Stagger;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;

/** Batches that pass through one entry of the depot: each is taken once, and whole. Blocks are mere numbers here. */
public final class DepotStress {
    /** A list got nothing; a whole batch, by its number; or something else. */
    private static final int NOTHING = 0;
    private static final int TORN = 9;

    private DepotStress() {
    }

    /** A depot of one entry, through which a batch has gone before; two lists, of which the first is full and the second empty. */
    @State
    public static class Entry {
        private static final Cpus CPUS = new Cpus(CpuOptions.forThisMachine().withCachedSlots(2));
        /** For batches of 16 single frames: two cache lines and a half. */
        private static final long FRAMES = 1024;
        private static final int BATCH = 16;
        private final SlotLists lists = new SlotLists(CPUS, FRAMES);
        private final Depot depot = new Depot(lists, 1);
        /** The harness bounds the heap that its states take, but knows nothing of native memory. */
        private final byte[] ballast = new byte[16 << 10];
        private final Stagger stagger = new Stagger(16);

        /** The number of a batch is that of its blocks divided by 100. The oldest of the full list is the first, then the second. */
        public Entry() {
            if (lists.batch(0) != BATCH || ballast.length == 0) {
                throw new AssertionError("batch=" + lists.batch(0));
            }
            fill(0, 8);
            depot.deposit(0, 0);
            depot.withdraw(1, 0);
            lists.dropOldest(1, 0, BATCH);
            fill(0, 1);
            fill(0, 2);
        }

        private void fill(final int slot, final int number) {
            for (int i = 0; i < BATCH; i++) {
                lists.push(slot, 0, 100 * number + i);
            }
        }

        /** Two batches for a second depositor. */
        void fillOther() {
            fill(1, 3);
            fill(1, 4);
        }

        /** The batch that was put in, or NOTHING. */
        int deposit(final int slot) {
            final int number = (int)(lists.get(slot, 0, 0) / 100);
            return depot.deposit(slot, 0) ? number : NOTHING;
        }

        /** The batch that the empty list of a slot has got. */
        int withdraw(final int slot) {
            return depot.withdraw(slot, 0) ? batchOf(slot) : NOTHING;
        }

        /** What is in a list: one whole batch, in its order. */
        private int batchOf(final int slot) {
            final int number = (int)(lists.get(slot, 0, 0) / 100);
            boolean whole = lists.size(slot, 0) == BATCH;
            for (int i = 0; i < BATCH; i++) {
                whole &= lists.get(slot, 0, i) == 100L * number + i;
            }
            return whole ? number : TORN;
        }

        /** What is left in the entry, by way of a list that is emptied for it. */
        int rest() {
            lists.dropOldest(1, 0, lists.size(1, 0));
            return withdraw(1);
        }
    }

    /** A full entry: the first batch is in it, and the first list is emptied for a second taker. */
    @State
    public static class FullEntry extends Entry {
        /** Puts the batch in. */
        public FullEntry() {
            deposit(0);
        }
    }

    /** A full entry, and two empty lists. */
    @State
    public static class FullEntryAndEmptyLists extends FullEntry {
        /** Empties the first list too. */
        public FullEntryAndEmptyLists() {
            final SlotLists lists = ((Entry)this).lists;
            lists.dropOldest(0, 0, lists.size(0, 0));
        }
    }

    /** An empty entry, and two full lists. */
    @State
    public static class EmptyEntryAndFullLists extends Entry {
        /** Fills the second list too. */
        public EmptyEntryAndFullLists() {
            fillOther();
        }
    }

    /**
     * A deposit against a withdrawal. Would catch FULL stored before the numbers, or by less than a release where the compiler
     * moves it: the taker would get blocks of an earlier batch, which have owners.
     */
    @JCStressTest
    @Outcome(id = "1, 0, 1", expect = ACCEPTABLE, desc = "look, then deposit: the batch waits")
    @Outcome(id = "1, 1, 0", expect = ACCEPTABLE, desc = "deposit, then withdraw: the whole batch")
    @Outcome(expect = FORBIDDEN, desc = "torn, lost, or taken twice")
    public static class DepositAgainstWithdraw {
        /**
         * @param s the entry, empty.
         * @param r what was put in.
         */
        @Actor
        public void deposit(final Entry s, final III_Result r) {
            s.stagger.one();
            r.r1 = s.deposit(0);
        }

        /**
         * @param s the entry, empty.
         * @param r what was taken.
         */
        @Actor
        public void withdraw(final Entry s, final III_Result r) {
            s.stagger.other();
            r.r2 = s.withdraw(1);
        }

        /**
         * @param s the entry.
         * @param r what is left in it.
         */
        @Arbiter
        public void rest(final Entry s, final III_Result r) {
            r.r3 = s.rest();
        }
    }

    /**
     * A withdrawal against a deposit into the same entry. Would catch EMPTY stored before the numbers have been read: the taker
     * would get blocks of the next batch too, and so would the next taker.
     */
    @JCStressTest
    @Outcome(id = "0, 1, 0", expect = ACCEPTABLE, desc = "the deposit finds the entry full or busy")
    @Outcome(id = "2, 1, 2", expect = ACCEPTABLE, desc = "withdraw, then deposit: each batch whole")
    @Outcome(expect = FORBIDDEN, desc = "torn, lost, or taken twice")
    public static class WithdrawAgainstDeposit {
        /**
         * @param s the entry, full.
         * @param r what was put in.
         */
        @Actor
        public void deposit(final FullEntry s, final III_Result r) {
            ((Entry)s).stagger.one();
            r.r1 = s.deposit(0);
        }

        /**
         * @param s the entry, full.
         * @param r what was taken.
         */
        @Actor
        public void withdraw(final FullEntry s, final III_Result r) {
            ((Entry)s).stagger.other();
            r.r2 = s.withdraw(1);
        }

        /**
         * @param s the entry.
         * @param r what is left in it.
         */
        @Arbiter
        public void rest(final FullEntry s, final III_Result r) {
            r.r3 = s.rest();
        }
    }

    /** Two withdrawals of one batch. Would catch an entry that is made BUSY by a load and a store: both would own the blocks. */
    @JCStressTest
    @Outcome(id = {"1, 0, 0", "0, 1, 0"}, expect = ACCEPTABLE, desc = "one takes it, the other nothing")
    @Outcome(expect = FORBIDDEN, desc = "taken twice, torn or lost")
    public static class TwoWithdrawals {
        /**
         * @param s the entry, full.
         * @param r what was taken.
         */
        @Actor
        public void one(final FullEntryAndEmptyLists s, final III_Result r) {
            ((Entry)s).stagger.one();
            r.r1 = s.withdraw(0);
        }

        /**
         * @param s the entry, full.
         * @param r what was taken.
         */
        @Actor
        public void other(final FullEntryAndEmptyLists s, final III_Result r) {
            ((Entry)s).stagger.other();
            r.r2 = s.withdraw(1);
        }

        /**
         * @param s the entry.
         * @param r what is left in it.
         */
        @Arbiter
        public void rest(final FullEntryAndEmptyLists s, final III_Result r) {
            r.r3 = s.rest();
        }
    }

    /** Two deposits. Would catch an entry that is made BUSY by a load and a store: one of two batches would be lost. */
    @JCStressTest
    @Outcome(id = "1, 0, 1", expect = ACCEPTABLE, desc = "the first is put in, the other keeps its own")
    @Outcome(id = "0, 3, 3", expect = ACCEPTABLE, desc = "the other way round")
    @Outcome(expect = FORBIDDEN, desc = "a batch is lost or torn")
    public static class TwoDeposits {
        /**
         * @param s the entry, empty.
         * @param r what was put in.
         */
        @Actor
        public void one(final EmptyEntryAndFullLists s, final III_Result r) {
            ((Entry)s).stagger.one();
            r.r1 = s.deposit(0);
        }

        /**
         * @param s the entry, empty.
         * @param r what was put in.
         */
        @Actor
        public void other(final EmptyEntryAndFullLists s, final III_Result r) {
            ((Entry)s).stagger.other();
            r.r2 = s.deposit(1);
        }

        /**
         * @param s the entry.
         * @param r what is left in it.
         */
        @Arbiter
        public void rest(final EmptyEntryAndFullLists s, final III_Result r) {
            r.r3 = s.rest();
        }
    }
}
