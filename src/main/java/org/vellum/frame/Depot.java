package org.vellum.frame;

import org.vellum.mem.Words;

/**
 * Where the lists of slots exchange whole batches, past the buddy: what one thread frees another allocates, without the
 * buddy's lock and without a look at the frames. A batch passes as an array of numbers, so who takes it only stores to the words
 * of its frames, which are in the other processor's cache; the buddy's lists run through those words, and following them costs a
 * miss for each.
 *
 * <pre>
 *   entry, in 64-bit words; {@link #ENTRIES} of each order
 *   +-----------+---------------------------------------------+
 *   | word 0    | EMPTY, BUSY or FULL                         |  CAS to BUSY by anyone, release by who made it that
 *   | 1         | batches that were put in                    |
 *   | 2         | batches that went to a list                 |  who made it BUSY
 *   | 3 ..      | the heads of one batch, up to 64            |
 *   +-----------+---------------------------------------------+
 *
 *                CAS              release              CAS              release
 *     EMPTY  ──────────►  BUSY  ──────────►  FULL  ──────────►  BUSY  ──────────►  EMPTY
 *                         the depositor's                       the taker's
 * </pre>
 * Blocks in it are CACHED in the table, like those in lists, and belong to whoever makes their entry BUSY. Nobody waits: a BUSY
 * entry is passed over, as if the batch were still, or already, in that thread's list. Between the CAS and the release there are
 * loads and stores, for which the caller has reserved stack: nothing that could throw and leave the entry BUSY.
 *
 * <h2>Why each batch is taken once, and whole</h2>
 * <pre>
 *   depositor D                               taker T, any other taker U, any other depositor E
 *   d1  CAS  state: EMPTY → BUSY              t1  CAS  state: FULL → BUSY
 *   d2  load from the list, store numbers     t2  load numbers, store into the list
 *   d3  release  state := FULL                t3  release  state := EMPTY
 * </pre>
 * <ul>
 * <li>Once: of T and U, whose t1 expect the same FULL, one succeeds, and no other finds FULL before a later d3. So it is with D
 * and E.</li>
 * <li>Whole: t1 reads what d3 stored, and acquires; so t2 sees all of d2, and what D had done to the words of the frames comes
 * before what T will do to them.</li>
 * <li>Not overwritten: E's d1 reads what t3 stored, and acquires; so E's d2 comes after T's t2.</li>
 * <li>That the state may have gone round between a look at it and the CAS (ABA) is no harm: nothing but the state was looked at
 * before. What the entry holds is read after the CAS, when it is the reader's alone.</li>
 * </ul>
 *
 * <p>Thread safety: {@link #deposit} and {@link #withdraw} are for the slot's occupant, {@link #drainTo} for the holder of the
 * buddy's lock; the others are for anyone, and exact when quiet.
 */
final class Depot {
    /**
     * Batches of each order. Two would do for two threads of which one frees what the other allocates; more let either be ahead
     * for a while, and pairs of threads pass each other. All together are at most 4 MiB, which nothing but {@link #drainTo} joins
     * to larger blocks.
     */
    static final int ENTRIES = 4;

    static final long EMPTY = 0;
    static final long FULL = 2;
    private static final long BUSY = 1;

    /** Words of an entry: more than 3 + 64, and no two entries in neighbouring cache lines. */
    private static final int ENTRY_SHIFT = 7;
    private static final int DEPOSITS = 1;
    private static final int WITHDRAWALS = 2;
    private static final int NUMBERS = 3;

    private final SlotLists lists;
    private final int entries;
    private final Words words;

    Depot(final SlotLists lists) {
        this(lists, ENTRIES);
    }

    /** For tests that want all threads at one entry. */
    Depot(final SlotLists lists, final int entries) {
        this.lists = lists;
        this.entries = entries;
        words = Words.zeroed((long)SlotLists.ORDERS * entries << ENTRY_SHIFT);
    }

    /**
     * Moves the oldest batch of a list here.
     *
     * @param slot that the caller occupies.
     * @param order of a list that holds at least a batch, which is not 0.
     * @return false, and nothing has changed, if no entry is EMPTY.
     */
    boolean deposit(final int slot, final int order) {
        final long entry = claim(order, EMPTY);
        if (entry < 0) {
            return false;
        }
        final int batch = lists.batch(order);
        for (int i = 0; i < batch; i++) {
            words.putPlain(entry + NUMBERS + i, lists.get(slot, order, i));
        }
        // Before anyone may take them: no block is ever to be had in two places.
        lists.dropOldest(slot, order, batch);
        count(entry + DEPOSITS);
        // Release: publishes the numbers; partner: the CAS in tryClaim, of who expects FULL.
        words.putRelease(entry, FULL);
        return true;
    }

