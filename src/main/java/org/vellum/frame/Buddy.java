package org.vellum.frame;

import org.vellum.cpu.Cpus;
import org.vellum.cpu.SpinLock;
import org.vellum.mem.CacheLine;
import org.vellum.mem.Words;

/**
 * The buddy system: free blocks of every bank, cut and joined by powers of two, never across banks.
 *
 * <pre>
 *   record of one bank, in 64-bit words
 *   +---------+-------------------------------------------------------------+
 *   | word 0  | bit k: there is a free block of order k                     |
 *   | 1 .. 19 | head of the list of free blocks of order 0 .. 18; 0 = empty |
 *   +---------+-------------------------------------------------------------+
 * </pre>
 * The lists run through {@link FrameTable}. All of it belongs to the holder of the lock; the overflow stack alone is
 * pushed to by those who did not get it.
 *
 * <p>Lists are kept per bank so that the lowest bank is found without sorting: within it, the smallest block that fits.
 */
final class Buddy {
    /**
     * Tries of a few microseconds each, with a yield between: a preempted holder gets its processor back well before.
     */
    private static final int PATIENCE = 5_000;
    private static final int RECORD_SHIFT = 5;
    private static final int HEADS = 1;

    private final SpinLock lock;
    private final PhysicalMemory memory;
    private final FrameTable table;
    private final Counters counters;
    private final int bankOrder;
    private final Words records;

    /** Head of the overflow stack: CAS by pushers, exchanged by the holder of the lock. 0 = empty. */
    private final Words overflow = Words.zeroed(2L * CacheLine.STRIDE_WORDS);

    /** No bank below this one has a free block. Under the lock. */
    private int lowest = 1;

    /**
     * Exclusive end of the banks that have been in the buddy; lower ones have records, as banks are added without gaps.
     */
    private int recordLimit = 1;

    Buddy(final Cpus cpus, final PhysicalMemory memory, final FrameTable table, final Counters counters) {
        lock = new SpinLock(cpus);
        this.memory = memory;
        this.table = table;
        this.counters = counters;
        bankOrder = memory.bankShift();
        // Addresses only: the record of a bank is set when the bank is added.
        records = Words.reserve((long)memory.bankLimit() << RECORD_SHIFT);
    }

    /**
     * Takes the lock, yielding between bounded tries; whoever gets it also finds the overflow stack empty.
     *
     * @return false if patience ran out.
     */
    boolean lock() {
        for (int i = 0; i < PATIENCE; i++) {
            if (tryLock()) {
                return true;
            }
            Thread.yield();
        }
        return false;
    }

    /** One try of a few microseconds. */
    boolean tryLock() {
        if (lock.tryLock()) {
            takeOverflow();
            return true;
        }
        return false;
    }

    void unlock() {
        counters.noteUse();
        lock.unlock();
    }

    /**
     * Sets the record of a bank that is added for the first time. Under the growth lock, before any of its frames is
     * free.
     */
    void prepare(final MemoryBank bank) {
        records.zero(record(bank.number()), 1L << RECORD_SHIFT);
    }

    /**
     * Takes the highest wholly free bank out that may go. Under the lock.
     *
     * @return its number, or -1.
     */
    int remove() {
        for (int bank = recordLimit - 1; bank >= 1; bank--) {
            if (records.getPlain(record(bank)) == 1L << bankOrder && !memory.isKept(bank)) {
                final long frame = (long)bank << bankOrder;
                unlink(frame, bankOrder);
                table.putWord(frame, FrameWord.ABSENT);
                counters.addBuddyFrames(-(1L << bankOrder));
                return bank;
            }
        }
        return -1;
    }

    /**
     * Takes a block from the lowest bank that has one; the caller owns it, as a list would. Under the lock.
     *
     * @param order at most the bank's.
     * @return its head, whose word says CACHED, or NO_FRAME.
     */
    long take(final int order) {
        while (lowest < recordLimit && records.getPlain(record(lowest)) == 0) {
            lowest++;
        }
        for (int bank = lowest; bank < recordLimit; bank++) {
            final long fitting = records.getPlain(record(bank)) >>> order;
            if (fitting != 0) {
                final int found = order + Long.numberOfTrailingZeros(fitting);
                return cut(records.getPlain(record(bank) + HEADS + found), found, order);
            }
        }
        return PhysicalMemory.NO_FRAME;
    }

    private long cut(final long frame, final int found, final int order) {
        unlink(frame, found);
        for (int half = found - 1; half >= order; half--) {
            link(frame + (1L << half), half);
            counters.countLocked(FrameEvent.SPLIT);
        }
        table.putWord(frame, FrameWord.cached(order));
        counters.addBuddyFrames(-(1L << order));
        return frame;
    }

    /**
     * Keeps the first frames of a block that the caller has taken, and takes the others back. Under the lock.
     *
     * @param block its head.
     * @param frames to keep, at least one, in blocks of falling order whose heads say CACHED.
     */
    void trim(final long block, final long frames) {
        final int order = FrameWord.order(table.word(block));
        long at = block;
        long left = frames;
        for (int half = order - 1; left != 0 && half >= 0; half--) {
            // Of the 2 << half frames at this place some are kept, not all.
            counters.countLocked(FrameEvent.SPLIT);
            if (left < 1L << half) {
                link(at + (1L << half), half);
            } else {
                table.putWord(at, FrameWord.cached(half));
                at += 1L << half;
                left -= 1L << half;
                if (left == 0) {
                    link(at, half);
                }
            }
        }
        counters.addBuddyFrames((1L << order) - frames);
    }

