package org.vellum.mapram;

import org.vellum.mem.CacheLine;
import org.vellum.mem.Words;

/**
 * Blocks ready for use: a lock-free stack through their own records.
 *
 * <p>The top word carries a count of pops beside the block, so that a pop which was overtaken (the top popped, another popped,
 * the first pushed again) fails its CAS instead of installing a stale link.
 */
final class BlockPool {
    static final long NONE = -1;

    private static final long BLOCK_MASK = 0xFFFF_FFFFL;
    private static final long POP = 1L << 32;

    private final Words records;
    private final Words top = Words.zeroed(2L * CacheLine.STRIDE_WORDS);
    private final Words size = Words.zeroed(2L * CacheLine.STRIDE_WORDS);

    BlockPool(final Words records) {
        this.records = records;
    }

    void push(final long block) {
        long old;
        do {
            old = top.getOpaque(0);
            records.putOpaque(block * VmapBlock.STRIDE_WORDS + VmapBlock.LINK, old & BLOCK_MASK);
            // CAS: releases the record; partner: the volatile load in pop().
        } while (!top.compareAndSet(0, old, old & ~BLOCK_MASK | block + 1));
        size.getAndAdd(0, 1);
    }

    long pop() {
        while (true) {
            // Volatile: acquires the record; partner: the CAS in push().
            final long old = top.getVolatile(0);
            final long block = (old & BLOCK_MASK) - 1;
            if (block < 0) {
                return NONE;
            }
            // Opaque: the block may be in other hands by now; then the CAS fails.
            final long next = records.getOpaque(block * VmapBlock.STRIDE_WORDS + VmapBlock.LINK) & BLOCK_MASK;
            if (top.compareAndSet(0, old, (old & ~BLOCK_MASK) + POP | next)) {
                size.getAndAdd(0, -1);
                return block;
            }
        }
    }

    /** How many blocks are here, approximately. */
    long size() {
        return size.getOpaque(0);
    }
}
