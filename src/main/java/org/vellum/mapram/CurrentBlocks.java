package org.vellum.mapram;

import java.util.concurrent.atomic.AtomicLong;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.StackReserve;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mem.CacheLine;
import org.vellum.mem.Pages;
import org.vellum.mem.Words;
import org.vellum.mmu.Entry;
import org.vellum.mmu.PageTable;

/**
 * The block that each slot carves at present: the bump, and the dirty pages counted where they cost nothing.
 *
 * <pre>
 *   record of a slot, two cache lines:   [ current block + 1 | next page | end page | dirty | address of page 0 with tag | ... ]
 * </pre>
 *
 * <p>Records are numbered as the slots, and belong to whoever occupies the slot: plain words. One more, {@link #shared()},
 * belongs to whoever holds the eager policy's lock. Without a current block the next page is the end, so that one compare tells
 * whether a mapping fits.
 */
final class CurrentBlocks {
    private static final int MAX_COUNT_SHIFT = Integer.numberOfTrailingZeros(MapRam.MAX_BLOCK_PAGES);
    private static final int CURRENT = 0;
    private static final int NEXT = 1;
    private static final int END = 2;
    private static final int DIRTY = 3;
    private static final int BASE = 4;
    private static final long NO_BLOCK = 0;

    private final Cpus cpus;
    private final PageTable table;
    private final PhysicalMemory memory;
    private final Blocks blocks;
    private final Words records;

    /** Current blocks that a purge retired by occupying their slot; for tests. */
    final AtomicLong purged = new AtomicLong();
    /** Blocks that were left with pages that nobody had used; for tests. */
    final AtomicLong tailConversions = new AtomicLong();

    CurrentBlocks(final Cpus cpus, final PageTable table, final PhysicalMemory memory, final Blocks blocks) {
        this.cpus = cpus;
        this.table = table;
        this.memory = memory;
        this.blocks = blocks;
        records = Words.zeroed((cpus.cachedSlots() + 1L) * CacheLine.STRIDE_WORDS);
    }

    /** The record that no slot has. */
    int shared() {
        return cpus.cachedSlots();
    }

    /**
     * Maps from a record's block, or a new one.
     *
     * @param cpu the slot that the caller occupies, or null with the shared record.
     * @param index of the record.
     * @return the tagged address, or 0 if no block is to be had.
     * @throws IllegalArgumentException if a number is no frame's; nothing is changed.
     */
    long map(final Cpu cpu, final int index, final long[] frames, final int offset, final int count) {
        final long record = (long)index * CacheLine.STRIDE_WORDS;
        long page = records.getPlain(record + NEXT);
        if (page + count > records.getPlain(record + END)) {
            if (!renew(cpu, record)) {
                return 0;
            }
            page = records.getPlain(record + NEXT);
        }
        final long base = records.getPlain(record + BASE);
        if (!table.setMapping(page, memory, frames, offset, count, Entry.tag(base))) {
            throw noSuchFrame(frames, offset, count);
        }
        records.putPlain(record + NEXT, page + count);
        return base + (page << Pages.SHIFT);
    }

    private IllegalArgumentException noSuchFrame(final long[] frames, final int offset, final int count) {
        int i = offset;
        while (i < offset + count - 1 && memory.frameAddressOrZero(frames[i]) != 0) {
            i++;
        }
        return new IllegalArgumentException("not a frame: frames[" + i + "]=" + frames[i]);
    }

    private boolean renew(final Cpu cpu, final long record) {
        StackReserve.ensure();
        leave(cpu, record);
        final long block = blocks.take();
        if (block == BlockPool.NONE) {
            return false;
        }
        records.putPlain(record + NEXT, block << VmapBlock.PAGES_SHIFT);
        records.putPlain(record + END, block + 1 << VmapBlock.PAGES_SHIFT);
        records.putPlain(record + BASE, blocks.tag(block) | table.start());
        records.putPlain(record + DIRTY, 0);
        records.putPlain(record + CURRENT, block + 1);
        return true;
    }

