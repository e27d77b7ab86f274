package org.vellum.vmap;

import java.util.concurrent.atomic.AtomicLong;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.epoch.Epochs;
import org.vellum.frame.FrameAllocator;
import org.vellum.mem.Pages;
import org.vellum.mmu.Address;
import org.vellum.mmu.PageTable;
import org.vellum.report.Listener;

/**
 * The ranges of the window and the life of an area: see the package documentation for its states.
 *
 * <p>Ranges are found and given back under a lock ({@link Ranges}); ending an area takes none: two threads that end the same area
 * meet in one CAS. What is ended waits in {@link LazyAreas}.
 *
 * <pre>
 *   T1 (vfree)                                   T2 (vfree of the same address, or of its successor)
 *   a1: id := index[page]                        b1: id' := index[page]
 *   a2: w := state(id): busy, my tag             b2: w' := state(id'): busy, my tag
 *   a3: CAS state(id): w → lazy                  b3: CAS state(id'): w' → lazy
 * </pre>
 * Of two with the same word one CAS fails. If the record is recycled between a1 and a3, its word has another generation,
 * so a2 sees another tag or a3 fails. Hence an area ends exactly once.
 *
 * <p>Thread safety: all methods may be called by any thread.
 */
public final class VmapSpace {
    /** What {@link #reserve} returns when there is no range or no record to be had. */
    static final long NONE = Ranges.NONE;
    /** What {@link #reserve} returns inside a section when somebody else held the lock for too long. */
    static final long BUSY = Ranges.BUSY;

    /** More areas than this need twice as many frames: records are reserved for the larger of both. */
    private static final long USUAL_RECORDS = 1L << 22;
    private static final long MAX_RECORDS = 1L << 26;

    final Cpus cpus;
    final Epochs epochs;
    final FrameAllocator frames;
    final PageTable table;
    final VmapOptions options;
    final LazyAreas lazy;

    private final Ranges ranges;
    private final AreaIndex index;
    private final AreaRecords records;
    private final EagerFlush eager;

    /** Areas ended twice, or by a stale address: counted for tests. */
    final AtomicLong lostClaims = new AtomicLong();
    /** How requests that slots keep ranges for fared when none was left: counted for tests, off the fast path. */
    final AtomicLong recycles = new AtomicLong();
    final AtomicLong stockUps = new AtomicLong();
    final AtomicLong cutSingly = new AtomicLong();

    /**
     * @param epochs decides when ranges may be reused.
     * @param frames where owned frames come from.
     * @param table the window.
     * @param options its policy.
     * @param listener hears of releases that throw.
     */
    public VmapSpace(
        final Epochs epochs, final FrameAllocator frames, final PageTable table, final VmapOptions options,
        final Listener listener) {
        this.cpus = epochs.cpus();
        this.epochs = epochs;
        this.frames = frames;
        this.table = table;
        this.options = options;
        ranges = new Ranges(cpus, table, mostAreas(), options.rangeCaches());
        index = ranges.index;
        records = ranges.records;
        lazy = new LazyAreas(epochs, frames, table, options, ranges, listener);
        eager = options.policy() == FlushPolicy.EAGER ? new EagerFlush(epochs) : null;
        table.onFault(new VmapFaults(this));
    }

    private long mostAreas() {
        return Math.min(Math.min(table.pages(), MAX_RECORDS), Math.max(USUAL_RECORDS, 2 * frames.configuredFrames()));
    }

    /** @return the window's table. */
    public PageTable table() {
        return table;
    }

    /** @return the policy and the shape of the window. */
    public VmapOptions options() {
        return options;
    }

    /** @return the eager baseline's flush, or null under the lazy policy. */
    public EagerFlush eager() {
        return eager;
    }

    /**
     * Cuts the lowest range that fits out of the window. Inside a section it does not wait for the lock, only tries.
     *
     * @param kind what for.
     * @param flags kept with the area; see {@link VmallocFlags}.
     * @param pages pages to map, at least 1.
     * @param alignPages alignment, a power of two.
     * @param low first page of the window that may be used.
     * @param high exclusive.
     * @param bytes what the caller asked for.
     * @return the number of the area, reserved, or {@link #NONE}, or {@link #BUSY}.
     */
    long reserve(
        final AreaKind kind, final int flags, final long pages, final long alignPages, final long low, final long high,
        final long bytes) {
        if (table.isClosed()) {
            throw new IllegalStateException("the memory is closed");
        }
        if (ranges.isKept(Ranges.span(pages, flags), alignPages, low, high)) {
            final long kept = reserveKept(kind, flags, pages, bytes);
            if (kept != NONE) {
                return kept;
            }
            cutSingly.incrementAndGet();
        }
        return ranges.carve(kind, flags, pages, alignPages, low, high, bytes);
    }

    /** From the caller's slot: what it keeps, what comes back from its limbo, what is cut for it. */
    private long reserveKept(final AreaKind kind, final int flags, final long pages, final long bytes) {
        final long span = Ranges.span(pages, flags);
        final Cpu cpu = cpus.tryEnter();
        if (cpu == null) {
            return NONE;
        }
        try {
            long id = ranges.takeKept(cpu, kind, flags, pages, bytes);
            if (id == NONE && lazy.recycle(cpu)) {
                id = ranges.takeKept(cpu, kind, flags, pages, bytes);
                if (id != NONE) {
                    recycles.incrementAndGet();
                    ranges.relieved(cpu, span);
                }
            }
            if (id == NONE && ranges.stockUp(cpu, span)) {
                stockUps.incrementAndGet();
                id = ranges.takeKept(cpu, kind, flags, pages, bytes);
            }
            return id;
        } finally {
            cpu.exit();
        }
    }

