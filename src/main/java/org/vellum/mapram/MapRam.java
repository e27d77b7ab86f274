package org.vellum.mapram;

import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.StackReserve;
import org.vellum.epoch.Epochs;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mem.Pages;
import org.vellum.mmu.Address;
import org.vellum.mmu.Entry;
import org.vellum.mmu.PageTable;
import org.vellum.report.ExhaustedException;
import org.vellum.report.Listener;
import org.vellum.vmap.AreaKind;
import org.vellum.vmap.EagerFlush;
import org.vellum.vmap.Fight;
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
 * <p>Thread safety: all methods may be called by any thread. Mapping waits for bounded grace periods when addresses have run
 * out, and never inside a section; unmapping never waits under the lazy policy.
 */
public final class MapRam {
    /** The most pages that a block serves in one mapping (V16). */
    public static final int MAX_BLOCK_PAGES = 64;

    private final Cpus cpus;
    private final Epochs epochs;
    private final PageTable table;
    private final Vmap vmap;
    private final Reclaimer reclaimer;
    private final EagerFlush eager;
    private final Aliases aliases;
    final Blocks blocks;
    final CurrentBlocks current;

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
        this.epochs = epochs;
        this.vmap = vmap;
        this.reclaimer = reclaimer;
        cpus = epochs.cpus();
        table = space.table();
        eager = space.eager();
        blocks = new Blocks(space, epochs, listener);
        aliases = new Aliases(epochs);
        current = new CurrentBlocks(cpus, table, memory, blocks);
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
        // Inside a section on the hint's slot there is nothing to enter: 255 times of 256 the rest is carving its block.
        StackReserve.ensureOperation();
        if (hint != null && cpus.isOccupant(hint) && !CurrentBlocks.isMalformed(frames, offset, count)) {
            final long address = current.map(hint.ownWords(), frames, offset, count);
            if (address != 0) {
                return address;
            }
        }
        return mapEntering(hint, frames, offset, count);
    }

    private long mapEntering(final Cpu hint, final long[] frames, final int offset, final int count) {
        if (count <= 0 || offset < 0 || offset > frames.length - count) {
            throw new IllegalArgumentException("offset=" + offset + " count=" + count + " frames.length=" + frames.length);
        }
        if (count > MAX_BLOCK_PAGES) {
            return vmap.map(AreaKind.RAM, "vmMapRam", frames, offset, count, VmallocFlags.NONE);
        }
        StackReserve.ensureOperation();
        if (eager != null) {
            return mapEagerly(frames, offset, count);
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

    private long mapEagerly(final long[] frames, final int offset, final int count) {
        eager.lock("vmMapRam");
        try {
            // Under the lock nobody else carves: no slot is needed, and the baseline pays for its lock and flush only.
            final long address = current.mapRenewing(null, current.shared(), frames, offset, count);
            return address != 0 ? address
                : vmap.mapUnderLock(AreaKind.RAM, "vmMapRam", frames, offset, count, VmallocFlags.NONE);
        } finally {
            eager.unlock();
        }
    }

    /** Maps from the slot's current block, or a new one. Returns 0 if no block is to be had. */
    private long map(final Cpu cpu, final long[] frames, final int offset, final int count) {
        return cpu.carriesCaches() ? current.mapRenewing(cpu, cpu.ownWords(), frames, offset, count) : 0;
    }

    /**
     * No block: after each step of the fight for room another one is tried, and an area of its own, which may still fit. Both each time: what
     * comes back are blocks, mostly, and threads that recycle theirs leave nothing for an area, however often that is tried.
     */
    private long mapAfterReclaim(final long[] frames, final int offset, final int count) {
        reclaimer.poll(true);
        long fight = Fight.BEGIN;
        while (true) {
            long address = mapEntered(frames, offset, count);
            if (address == 0) {
                address = vmap.tryMapUnderLock(AreaKind.RAM, frames, offset, count);
            }
            if (address != 0) {
                return address;
            }
            fight = reclaimer.reclaim(fight);
            if (fight == Fight.LOST) {
                throw reclaimer.exhausted("vmMapRam", count, false);
            }
        }
    }

    private long mapEntered(final long[] frames, final int offset, final int count) {
        final Cpu cpu = cpus.enter();
        try {
            return map(cpu, frames, offset, count);
        } finally {
            cpu.exit();
        }
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
        StackReserve.ensureOperation();
        if (hint != null && cpus.isOccupant(hint) && unmapHere(hint, address, count)) {
            return;
        }
        unmapEntering(address, count);
    }

    private void unmapEntering(final long address, final int count) {
        final long page = table.pageOf(address);
        if ((address & Pages.OFFSET_MASK) != 0 || !table.contains(address) || Entry.headPages(table.get(page)) == 0) {
            vmap.unmapRam(address, count);
            return;
        }
        if (eager != null) {
            unmapEagerly(address, count);
            return;
        }
        final Cpu cpu = cpus.tryEnter();
        try {
            if ((cpu == null || !unmapHere(cpu, address, count)) && !current.unmapElsewhere(cpu, address, count)) {
                throw refuse(address, count);
            }
        } finally {
            if (cpu != null) {
                cpu.exit();
            }
        }
    }

    private boolean unmapHere(final Cpu cpu, final long address, final int count) {
        if (current.unmap(cpu.ownWords(), address, count)) {
            cpus.noteClear(cpu);
            return true;
        }
        return false;
    }

    private void unmapEagerly(final long address, final int count) {
        eager.lock("vmUnmapRam");
        try {
            // In the block that the lock protects no clear is noted: after the flush nothing deferred is left of it.
            if (!current.unmap(current.shared(), address, count) && !current.unmapElsewhere(null, address, count)) {
                throw refuse(address, count);
            }
            eager.flush();
        } finally {
            eager.unlock();
        }
    }

    private IllegalArgumentException refuse(final long address, final int count) {
        final long entry = table.get(table.pageOf(address));
        final String name = "vmUnmapRam: address=0x" + Long.toHexString(address) + " count=" + count;
        if (!Entry.isPresent(entry)) {
            return new IllegalArgumentException(name + ": unmapped already");
        }
        if (Entry.tag(entry) != Address.tag(address)) {
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
        StackReserve.ensureOperation();
        aliases.flush();
        current.purge(VmapBlock.PAGES / 4);
        // Of the caller's slot only: what has passed of the others' waits for them there, and a visit would drive their threads away.
        reclaimer.poll(false);
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
        current.verify();
    }

    /** What exhaustion may take from here. */
    private final class Source implements Reclaimer.Source {
        @Override
        public int poll(final boolean all) {
            return blocks.poll(all);
        }

        @Override
        public int purge() {
            final int purged = current.purge(VmapBlock.PAGES + 1);
            blocks.poll(true);
            return purged + blocks.giveBackPooled();
        }

        @Override
        public long limboBytes() {
            return blocks.limboBytes();
        }
    }
}