    /** Folds the record's count and the unusable tail into the block's word, and forgets the block, in one step. */
    private void leave(final Cpu cpu, final long record) {
        final long current = records.getPlain(record + CURRENT);
        if (current != NO_BLOCK) {
            final long tail = records.getPlain(record + END) - records.getPlain(record + NEXT);
            if (tail > 0) {
                tailConversions.incrementAndGet();
            }
            records.putPlain(record + CURRENT, NO_BLOCK);
            records.putPlain(record + END, records.getPlain(record + NEXT));
            blocks.add(cpu, current - 1, VmapBlock.LEFT + records.getPlain(record + DIRTY) + tail);
        }
    }

    /**
     * Removes a mapping of a block, and notes the clear; not with the shared record, where a flush follows under the lock.
     *
     * @param cpu the slot that the caller occupies, or null.
     * @param index of the caller's record, or negative if it has none.
     * @return false, with nothing changed, if no such mapping starts there.
     */
    boolean unmap(final Cpu cpu, final int index, final long address, final int count) {
        final long page = table.pageOf(address);
        // Counts that no mapping of a block has must not be shifted into an entry.
        if (count - 1 >>> MAX_COUNT_SHIFT != 0 || !table.clearMappingNoFlush(page, Entry.tag(address), count)) {
            return false;
        }
        if (index != shared()) {
            // At once: whatever stops what follows, unmapAliases must know of the clear.
            cpus.noteClear(cpu);
        }
        final long block = page >>> VmapBlock.PAGES_SHIFT;
        final long record = (long)index * CacheLine.STRIDE_WORDS;
        if (index >= 0 && records.getPlain(record + CURRENT) == block + 1) {
            records.putPlain(record + DIRTY, records.getPlain(record + DIRTY) + count);
        } else {
            blocks.add(cpu, block, count);
        }
        return true;
    }

    /**
     * Retires current blocks that have no live mapping and little room left (V22), by occupying their slots.
     *
     * @param room blocks with at least this many pages left are kept.
     * @return how many.
     */
    int purge(final int room) {
        int count = 0;
        for (int i = 0; i < cpus.usedCachedSlots(); i++) {
            // A peek; decided again by the occupant.
            if (records.getOpaque((long)i * CacheLine.STRIDE_WORDS + CURRENT) != NO_BLOCK) {
                count += purgeSlot(i, room);
            }
        }
        return count;
    }

    private int purgeSlot(final int index, final int room) {
        final Cpu own = cpus.current();
        final Cpu cpu = own != null && own.index() == index ? cpus.enter(own) : cpus.tryVisit(index);
        if (cpu == null) {
            return 0;
        }
        try {
            final long record = (long)index * CacheLine.STRIDE_WORDS;
            final long current = records.getPlain(record + CURRENT);
            final long left = records.getPlain(record + END) - records.getPlain(record + NEXT);
            if (current == NO_BLOCK || left >= room
                || records.getPlain(record + DIRTY) + blocks.dirtyElsewhere(current - 1) != VmapBlock.PAGES - left) {
                return 0;
            }
            leave(cpu, record);
            purged.incrementAndGet();
            return 1;
        } finally {
            cpu.exit();
        }
    }

    /** The walker, of a system that nobody uses meanwhile. */
    void verify() {
        final int count = cpus.cachedSlots() + 1;
        final long[] current = new long[count];
        final long[] used = new long[count];
        for (int i = 0; i < count; i++) {
            final long record = (long)i * CacheLine.STRIDE_WORDS;
            current[i] = records.getPlain(record + CURRENT) - 1;
            final long left = records.getPlain(record + END) - records.getPlain(record + NEXT);
            used[i] = VmapBlock.PAGES - left - records.getPlain(record + DIRTY);
        }
        new BlockVerifier(table, blocks.records).verify(current, used, blocks.inLimbo());
    }
}