    /**
     * Areas at fixed distances from one base, all or none (V45). Inside a section it does not wait for the lock.
     *
     * @param offsets of the areas from the base, in pages, ascending.
     * @param sizes in pages.
     * @param alignPages of the base, a power of two.
     * @param ids receives the numbers of the areas, reserved.
     * @return whether there was room.
     */
    boolean reserveCongruent(final long[] offsets, final long[] sizes, final long alignPages, final long[] ids) {
        return ranges.carveCongruent(offsets, sizes, alignPages, ids);
    }

    /** {@link Ranges#join}. */
    boolean join(final long id, final long behind) {
        return ranges.join(id, behind);
    }

    /** {@link Ranges#cutOff}. */
    long cutOff(final long id, final long pages) {
        return ranges.cutOff(id, pages);
    }

    /**
     * Makes a reserved area visible: look-ups find it, it may be ended.
     *
     * @param id reserved by the caller, its entries stored.
     * @return its tagged address.
     */
    long publish(final long id) {
        records.publish(id);
        return address(id);
    }

    long address(final long id) {
        return table.addressOf(records.start(id)) | AreaRecords.tagOf(records.state(id));
    }

    long tag(final long id) {
        return AreaRecords.tagOf(records.state(id));
    }

    AreaRecords records() {
        return records;
    }

    AreaIndex index() {
        return index;
    }

    /** The record of the area that starts at a page, or negative. The index keeps 0 for "none", so ids are one less. */
    long idAt(final long page) {
        return index.idAt(page) - 1;
    }

    /**
     * The live area that starts exactly here.
     *
     * @param address tagged.
     * @return its number, or {@link #NONE}.
     */
    long find(final long address) {
        final long page = table.pageOf(address);
        if ((address & Pages.OFFSET_MASK) != 0 || page < 0 || page >= table.pages()) {
            return NONE;
        }
        final long id = idAt(page);
        if (id < 0) {
            return NONE;
        }
        final long word = records.state(id);
        return AreaRecords.stateOf(word) == AreaRecords.BUSY && records.start(id) == page
            && AreaRecords.tagOf(word) == Address.tag(address) ? id : NONE;
    }

    /**
     * Makes the caller the one who ends the area at an address.
     *
     * @param address tagged; the exact start (V31).
     * @param call the method, for the message.
     * @param kind the kind that this method ends.
     * @param to the state it moves to.
     * @return the number of the area, no longer busy.
     * @throws IllegalArgumentException if no live area of that kind starts there; nothing is changed.
     */
    long claim(final long address, final String call, final AreaKind kind, final int to) {
        final long id = find(address);
        if (id != NONE) {
            final long word = records.state(id);
            // Who owns the frames decides (V32): an area that was given its frames is one of vfree's, no longer of vunmap's.
            final boolean putPages = (AreaRecords.flagsOf(word) & VmallocFlags.PUT_PAGES) != 0;
            final boolean ends = AreaRecords.kindOf(word) == kind && !(kind == AreaKind.VMAP && putPages)
                || kind == AreaKind.VMALLOC && putPages
                || kind == AreaKind.VMAP && AreaRecords.kindOf(word) == AreaKind.SPARSE;
            if (ends && AreaRecords.stateOf(word) == AreaRecords.BUSY && AreaRecords.tagOf(word) == Address.tag(address)
                && records.move(id, word, to)) {
                return id;
            }
        }
        lostClaims.incrementAndGet();
        throw new IllegalArgumentException(VmapFaults.explain(this, address, call));
    }

    /** Ends an area at once whose mappings are gone and whose grace period is over. Inside a section it only tries. */
    boolean giveBack(final long id) {
        return ranges.giveBack(id);
    }

    /** @return pages of the window in limbo; exact while nobody ends areas or releases them. */
    public long lazyPages() {
        return lazy.exactLazyPages();
    }

    /** @return owned frames in limbo; exact while nobody ends areas or releases them. */
    public long lazyFrames() {
        return lazy.exactLazyFrames();
    }

    /**
     * Releases what has passed. Never waits.
     *
     * @param all of every slot that is idle, or only of the caller's own.
     * @return areas released.
     */
    public int poll(final boolean all) {
        return lazy.poll(all);
    }

    /** Bytes in limbo of areas that are unmapped. */
    long unmappedLimboBytes() {
        return lazy.unmappedBytes();
    }

    /** @return bytes in limbo, of areas that are unmapped or about to be. */
    public long limboBytes() {
        return lazy.bytes();
    }

    /** @return pages of the window that are free, approximately while others run. */
    public long freePages() {
        return ranges.freePages();
    }

    /** @return pages of the largest free range, approximately while others run. */
    public long largestFree() {
        return ranges.largestFree();
    }

    /**
     * Counts areas that are live: reserved, or busy until somebody ends them; blocks of {@code vmMapRam} left out.
     *
     * @return how many.
     */
    public long liveAreas() {
        long live = 0;
        for (long id = 0, n = records.used(); id < n; id++) {
            live += isLive(id) ? 1 : 0;
        }
        return live;
    }

    /** @return bytes that the live areas were asked for. */
    public long liveBytes() {
        long bytes = 0;
        for (long id = 0, n = records.used(); id < n; id++) {
            bytes += isLive(id) ? records.size(id) : 0;
        }
        return bytes;
    }

    private boolean isLive(final long id) {
        final long word = records.state(id);
        final int state = AreaRecords.stateOf(word);
        return (state == AreaRecords.RESERVED || state == AreaRecords.BUSY) && AreaRecords.kindOf(word) != AreaKind.BLOCK;
    }

    /**
     * Walks everything, of a window that nobody uses meanwhile.
     *
     * @throws AssertionError naming the first thing that is wrong.
     */
    public void verify() {
        ranges.verify(this);
    }
}