    /**
     * Takes the frames behind a block that is not free, if they are. Under the lock.
     *
     * @param from the first.
     * @param end the exclusive end, in the same bank.
     * @return whether they were free, and are now the caller's, in blocks whose heads say CACHED.
     */
    boolean takeRange(final long from, final long end) {
        for (long at = from; at < end; at += 1L << FrameWord.order(table.word(at))) {
            // A free block that holds such a frame begins there, or right behind the last one.
            if (FrameWord.state(table.word(at)) != FrameTable.FREE) {
                return false;
            }
        }
        for (long at = from; at < end;) {
            final int order = FrameWord.order(table.word(at));
            unlink(at, order);
            table.putWord(at, FrameWord.cached(order));
            counters.addBuddyFrames(-(1L << order));
            if (end - at < 1L << order) {
                trim(at, end - at);
            }
            at += 1L << order;
        }
        return true;
    }

    /**
     * Takes a block back, joined with its buddies as far as they are free. Under the lock; the caller's list has it.
     */
    void give(final long given, final int givenOrder) {
        assert table.word(given) == FrameWord.cached(givenOrder) : "frame=" + given + " order=" + givenOrder;
        counters.addBuddyFrames(1L << givenOrder);
        long frame = given;
        int order = givenOrder;
        for (; order < bankOrder; order++) {
            final long buddy = frame ^ 1L << order;
            // Opaque is enough: words become and cease to be FREE only under this lock.
            if (table.word(buddy) != FrameWord.free(order)) {
                break;
            }
            unlink(buddy, order);
            table.putWord(Math.max(frame, buddy), FrameWord.TAIL);
            frame = Math.min(frame, buddy);
            counters.countLocked(FrameEvent.COALESCE);
        }
        link(frame, order);
    }

    /**
     * Takes blocks back whatever the lock does: never waits.
     *
     * @param first of a chain, linked by next words; the caller's lists have none of them.
     * @param last of the chain; its next word is set here.
     * @param frames in the chain.
     */
    void giveOrPush(final long first, final long last, final long frames) {
        if (tryLock()) {
            try {
                table.putNext(last, 0);
                for (long frame = first, next; frame != 0; frame = next) {
                    // Read first: the buddy's lists run through the same words.
                    next = table.next(frame);
                    give(frame, FrameWord.order(table.word(frame)));
                }
            } finally {
                unlock();
            }
        } else {
            pushOverflow(first, last, frames);
        }
    }

    /**
     * Pushes blocks that the caller's list has dropped, linked by their next words.
     *
     * @param first of the chain.
     * @param last of the chain; its next word is set here.
     * @param frames in the chain.
     */
    void pushOverflow(final long first, final long last, final long frames) {
        counters.addOverflowFrames(frames);
        counters.count(FrameEvent.OVERFLOW);
        long head;
        do {
            head = overflow.getOpaque(0);
            table.putNext(last, head);
            // CAS: publishes the next words; partner: the exchange in takeOverflow. Pushed singly, taken whole: no ABA.
        } while (!overflow.compareAndSet(0, head, first));
    }

    private void takeOverflow() {
        if (overflow.getOpaque(0) == 0) {
            return;
        }
        // Exchange: acquires the chain; partner: the CAS in pushOverflow.
        long frame = overflow.getAndSet(0, 0);
        while (frame != 0) {
            final long next = table.next(frame);
            final int order = FrameWord.order(table.word(frame));
            give(frame, order);
            counters.addOverflowFrames(-(1L << order));
            frame = next;
        }
    }

    private void link(final long frame, final int order) {
        final int bank = (int)(frame >>> bankOrder);
        final long list = record(bank) + HEADS + order;
        final long next = records.getPlain(list);
        table.putNext(frame, next);
        table.putPrevious(frame, 0);
        if (next != 0) {
            table.putPrevious(next, frame);
        }
        records.putPlain(list, frame);
        records.putPlain(record(bank), records.getPlain(record(bank)) | 1L << order);
        table.putWord(frame, FrameWord.free(order));
        lowest = Math.min(lowest, bank);
        recordLimit = Math.max(recordLimit, bank + 1);
    }

    private void unlink(final long frame, final int order) {
        assert table.word(frame) == FrameWord.free(order) : "frame=" + frame + " order=" + order;
        final long record = record((int)(frame >>> bankOrder));
        final long next = table.next(frame);
        final long previous = table.previous(frame);
        if (next != 0) {
            table.putPrevious(next, previous);
        }
        if (previous != 0) {
            table.putNext(previous, next);
        } else {
            records.putPlain(record + HEADS + order, next);
            if (next == 0) {
                records.putPlain(record, records.getPlain(record) & ~(1L << order));
            }
        }
    }

    private static long record(final int bank) {
        return (long)bank << RECORD_SHIFT;
    }

    /** For the verifier, under the lock: the first free block of an order in a bank, 0 if none. */
    long firstFree(final int bank, final int order) {
        final long head = records.getPlain(record(bank) + HEADS + order);
        final boolean marked = (records.getPlain(record(bank)) >>> order & 1) != 0;
        if (marked != (head != 0) || head != 0 && bank < lowest) {
            throw new AssertionError("bank=" + bank + " order=" + order + " head=" + head + " marked=" + marked
                + " lowest=" + lowest);
        }
        return head;
    }
}
