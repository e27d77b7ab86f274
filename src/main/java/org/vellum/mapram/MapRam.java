package org.vellum.mapram;

import java.util.concurrent.atomic.AtomicLong;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.StackReserve;
import org.vellum.epoch.Epochs;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mem.CacheLine;
import org.vellum.mem.Pages;
import org.vellum.mem.Words;
import org.vellum.mmu.Entry;
import org.vellum.mmu.PageTable;
import org.vellum.report.ExhaustedException;
import org.vellum.report.Listener;
import org.vellum.vmap.AreaKind;
import org.vellum.vmap.EagerFlush;
import org.vellum.vmap.Reclaimer;
import org.vellum.vmap.Vmap;
import org.vellum.vmap.VmallocFlags;
import org.vellum.vmap.VmapSpace;

/**
 * {@code vmMapRam}, {@code vmUnmapRam} and {@code unmapAliases}: see the package documentation for the protocol.
 *
 * <p>Mappings of 1 to 64 pages come from blocks; longer ones are areas. Frames are the caller's: it may free, hand away
 * or change one only after {@link #unmapAliases()} has returned.
 *
 * <pre>
 *   words of a slot, two cache lines:   [ current block + 1 | bump | dirty | page of the bump's start | tag | ... ]
 * </pre>
 *
 * <p>Thread safety: all methods may be called by any thread. Mapping waits for at most one bounded grace period when
 * addresses have run out, and never inside a section; unmapping never waits under the lazy policy.
 */
public final class MapRam {
    /** The most pages that a block serves in one mapping (V16). */
    public static final int MAX_BLOCK_PAGES = 64;

    private static final int MAX_BLOCK_SHIFT = Integer.numberOfTrailingZeros(MAX_BLOCK_PAGES);
    private static final int CURRENT = 0;
    private static final int BUMP = 1;
    private static final int DIRTY = 2;
    private static final int FIRST_PAGE = 3;
    private static final int TAG = 4;
    private static final long NO_BLOCK = 0;

    private final VmapSpace space;
    private final Cpus cpus;
    private final Epochs epochs;
    private final PhysicalMemory memory;
    private final PageTable table;
    private final Vmap vmap;
    private final Reclaimer reclaimer;
    private final EagerFlush eager;
    private final Words slots;
    private final Aliases aliases;
    final Blocks blocks;

    /** Blocks left with pages at their end that no mapping fitted, which thereby became dirty; for tests. */
    final AtomicLong tailConversions = new AtomicLong();

    /** Current blocks that a purge retired by occupying their slot; for tests. */
    final AtomicLong purgedCurrent = new AtomicLong();

    /**
     * @param space the window.
     * @param epochs decides when blocks may be reused.
     * @param memory tells the native addresses of frames.
     * @param vmap maps what is longer than a block serves.
     * @param reclaimer what to do on exhaustion.
     * @param listener hears of releases that throw.
     */
    public MapRam(
        final VmapSpace space, final Epochs epochs, final PhysicalMemory memory, final Vmap vmap,
        final Reclaimer reclaimer, final Listener listener) {
        this.space = space;
        this.epochs = epochs;
        this.memory = memory;
        this.vmap = vmap;
        this.reclaimer = reclaimer;
        cpus = epochs.cpus();
        table = space.table();
        eager = space.eager();
        blocks = new Blocks(space, epochs, listener);
        aliases = new Aliases(epochs);
        slots = Words.zeroed((long)cpus.cachedSlots() * CacheLine.STRIDE_WORDS);
        reclaimer.add(new Source());
    }

    /**
     * Maps frames side by side.
     *
     * @param frames numbers of allocated frames, in the order in which they are to appear.
     * @param offset index of the first in the array.
     * @param count how many, at least 1.
     * @return the address of the first page, tagged.
     * @throws IllegalArgumentException if the count is not positive, the array is too short, or a number in it is no frame's;
     *                                  nothing is changed. Whether the frames are the caller's is checked for long mappings only.
     * @throws ExhaustedException if addresses have run out.
     */
    public long vmMapRam(final long[] frames, final int offset, final int count) {
        return vmMapRam(null, frames, offset, count);
    }

