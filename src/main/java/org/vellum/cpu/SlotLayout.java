package org.vellum.cpu;

import org.vellum.mem.CacheLine;

/**
 * The record of one slot, and the packed words in it. Indexes are in 64-bit words.
 *
 * <pre>
 *   slot record, two cache lines
 *   +---------+---------+-------------------------------------------------------+
 *   | word 0  | occupancy: 0 = idle, else thread id (32) | epoch (32)           |  CAS by entrants, release by occupant
 *   | word 1  | state: displaced or visiting (32) | nesting (32)                |  occupant only, plain
 *   | word 2  | clears: mappings cleared by occupants of this slot              |  occupant writes (release), anyone reads
 *   | word 3  | maps: for the room whose maps keep the slot                     |  occupant only, plain
 *   | 4 .. 7  | unused                                                          |
 *   | 8 .. 15 | for the room that keeps its hottest words with the slot         |  occupant only, plain
 *   +---------+---------+-------------------------------------------------------+
 *
 *   cell of the affinity table
 *   +------------------------------+------------------------------+
 *   | displaced: threads (32)      | affine slot (32)             |  CAS and getAndAdd
 *   +------------------------------+------------------------------+
 * </pre>
 *
 * The epoch is odd, so an occupied slot is never 0, whatever the thread id.
 */
final class SlotLayout {
    static final int OCCUPANCY = 0;
    static final int STATE = 1;
    static final int CLEARS = 2;
    static final int MAPS = 3;
    static final int OWN = CacheLine.STRIDE_WORDS / 2;
    static final int STRIDE_WORDS = CacheLine.STRIDE_WORDS;
    static final int STRIDE_SHIFT = Integer.numberOfTrailingZeros(CacheLine.STRIDE_BYTES);

    static final long IDLE = 0L;
    static final long EPOCH_MASK = 0xFFFF_FFFFL;

    /** Thread ids from here on do not fit the word: such threads take the slow way and appear as id 0. */
    static final long ID_LIMIT = 1L << 32;

    static final long STATE_DISPLACED = 1L << 32;

    /** Displaced on purpose, to drain this very slot: the exit must not re-home to it. */
    static final long STATE_VISITING = 3L << 32;

    static final long CELL_DISPLACED_ONE = 1L << 32;

    /** No thread of the cell has entered yet: slots are dealt out as they are needed, so that few threads mean few slots. */
    static final long CELL_UNASSIGNED = 1L << 62;

    private SlotLayout() {
    }

    static long occupied(final long threadId, final long epoch) {
        assert (epoch & 1) == 1 : "epoch=" + epoch;
        return threadId << 32 | epoch & EPOCH_MASK;
    }

    static long threadIdOf(final long occupancy) {
        return occupancy >>> 32;
    }

    static int epochOf(final long occupancy) {
        return (int)occupancy;
    }

    static boolean isAssigned(final long cell) {
        return cell < CELL_UNASSIGNED;
    }

    static int slotOf(final long cell) {
        return (int)cell;
    }

    static int displacedOf(final long cell) {
        return (int)(cell >>> 32);
    }

    static long withSlot(final long cell, final int slot) {
        return cell & ~EPOCH_MASK | slot;
    }
}
