package org.vellum.mapram;

import java.util.concurrent.atomic.AtomicLong;
import org.agrona.UnsafeApi;
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
 *   record, one cache line:   [ next entry | end entry | distance | key | current block + 1 | dirty | ... ]
 *
 *   next, end   native addresses in the page table: of the entry that the next mapping begins with, and behind the block's last
 *   distance    from {@code entry << 9} to the address of the entry's page, tag included
 *   key         what an entry of this life of the block bears besides its page
 * </pre>
 *
 * <p>The record of a slot is the slot's own line ({@link Cpu#ownWords()}) and belongs to whoever occupies the slot: plain words.
 * One more, {@link #shared()}, belongs to whoever holds the eager policy's lock. Without a current block next and end are 0, so
 * that the one compare which tells whether a mapping fits, and the one which tells whether an address is of the current block,
 * both send the caller the slow way: a slot that carries no caches, and every slot under the eager policy, never has one.
 */
final class CurrentBlocks {
    private static final int NEXT = 0;
    private static final int END = 8;
    private static final int DISTANCE = 16;
    private static final int KEY = 24;
    private static final int CURRENT = 32;
    private static final int DIRTY = 40;
    private static final long NO_BLOCK = 0;

    private static final int MAX_COUNT_SHIFT = Integer.numberOfTrailingZeros(MapRam.MAX_BLOCK_PAGES);
    private static final int ENTRY_BYTES_SHIFT = 3;
    private static final int BLOCK_BYTES_SHIFT = VmapBlock.PAGES_SHIFT + ENTRY_BYTES_SHIFT;

    private final Cpus cpus;
    private final PageTable table;
    private final PhysicalMemory memory;
    private final Blocks blocks;
    private final Words shared = Words.zeroed(2L * CacheLine.STRIDE_WORDS);

    /** Current blocks that a purge retired by occupying their slot; for tests. */
    final AtomicLong purged = new AtomicLong();
    /** Blocks that were left with pages that nobody had used; for tests. */
    final AtomicLong tailConversions = new AtomicLong();

    CurrentBlocks(final Cpus cpus, final PageTable table, final PhysicalMemory memory, final Blocks blocks) {
        this.cpus = cpus;
        this.table = table;
        this.memory = memory;
        this.blocks = blocks;
    }

    /** The record that no slot has. */
    long shared() {
        return shared.address(0);
    }

    private static long get(final long record, final int word) {
        return UnsafeApi.getLong(record + word);
    }

    private static void put(final long record, final int word, final long value) {
        UnsafeApi.putLong(record + word, value);
    }

    /** Whether no block serves that many pages, or the array does not hold them. */
    static boolean isMalformed(final long[] frames, final int offset, final int count) {
        // The last place where a mapping of that count can begin. Subtracted from one by one: no sum of the two can be trusted.
        final int last = frames.length - count;
        return (count - 1 >>> MAX_COUNT_SHIFT | (offset | last | last - offset) >>> Integer.SIZE - 1) != 0;
    }

    /**
     * Maps from a record's block, if it has one with so much room.
     *
     * @param record the caller's.
     * @param count not {@linkplain #isMalformed malformed}, as the others.
     * @return the tagged address, or 0 if the block does not serve.
     * @throws IllegalArgumentException if a number is no frame's; nothing is changed.
     */
    long map(final long record, final long[] frames, final int offset, final int count) {
        final long entry = get(record, NEXT);
        final long behind = entry + ((long)count << ENTRY_BYTES_SHIFT);
        if (behind > get(record, END)) {
            return 0;
        }
        if (!table.setMapping(entry, get(record, KEY), memory, frames, offset, count)) {
            throw noSuchFrame(frames, offset, count);
        }
        put(record, NEXT, behind);
        return (entry << PageTable.ADDRESS_SHIFT) + get(record, DISTANCE);
    }

    private IllegalArgumentException noSuchFrame(final long[] frames, final int offset, final int count) {
        int i = offset;
        while (i < offset + count - 1 && memory.frameAddressOrZero(frames[i]) != 0) {
            i++;
        }
        return new IllegalArgumentException("not a frame: frames[" + i + "]=" + frames[i]);
    }

    /**
     * {@link #map} from a new block, if the record's does not serve.
     *
     * @param cpu the slot that the caller occupies, or null with the shared record.
     * @return the tagged address, or 0 if no block is to be had.
     */
    long mapRenewing(final Cpu cpu, final long record, final long[] frames, final int offset, final int count) {
        final long address = map(record, frames, offset, count);
        return address != 0 || !renew(cpu, record) ? address : map(record, frames, offset, count);
    }

    private boolean renew(final Cpu cpu, final long record) {
        StackReserve.ensure();
        leave(cpu, record);
        final long block = blocks.take();
        if (block == BlockPool.NONE) {
            return false;
        }
        final long first = block << VmapBlock.PAGES_SHIFT;
        final long tag = blocks.tag(block);
        put(record, DISTANCE, table.addressDistance(first, tag));
        put(record, KEY, Entry.key(tag));
        put(record, DIRTY, 0);
        put(record, NEXT, table.entryAddress(first));
        put(record, END, table.entryAddress(first + VmapBlock.PAGES));
        put(record, CURRENT, block + 1);
        return true;
    }

    private static long pagesLeft(final long record) {
        return get(record, END) - get(record, NEXT) >>> ENTRY_BYTES_SHIFT;
    }

    /** Folds the record's count and the unusable tail into the block's word, and forgets the block, in one step. */
    private void leave(final Cpu cpu, final long record) {
        final long current = get(record, CURRENT);
        if (current != NO_BLOCK) {
            final long tail = pagesLeft(record);
            if (tail > 0) {
                tailConversions.incrementAndGet();
            }
            put(record, CURRENT, NO_BLOCK);
            put(record, NEXT, 0);
            put(record, END, 0);
            blocks.add(cpu, current - 1, VmapBlock.LEFT + get(record, DIRTY) + tail);
        }
    }

    /**
     * Removes a mapping of a record's block, and counts its pages there. The caller notes the clear.
     *
     * @param record the caller's.
     * @return false, with nothing changed, if no such mapping starts there, or it is of another block.
     */
    boolean unmap(final long record, final long address, final int count) {
        final long fromDistance = address - get(record, DISTANCE);
        final long entry = fromDistance >>> PageTable.ADDRESS_SHIFT;
        // At most a block below the end; on a page; a count that must not be shifted into an entry otherwise. An address of
        // another generation differs in its highest bits, and so lies far away.
        final long beside = get(record, END) - entry - Long.BYTES >>> BLOCK_BYTES_SHIFT;
        if ((beside | fromDistance & Pages.OFFSET_MASK | count - 1 >>> MAX_COUNT_SHIFT) != 0
            || !PageTable.clearMappingNoFlush(entry, get(record, KEY), count)) {
            return false;
        }
        put(record, DIRTY, get(record, DIRTY) + count);
        return true;
    }

    /**
     * Removes a mapping of any block, notes the clear, and counts the pages in the block's word.
     *
     * @param cpu the slot that the caller occupies, or null.
     * @return false, with nothing changed, if no such mapping starts there.
     */
    boolean unmapElsewhere(final Cpu cpu, final long address, final int count) {
        final long page = table.pageOf(address);
        if (count - 1 >>> MAX_COUNT_SHIFT != 0 || !table.isZeroed(page)
            || !PageTable.clearMappingNoFlush(table.entryAddress(page), Entry.key(address), count)) {
            return false;
        }
        // At once: whatever stops what follows, unmapAliases must know of the clear.
        cpus.noteClear(cpu);
        blocks.add(cpu, page >>> VmapBlock.PAGES_SHIFT, count);
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
            if (looksPurgeable(cpus.cpu(i).ownWords(), room)) {
                count += purgeSlot(i, room);
            }
        }
        return count;
    }

    /**
     * A peek, decided again by the occupant: words of different moments may be wrong either way, and then a block is looked at in vain, or
     * purged another time. A visit would drive the slot's own threads away.
     */
    private boolean looksPurgeable(final long record, final int room) {
        final long current = UnsafeApi.getLongOpaque(null, record + CURRENT);
        final long left = UnsafeApi.getLongOpaque(null, record + END) - UnsafeApi.getLongOpaque(null, record + NEXT)
            >>> ENTRY_BYTES_SHIFT;
        return current != NO_BLOCK && left < room
            && UnsafeApi.getLongOpaque(null, record + DIRTY) + blocks.dirtyElsewhere(current - 1) == VmapBlock.PAGES - left;
    }

    private int purgeSlot(final int index, final int room) {
        final Cpu own = cpus.current();
        final Cpu cpu = own != null && own.index() == index ? cpus.enter(own) : cpus.tryVisit(index);
        if (cpu == null) {
            return 0;
        }
        try {
            final long record = cpu.ownWords();
            final long current = get(record, CURRENT);
            final long left = pagesLeft(record);
            if (current == NO_BLOCK || left >= room
                || get(record, DIRTY) + blocks.dirtyElsewhere(current - 1) != VmapBlock.PAGES - left) {
                return 0;
            }
            leave(cpu, record);
            purged.incrementAndGet();
            return 1;
        } finally {
            cpu.exit();
        }
    }

    /** Whether some slot's current block has an entry on the cache line; for tests. */
    boolean isOfCurrentBlock(final long line) {
        boolean found = false;
        for (int i = 0; i < cpus.cachedSlots(); i++) {
            final long end = get(cpus.cpu(i).ownWords(), END);
            found |= line >= end - (1L << BLOCK_BYTES_SHIFT) && line < end;
        }
        return found;
    }

    /** The walker, of a system that nobody uses meanwhile. */
    void verify() {
        final int slots = cpus.cachedSlots();
        final long[] current = new long[slots + 1];
        final long[] used = new long[slots + 1];
        for (int i = 0; i <= slots; i++) {
            final long record = i == slots ? shared() : cpus.cpu(i).ownWords();
            current[i] = get(record, CURRENT) - 1;
            used[i] = VmapBlock.PAGES - pagesLeft(record) - get(record, DIRTY);
        }
        new BlockVerifier(table, blocks.records).verify(current, used, blocks.inLimbo());
    }
}