    /**
     * {@link #vmMapRam(long[], int, int)} with a hint at the caller's slot.
     *
     * @param hint from an earlier enter by this thread, or null.
     * @param frames numbers of allocated frames, in the order in which they are to appear.
     * @param offset index of the first in the array.
     * @param count how many, at least 1.
     * @return the address of the first page, tagged.
     * @throws IllegalArgumentException if the count is not positive, the array is too short, or a number in it is no frame's;
     *                                  nothing is changed. Whether the frames are the caller's is checked for long mappings only.
     * @throws ExhaustedException if addresses have run out.
     */
    public long vmMapRam(final Cpu hint, final long[] frames, final int offset, final int count) {
        if (count <= 0 || offset < 0 || offset > frames.length - count) {
            throw new IllegalArgumentException("offset=" + offset + " count=" + count + " frames.length=" + frames.length);
        }
        if (count > MAX_BLOCK_PAGES) {
            return vmap.map(AreaKind.RAM, "vmMapRam", frames, offset, count, VmallocFlags.NONE);
        }
        if (hint != null && cpus.isOccupant(hint) && eager == null) {
            final long address = map(hint, frames, offset, count);
            return address != 0 ? address : mapAfterReclaim(frames, offset, count);
        }
        return mapEntering(hint, frames, offset, count);
    }

    private long mapEntering(final Cpu hint, final long[] frames, final int offset, final int count) {
        if (eager != null) {
            return mapEagerly(hint, frames, offset, count);
        }
        final Cpu cpu = cpus.enter(hint);
        try {
            final long address = map(cpu, frames, offset, count);
            if (address != 0) {
                return address;
            }
        } finally {
            cpu.exit();
        }
        return mapAfterReclaim(frames, offset, count);
    }

    private long mapEagerly(final Cpu hint, final long[] frames, final int offset, final int count) {
        eager.lock("vmMapRam");
        try {
            final Cpu cpu = cpus.enter(hint);
            try {
                final long address = map(cpu, frames, offset, count);
                if (address != 0) {
                    return address;
                }
            } finally {
                cpu.exit();
            }
            return mapAfterReclaim(frames, offset, count);
        } finally {
            eager.unlock();
        }
    }

    /** Maps from the slot's current block, or a new one. Returns 0 if no block is to be had. */
    private long map(final Cpu cpu, final long[] frames, final int offset, final int count) {
        if (!cpu.carriesCaches()) {
            return 0;
        }
        final long slot = (long)cpu.index() * CacheLine.STRIDE_WORDS;
        long bump = slots.getPlain(slot + BUMP);
        if (slots.getPlain(slot + CURRENT) == NO_BLOCK || bump + count > VmapBlock.PAGES) {
            if (!renew(cpu, slot)) {
                return 0;
            }
            bump = 0;
        }
        final long page = slots.getPlain(slot + FIRST_PAGE) + bump;
        final long tag = slots.getPlain(slot + TAG);
        if (!table.setMapping(page, memory, frames, offset, count, tag)) {
            throw noSuchFrame(frames, offset, count);
        }
        slots.putPlain(slot + BUMP, bump + count);
        return table.addressOf(page) | tag;
    }

    private IllegalArgumentException noSuchFrame(final long[] frames, final int offset, final int count) {
        int i = offset;
        while (i < offset + count - 1 && memory.frameAddressOrZero(frames[i]) != 0) {
            i++;
        }
        return new IllegalArgumentException("not a frame: frames[" + i + "]=" + frames[i]);
    }

    private boolean renew(final Cpu cpu, final long slot) {
        StackReserve.ensure();
        leave(cpu, slot);
        final long block = blocks.take();
        if (block == BlockPool.NONE) {
            return false;
        }
        slots.putPlain(slot + FIRST_PAGE, block << VmapBlock.PAGES_SHIFT);
        slots.putPlain(slot + TAG, blocks.tag(block));
        slots.putPlain(slot + BUMP, 0);
        slots.putPlain(slot + DIRTY, 0);
        slots.putPlain(slot + CURRENT, block + 1);
        return true;
    }

