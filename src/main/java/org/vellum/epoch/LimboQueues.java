package org.vellum.epoch;

import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.mem.CacheLine;
import org.vellum.mem.Words;

/**
 * The queues of a {@link Limbo}, one for each slot with caches, in order of stamps. Plain words of the slot's occupant, but for
 * those that others peek at.
 *
 * <pre>
 *   queue of a slot, two cache lines:   [ first + 1 | last + 1 | bytes | own | count | length | - | touched | the last 8 tokens + 1 ]     0 = empty
 *
 *   bytes   of what is queued
 *   own     how often the slot's occupants looked into the queue for something they needed
 *   count   tokens ever appended;  length: those that are here
 *
 *   link word of a record:   [ ahead + 1 (32) | next + 1 (32) ]
 * </pre>
 *
 * <p>A queue that a section held up is long and cold: walking it would wait for memory at each record, since only the record says
 * where the next one is. So each also names the one that follows eight places behind, which is touched in passing and has
 * arrived when the walk gets there. It is a hint: whatever it says is a record.
 */
final class LimboQueues {
    static final long EMPTY = 0;

    private static final int FIRST = 0;
    private static final int LAST = 1;
    private static final int BYTES = 2;
    private static final int OWN = 3;
    private static final int COUNT = 4;
    private static final int LENGTH = 5;
    private static final int TOUCHED = 7;
    private static final int LAST_TOKENS = 8;
    private static final int AHEAD = 8;

    private static final int AHEAD_SHIFT = 32;
    private static final long NEXT_MASK = 0xFFFF_FFFFL;

    /** Longer than the operating system lets a thread wait for a processor while others take turns. */
    private static final long ABANDONED_NANOS = 100_000_000;

    private final Words records;
    private final long strideWords;
    private final long linkWord;
    private final long stampWord;
    private final Words queues;
    /** For each slot {@link #OWN} as a drain saw it last, and when it had changed. A race costs a visit too many or too few. */
    private final Words looks;

    LimboQueues(
        final Cpus cpus, final Words records, final long strideWords, final long linkWord, final long stampWord) {
        this.records = records;
        this.strideWords = strideWords;
        this.linkWord = linkWord;
        this.stampWord = stampWord;
        queues = Words.zeroed((long)cpus.cachedSlots() * CacheLine.STRIDE_WORDS);
        looks = Words.zeroed(2L * cpus.cachedSlots());
    }

    private static long queue(final int slot) {
        return (long)slot * CacheLine.STRIDE_WORDS;
    }

    /** By the slot's occupant, of a token that is linked to nothing and bears its stamp. */
    void append(final Cpu cpu, final long token, final long bytes) {
        final long queue = queue(cpu.index());
        final long last = queues.getPlain(queue + LAST);
        if (last == EMPTY) {
            queues.putOpaque(queue + FIRST, token + 1);
        } else {
            final long link = (last - 1) * strideWords + linkWord;
            records.putPlain(link, records.getPlain(link) & ~NEXT_MASK | token + 1);
        }
        nameAhead(queue, token);
        queues.putPlain(queue + LAST, token + 1);
        queues.putOpaque(queue + BYTES, queues.getPlain(queue + BYTES) + bytes);
    }

    /** Tells the record eight places before that this one follows, if it is still here: elsewhere its link is not ours to change. */
    private void nameAhead(final long queue, final long token) {
        final long count = queues.getPlain(queue + COUNT);
        final long length = queues.getPlain(queue + LENGTH);
        final long at = queue + LAST_TOKENS + (count & AHEAD - 1);
        if (length >= AHEAD) {
            final long link = (queues.getPlain(at) - 1) * strideWords + linkWord;
            records.putPlain(link, records.getPlain(link) & NEXT_MASK | token + 1 << AHEAD_SHIFT);
        }
        queues.putPlain(at, token + 1);
        queues.putPlain(queue + COUNT, count + 1);
        queues.putPlain(queue + LENGTH, length + 1);
    }

    /** The token that a record is linked to + 1, or {@link #EMPTY}. */
    static long next(final long link) {
        return link & NEXT_MASK;
    }

    /** The oldest token of a slot + 1, or {@link #EMPTY}. From outside it is a peek: to be decided again by an occupant. */
    long oldest(final int slot) {
        // Opaque: partner of append() and detach().
        return queues.getOpaque(queue(slot) + FIRST);
    }

    /** Whether the oldest token of the occupant's slot has passed a horizon. */
    boolean oldestHasPassed(final Cpu cpu, final long horizon) {
        final long first = queues.getPlain(queue(cpu.index()) + FIRST);
        return first != EMPTY && horizon - records.getPlain((first - 1) * strideWords + stampWord) > 0;
    }

    /** Notes that the occupant looks into its queue for something that it needs. */
    void noteOwn(final Cpu cpu) {
        final long queue = queue(cpu.index());
        queues.putOpaque(queue + OWN, queues.getPlain(queue + OWN) + 1);
    }

    /** Of what the occupant's slot has queued. */
    long bytes(final Cpu cpu) {
        return queues.getPlain(queue(cpu.index()) + BYTES);
    }

    /**
     * Whether a slot had better be left alone by a drain: its occupants look into its queue themselves, and it is not longer than
     * they can need.
     *
     * @param nanos the time.
     */
    boolean looksAfterItself(final int slot, final long mostBytes, final long nanos) {
        // Opaque: partners of noteOwn() and append().
        final long own = queues.getOpaque(queue(slot) + OWN);
        if (own != looks.getOpaque(2L * slot)) {
            looks.putOpaque(2L * slot + 1, nanos);
            looks.putOpaque(2L * slot, own);
        }
        return own != 0 && nanos - looks.getOpaque(2L * slot + 1) < ABANDONED_NANOS
            && queues.getOpaque(queue(slot) + BYTES) <= mostBytes;
    }

    /**
     * Cuts off the oldest tokens of the occupant's slot, those stamped before the horizon.
     *
     * @param bytesOf tells the bytes of a token.
     * @return the first + 1, linked to the others, or {@link #EMPTY}.
     */
    long detach(final Cpu cpu, final long horizon, final int most, final Release bytesOf) {
        final long queue = queue(cpu.index());
        final long first = queues.getPlain(queue + FIRST);
        long passed = EMPTY;
        long next = first;
        long bytes = 0;
        long touched = 0;
        int count = 0;
        for (; count < most && next != EMPTY
            && horizon - records.getPlain((next - 1) * strideWords + stampWord) > 0; count++) {
            passed = next;
            bytes += bytesOf.bytes(next - 1);
            final long link = records.getPlain((next - 1) * strideWords + linkWord);
            touched += records.getOpaque(Math.max(0, (link >>> AHEAD_SHIFT) - 1) * strideWords + stampWord);
            next = next(link);
        }
        if (passed == EMPTY) {
            return EMPTY;
        }
        records.putPlain((passed - 1) * strideWords + linkWord, EMPTY);
        queues.putOpaque(queue + FIRST, next);
        if (next == EMPTY) {
            queues.putPlain(queue + LAST, EMPTY);
        }
        queues.putOpaque(queue + BYTES, queues.getPlain(queue + BYTES) - bytes);
        queues.putPlain(queue + LENGTH, queues.getPlain(queue + LENGTH) - count);
        // So that the compiler must do what it is told in passing.
        queues.putPlain(queue + TOUCHED, touched);
        return first;
    }
}
