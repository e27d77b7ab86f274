package org.vellum.frame;

import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.mem.Words;

/**
 * The per-CPU lists: for each slot that carries caches and each order 0..3 a stack of free blocks. Indexes are in
 * 64-bit words.
 *
 * <pre>
 *   record of one slot, 2 KiB
 *   +-----------+---------------------------------------------+
 *   | 0 .. 3    | how many blocks of order 0 .. 3             |  occupant writes (opaque), anyone reads
 *   | 4 .. 15   | unused                                      |
 *   | 16        | stack of order 0: 128 heads                 |  occupant, plain
 *   | 144       | stack of order 1:  64                       |
 *   | 208       | stack of order 2:  32                       |
 *   | 240       | stack of order 3:  16                       |
 *   +-----------+---------------------------------------------+
 * </pre>
 *
 * <h2>Batches</h2>
 * An empty list is refilled with, and a full one drained by, one batch, half its capacity: a thread that allocates and
 * frees around either edge does a batch of operations between two visits to the buddy. A batch is at most 256 KiB of
 * every order. Larger ones would take the lock still more seldom, but the lists of all orders already strand up to 2
 * MiB in each slot, and a batch bounds how long the lock is held (a few microseconds). Batches that one slot's list has too
 * many go to another's by way of the {@link Depot}, as long as that has room. Small memories get small batches: all lists and
 * the depot together hold at most half of it, and what has no batch is in neither.
 */
final class SlotLists {
    static final int ORDERS = 4;

    private static final int MAX_BATCH = 64;
    private static final int RECORD_SHIFT = 8;
    private static final int STACKS_END = 1 << RECORD_SHIFT;

    private final Words words;
    private final int slots;
    private final int batch;

    SlotLists(final Cpus cpus, final long frames) {
        slots = cpus.cachedSlots();
        // Four orders of two batches in each slot, and of some in the depot: half of memory is frames / 2 = that many × batch.
        final long batches = ORDERS * (2L * slots + Depot.ENTRIES);
        batch = (int)Math.min(MAX_BATCH, frames / (2 * batches));
        words = Words.zeroed((long)slots << RECORD_SHIFT);
    }

    int slots() {
        return slots;
    }

    /** @return how many blocks are moved at once; 0 if the order is not cached. */
    int batch(final int order) {
        return order < ORDERS ? batch >>> order : 0;
    }

    /** Whether the slot has a list for blocks of that order. */
    static boolean isListed(final Cpu cpu, final int order) {
        return order >>> 2 == 0 && cpu.carriesCaches();
    }

    /** The block that the occupant's slot was given last, whose word still says CACHED, or NO_FRAME. */
    long take(final Cpu cpu, final int order) {
        return isListed(cpu, order) ? pop(cpu.index(), order) : PhysicalMemory.NO_FRAME;
    }

    /** Whether the list of the occupant's slot had room for a block, and has it now. */
    boolean offer(final Cpu cpu, final int order, final long frame) {
        if (!isListed(cpu, order) || isFull(cpu.index(), order)) {
            return false;
        }
        push(cpu.index(), order, frame);
        return true;
    }

    int size(final int slot, final int order) {
        return (int)words.getOpaque(record(slot) + order);
    }

    boolean isFull(final int slot, final int order) {
        return size(slot, order) >= 2 * batch(order);
    }

    private long pop(final int slot, final int order) {
        final long record = record(slot);
        final long size = words.getPlain(record + order);
        if (size == 0) {
            return PhysicalMemory.NO_FRAME;
        }
        words.putOpaque(record + order, size - 1);
        return words.getPlain(record + stack(order) + size - 1);
    }

    void push(final int slot, final int order, final long frame) {
        final long record = record(slot);
        final long size = words.getPlain(record + order);
        assert size < MAX_BATCH * 2 >>> order : "slot=" + slot + " order=" + order + " size=" + size;
        words.putPlain(record + stack(order) + size, frame);
        words.putOpaque(record + order, size + 1);
    }

    long get(final int slot, final int order, final int index) {
        return words.getPlain(record(slot) + stack(order) + index);
    }

    /** Turns the stack around, so that a batch pushed in ascending order is popped in ascending order. */
    void reverse(final int slot, final int order) {
        final long stack = record(slot) + stack(order);
        for (int low = 0, high = size(slot, order) - 1; low < high; low++, high--) {
            final long frame = words.getPlain(stack + low);
            words.putPlain(stack + low, words.getPlain(stack + high));
            words.putPlain(stack + high, frame);
        }
    }

    /** Drops the lowest blocks, those freed longest ago; the caller has read them. */
    void dropOldest(final int slot, final int order, final int count) {
        final long record = record(slot);
        final long stack = record + stack(order);
        final long left = words.getPlain(record + order) - count;
        assert left >= 0 : "slot=" + slot + " order=" + order + " count=" + count;
        for (long i = 0; i < left; i++) {
            words.putPlain(stack + i, words.getPlain(stack + i + count));
        }
        words.putOpaque(record + order, left);
    }

    /** @return the frames in the lists of all slots; exact when nobody is inside a section. */
    long frames() {
        long frames = 0;
        for (int slot = 0; slot < slots; slot++) {
            for (int order = 0; order < ORDERS; order++) {
                frames += (long)size(slot, order) << order;
            }
        }
        return frames;
    }

    private static long record(final int slot) {
        return (long)slot << RECORD_SHIFT;
    }

    private static int stack(final int order) {
        return STACKS_END + 16 - (STACKS_END >>> order);
    }
}