    /** Folds the slot's count and the unusable tail into the block's word, and forgets the block, in one step. */
    private void leave(final Cpu cpu, final long slot) {
        final long current = slots.getPlain(slot + CURRENT);
        if (current != NO_BLOCK) {
            final long tail = VmapBlock.PAGES - slots.getPlain(slot + BUMP);
            if (tail > 0) {
                tailConversions.incrementAndGet();
            }
            slots.putPlain(slot + CURRENT, NO_BLOCK);
            blocks.add(cpu, current - 1, VmapBlock.LEFT + slots.getPlain(slot + DIRTY) + tail);
        }
    }

    /** No block: an area of its own may still fit, and its allocation purges, waits and fails as it should. */
    private long mapAfterReclaim(final long[] frames, final int offset, final int count) {
        reclaimer.poll(true);
        final Cpu cpu = cpus.enter();
        try {
            final long address = map(cpu, frames, offset, count);
            if (address != 0) {
                return address;
            }
        } finally {
            cpu.exit();
        }
        return vmap.mapUnderLock(AreaKind.RAM, "vmMapRam", frames, offset, count, VmallocFlags.NONE);
    }

    /**
     * Unmaps what {@link #vmMapRam} mapped. Its addresses fault at once. Never waits under the lazy policy, allocates
     * nothing, may be called inside a section and by any thread.
     *
     * @param address as returned.
     * @param count as mapped (V20).
     * @throws IllegalArgumentException if no such mapping starts there, it is unmapped already, or the count differs;
     *                                  nothing is changed. Of two threads that unmap one address, one gets this.
     */
    public void vmUnmapRam(final long address, final int count) {
        vmUnmapRam(null, address, count);
    }

    /**
     * {@link #vmUnmapRam(long, int)} with a hint at the caller's slot.
     *
     * @param hint from an earlier enter by this thread, or null.
     * @param address as returned.
     * @param count as mapped.
     * @throws IllegalArgumentException as {@link #vmUnmapRam(long, int)}.
     */
    public void vmUnmapRam(final Cpu hint, final long address, final int count) {
        if (hint != null && cpus.isOccupant(hint) && eager == null
            && (address & Pages.OFFSET_MASK) == 0 && unmap(hint, address, count)) {
            return;
        }
        unmapEntering(hint, address, count);
    }

    private void unmapEntering(final Cpu hint, final long address, final int count) {
        StackReserve.ensure();
        final long page = table.pageOf(address);
        if ((address & Pages.OFFSET_MASK) != 0 || !table.contains(address) || Entry.headPages(table.get(page)) == 0) {
            vmap.unmapRam(address, count);
            return;
        }
        if (eager != null) {
            unmapEagerly(hint, address, count);
            return;
        }
        final Cpu cpu = hint == null ? cpus.tryEnter() : cpus.enter(hint);
        try {
            if (!unmap(cpu, address, count)) {
                throw refuse(address, count);
            }
        } finally {
            if (cpu != null) {
                cpu.exit();
            }
        }
    }

    private void unmapEagerly(final Cpu hint, final long address, final int count) {
        eager.lock("vmUnmapRam");
        try {
            final Cpu cpu = cpus.enter(hint);
            try {
                if (!unmap(cpu, address, count)) {
                    throw refuse(address, count);
                }
            } finally {
                cpu.exit();
            }
            eager.flush();
        } finally {
            eager.unlock();
        }
    }

    /** Removes a mapping of a block. Returns false, with nothing changed, if no such mapping starts there. */
    private boolean unmap(final Cpu cpu, final long address, final int count) {
        final long page = table.pageOf(address);
        // Counts that no mapping of a block has must not be shifted into an entry.
        if (count - 1 >>> MAX_BLOCK_SHIFT != 0 || !table.clearMappingNoFlush(page, Entry.tag(address), count)) {
            return false;
        }
        final long block = page >>> VmapBlock.PAGES_SHIFT;
        cpus.noteClear(cpu);
        if (cpu == null) {
            blocks.add(null, block, count);
            return true;
        }
        final long slot = (long)cpu.index() * CacheLine.STRIDE_WORDS;
        if (cpu.carriesCaches() && slots.getPlain(slot + CURRENT) == block + 1) {
            slots.putPlain(slot + DIRTY, slots.getPlain(slot + DIRTY) + count);
        } else {
            blocks.add(cpu, block, count);
        }
        return true;
    }