    /**
     * Fills a list with a batch from here.
     *
     * @param slot that the caller occupies.
     * @param order of a list that is empty.
     * @return false, and nothing has changed, if no entry is FULL.
     */
    boolean withdraw(final int slot, final int order) {
        final long entry = claim(order, FULL);
        if (entry < 0) {
            return false;
        }
        final int batch = lists.batch(order);
        for (int i = 0; i < batch; i++) {
            lists.push(slot, order, words.getPlain(entry + NUMBERS + i));
        }
        count(entry + WITHDRAWALS);
        // Release: the numbers have been read; partner: the CAS in tryClaim, of who expects EMPTY and overwrites them.
        words.putRelease(entry, EMPTY);
        return true;
    }

    /**
     * Gives everything to the buddy, where it joins. Under the buddy's lock: who finds the buddy empty under that lock, and then
     * nothing here, knows that no other drain has carried blocks past him meanwhile.
     *
     * @return how many frames that were.
     */
    int drainTo(final Buddy buddy) {
        int frames = 0;
        for (int order = 0; order < SlotLists.ORDERS; order++) {
            // Each entry once: others may fill them as fast as they are emptied.
            for (int i = 0; i < entries; i++) {
                frames += tryClaim(entry(order, i), FULL) ? giveTo(buddy, entry(order, i), order) : 0;
            }
        }
        return frames;
    }

    private int giveTo(final Buddy buddy, final long entry, final int order) {
        final int batch = lists.batch(order);
        for (int i = 0; i < batch; i++) {
            buddy.give(words.getPlain(entry + NUMBERS + i), order);
        }
        // Release: as in withdraw.
        words.putRelease(entry, EMPTY);
        return batch << order;
    }

    /** Makes the first entry of that state the caller's; -1 if there is none, or others were faster at those there were. */
    long claim(final int order, final long state) {
        final long first = entry(order, 0);
        for (long entry = first; entry < first + ((long)entries << ENTRY_SHIFT); entry += 1L << ENTRY_SHIFT) {
            if (tryClaim(entry, state)) {
                return entry;
            }
        }
        return -1;
    }

    private boolean tryClaim(final long entry, final long state) {
        // CAS: acquire; partner: the release that made it EMPTY or FULL.
        return words.getOpaque(entry) == state && words.compareAndSet(entry, state, BUSY);
    }

    private void count(final long index) {
        words.putOpaque(index, words.getPlain(index) + 1);
    }

    /** @return how many batches were put in, or went to a list; counted here, where who counts owns the line anyway. */
    long events(final FrameEvent event) {
        if (event == FrameEvent.DEPOSIT) {
            return sum(DEPOSITS);
        }
        return event == FrameEvent.WITHDRAW ? sum(WITHDRAWALS) : 0;
    }

    private long sum(final int index) {
        long sum = 0;
        for (int order = 0; order < SlotLists.ORDERS; order++) {
            for (int i = 0; i < entries; i++) {
                sum += words.getOpaque(entry(order, i) + index);
            }
        }
        return sum;
    }

    long frames() {
        long frames = 0;
        for (int order = 0; order < SlotLists.ORDERS; order++) {
            for (int i = 0; i < entries; i++) {
                frames += (long)size(order, i) << order;
            }
        }
        return frames;
    }

    int entries() {
        return entries;
    }

    /** How many blocks an entry holds: a batch or none. */
    int size(final int order, final int index) {
        return words.getOpaque(entry(order, index)) == FULL ? lists.batch(order) : 0;
    }

    /** For the verifier: whether somebody is at an entry, as nobody is in a quiet system. */
    boolean isBusy(final int order, final int index) {
        return words.getOpaque(entry(order, index)) == BUSY;
    }

    /** For the verifier, in a quiet system. */
    long get(final int order, final int index, final int number) {
        return words.getPlain(entry(order, index) + NUMBERS + number);
    }

    private long entry(final int order, final int index) {
        return (long)order * entries + index << ENTRY_SHIFT;
    }
}