    private IllegalArgumentException refuse(final long address, final int count) {
        final long entry = table.get(table.pageOf(address));
        final String name = "vmUnmapRam: address=0x" + Long.toHexString(address) + " count=" + count;
        if (!Entry.isPresent(entry)) {
            return new IllegalArgumentException(name + ": unmapped already");
        }
        if (Entry.tag(entry) != Entry.tag(address)) {
            return new IllegalArgumentException(name + ": the address is of an earlier generation");
        }
        return new IllegalArgumentException(name + ": mapped with count=" + Entry.headPages(entry));
    }

    /**
     * Forces out every deferred translation: when it returns, no thread can reach any frame through a mapping that was
     * removed before the call. Waits, parked, only if something was unmapped since the last flush.
     *
     * @throws IllegalStateException inside a section, whether or not there is anything to wait for.
     */
    public void unmapAliases() {
        epochs.mightSleep("unmapAliases");
        StackReserve.ensure();
        aliases.flush();
        purgeCurrent(VmapBlock.PAGES / 4);
        reclaimer.poll(true);
    }

    /**
     * Retires current blocks that have no live mapping and little room left (V22), by occupying their slots.
     *
     * @param room blocks with at least this many pages left are kept.
     */
    private int purgeCurrent(final int room) {
        int purged = 0;
        for (int i = 0; i < cpus.usedCachedSlots(); i++) {
            final long slot = (long)i * CacheLine.STRIDE_WORDS;
            // A peek; decided again by the occupant.
            if (slots.getOpaque(slot + CURRENT) == NO_BLOCK) {
                continue;
            }
            final Cpu own = cpus.current();
            final Cpu cpu = own != null && own.index() == i ? cpus.enter(own) : cpus.tryVisit(i);
            if (cpu != null) {
                try {
                    purged += purge(cpu, slot, room);
                } finally {
                    cpu.exit();
                }
            }
        }
        return purged;
    }

    private int purge(final Cpu cpu, final long slot, final int room) {
        final long current = slots.getPlain(slot + CURRENT);
        final long bump = slots.getPlain(slot + BUMP);
        if (current == NO_BLOCK || VmapBlock.PAGES - bump >= room
            || slots.getPlain(slot + DIRTY) + blocks.dirtyElsewhere(current - 1) != bump) {
            return 0;
        }
        leave(cpu, slot);
        purgedCurrent.incrementAndGet();
        return 1;
    }

    /** @return bytes of blocks in limbo. */
    public long limboBytes() {
        return blocks.limboBytes();
    }

    /** @return how many blocks were ever cut out of the window. */
    public long blocksCreated() {
        return blocks.created.get();
    }

    /** @return how many blocks went to limbo, ever. */
    public long blocksRetired() {
        return blocks.retired.get();
    }

    /** @return blocks in the pool, ready for use. */
    public long blocksPooled() {
        return blocks.pooled();
    }

    /**
     * Counts the pages that are mapped, of a system where nobody maps meanwhile.
     *
     * @return pages with a present entry in some block.
     */
    public long mappedPages() {
        return new BlockVerifier(table, blocks.records).mappedPages();
    }

    /**
     * Walks the blocks, of a system that nobody uses meanwhile.
     *
     * @throws AssertionError naming the first thing that is wrong.
     */
    public void verify() {
        final long[] current = new long[cpus.cachedSlots()];
        final long[] used = new long[current.length];
        for (int i = 0; i < current.length; i++) {
            final long slot = (long)i * CacheLine.STRIDE_WORDS;
            current[i] = slots.getPlain(slot + CURRENT) - 1;
            used[i] = slots.getPlain(slot + BUMP) - slots.getPlain(slot + DIRTY);
        }
        new BlockVerifier(table, blocks.records).verify(current, used);
    }

    /** What exhaustion may take from here. */
    private final class Source implements Reclaimer.Source {
        @Override
        public int poll(final boolean all) {
            return blocks.poll(all);
        }

        @Override
        public int purge() {
            final int purged = purgeCurrent(VmapBlock.PAGES + 1);
            blocks.poll(true);
            return purged + blocks.giveBackPooled();
        }

        @Override
        public long limboBytes() {
            return blocks.limboBytes();
        }
    }
}
