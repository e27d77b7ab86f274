package org.vellum.vmap;

import java.util.concurrent.atomic.AtomicLong;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.SpinLock;
import org.vellum.epoch.Epochs;
import org.vellum.epoch.Limbo;
import org.vellum.epoch.Release;
import org.vellum.frame.FrameAllocator;
import org.vellum.gather.MmuGather;
import org.vellum.mem.CacheLine;
import org.vellum.mem.Pages;
import org.vellum.mem.Words;
import org.vellum.mmu.Address;
import org.vellum.mmu.Entry;
import org.vellum.mmu.PageTable;
import org.vellum.report.Listener;

/**
 * The ranges of the window and the life of an area: see the package documentation for its states.
 *
 * <p>One lock guards the tree of free ranges, the index and the pool of records; it is held for a tree operation at a time
 * and never across a wait. Ending an area takes no lock: two threads that end the same area meet in one CAS.
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
    static final long NONE = -1;
    /** What {@link #reserve} returns inside a section when somebody else held the lock for too long. */
    static final long BUSY = -2;

    /** More areas than this need twice as many frames: records are reserved for the larger of both. */
    private static final long USUAL_RECORDS = 1L << 22;
    private static final long MAX_RECORDS = 1L << 26;

    final Cpus cpus;
    final Epochs epochs;
    final FrameAllocator frames;
    final PageTable table;
    final MmuGather gather;
    final VmapOptions options;

    private final SpinLock lock;
    /** In absolute pages of Vellum's layout, so that an alignment is one of addresses; all else counts from the window's start. */
    private final AreaTree tree;
    private final long firstPage;
    private final AreaIndex index;
    private final AreaRecords records;
    private final RangeCache cache;
    private final Limbo limbo;
    private final Limbo retiring;
    private final Words lazyPages = Words.zeroed(2L * CacheLine.STRIDE_WORDS);
    private final Words lazyFrames = Words.zeroed(2L * CacheLine.STRIDE_WORDS);
    private final EagerFlush eager;

    /** Areas ended twice, or by a stale address: counted for tests. */
    final AtomicLong lostClaims = new AtomicLong();

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
        gather = new MmuGather(cpus, table, frames);
        lock = new SpinLock(cpus);
        firstPage = table.start() >>> Pages.SHIFT;
        tree = new AreaTree(firstPage, firstPage + table.pages());
        index = new AreaIndex(0, table.pages());
        records = new AreaRecords(mostAreas());
        cache = options.rangeCaches() ? new RangeCache(cpus, records, table.pages()) : null;
        limbo = new Limbo(epochs, records.words(), AreaRecords.STRIDE_WORDS, AreaRecords.LINK, AreaRecords.STAMP,
            new ReleaseArea(), listener);
        retiring = new Limbo(epochs, records.words(), AreaRecords.STRIDE_WORDS, AreaRecords.LINK, AreaRecords.STAMP,
            new UnmapArea(), listener);
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
        final long span = pages + ((flags & VmallocFlags.NO_GUARD) != 0 ? 0 : 1);
        if (cache != null && alignPages == 1 && low == 0 && high == table.pages()) {
            final long cached = takeCached(kind, flags, pages, span, bytes);
            if (cached >= 0) {
                return cached;
            }
        }
        if (!lock.acquire()) {
            return BUSY;
        }
        try {
            final long start = tree.allocate(span, alignPages, firstPage + low, firstPage + high);
            return start == AreaTree.NONE ? NONE : enter(kind, flags, start - firstPage, pages, span, alignPages, bytes);
        } finally {
            lock.unlock();
        }
    }

    private long takeCached(final AreaKind kind, final int flags, final long pages, final long span, final long bytes) {
        final Cpu cpu = cpus.tryEnter();
        final long id = cpu == null ? RangeCache.NONE : cache.take(cpu, span);
        exit(cpu);
        if (id != RangeCache.NONE) {
            records.renew(id, kind, flags, pages);
            records.size(id, bytes);
        }
        return id;
    }

    /** Keeps a released range on the caller's slot. Whether it did. */
    private boolean keep(final long id, final long span) {
        final Cpu cpu = cache == null ? null : cpus.tryEnter();
        if (cpu == null) {
            return false;
        }
        try {
            // Moved first: whoever takes it from the cache must find it cached.
            final long word = records.state(id);
            final boolean moved = records.move(id, word, AreaRecords.CACHED);
            assert moved : "a released area belongs to limbo";
            if (cache.put(cpu, span, id)) {
                return true;
            }
            records.move(id, records.state(id), AreaRecords.LAZY);
            return false;
        } finally {
            cpu.exit();
        }
    }

    /**
     * Gives the ranges that slots keep back to the tree, of every slot that is idle or the caller's own. Never waits.
     *
     * @return how many.
     */
    int giveBackCached() {
        int given = 0;
        for (int i = 0; cache != null && i < cpus.usedCachedSlots(); i++) {
            for (long id = takeFrom(i); id != RangeCache.NONE && giveBackOrRetire(id); id = takeFrom(i)) {
                given++;
            }
        }
        return given;
    }

    /** Leaves the slot with each range: the lock that it goes back under may want to park, and a visit must not. */
    private long takeFrom(final int slot) {
        final Cpu own = cpus.current();
        final Cpu cpu = own != null && own.index() == slot ? cpus.enter(own) : cpus.tryVisit(slot);
        if (cpu == null) {
            return RangeCache.NONE;
        }
        try {
            return cache.takeAny(cpu);
        } finally {
            cpu.exit();
        }
    }

    private boolean giveBackOrRetire(final long id) {
        if (giveBack(id)) {
            return true;
        }
        // Inside a section, and the lock was busy: into limbo again, from where a later poll keeps it or gives it back.
        records.move(id, records.state(id), AreaRecords.LAZY);
        retire(id);
        return false;
    }

    private long enter(
        final AreaKind kind, final int flags, final long start, final long pages, final long span, final long alignPages,
        final long bytes) {
        final long id = records.take(kind, flags, start, pages, span);
        if (id == AreaRecords.NONE) {
            tree.free(firstPage + start, span);
            return NONE;
        }
        records.size(id, bytes);
        records.align(id, alignPages);
        table.extendTo(start + span);
        index.put(start, (int)id + 1);
        return id;
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
        if (!lock.acquire()) {
            return false;
        }
        try {
            final long base = CongruentAreas.allocate(tree, offsets, sizes, ids.length, alignPages);
            if (base == AreaTree.NONE) {
                return false;
            }
            for (int i = 0; i < ids.length; i++) {
                ids[i] = enter(AreaKind.SPARSE, VmallocFlags.NO_GUARD, base - firstPage + offsets[i], sizes[i], sizes[i],
                    alignPages, sizes[i] << Pages.SHIFT);
                if (ids[i] == NONE) {
                    undo(base, offsets, sizes, ids, i);
                    return false;
                }
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Out of records in the middle: nothing was published, so nothing needs a grace period. Under the lock. */
    private void undo(final long base, final long[] offsets, final long[] sizes, final long[] ids, final int done) {
        for (int i = 0; i < done; i++) {
            index.remove(base - firstPage + offsets[i]);
            records.give(ids[i]);
            tree.free(base + offsets[i], sizes[i]);
        }
        for (int i = done + 1; i < ids.length; i++) {
            tree.free(base + offsets[i], sizes[i]);
        }
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

    /**
     * Clears the entries of a claimed area and hands it to limbo. Never waits, allocates or fails.
     *
     * @param id claimed: lazy, or reserved and given up.
     */
    void retire(final long id) {
        countLazy(id, 1);
        retireCounted(id);
    }

    /** {@link #retire} of an area that was counted as lazy when it was claimed. */
    void retireCounted(final long id) {
        final long start = records.start(id);
        final long pages = records.pages(id);
        for (long done = MmuGather.SLICE_PAGES; done < pages; done += MmuGather.SLICE_PAGES) {
            final Cpu cpu = cpus.tryEnter();
            gather.clearNoFlush(start + done, Math.min(MmuGather.SLICE_PAGES, pages - done));
            exit(cpu);
        }
        final Cpu cpu = cpus.tryEnter();
        try {
            gather.clearNoFlush(start, Math.min(MmuGather.SLICE_PAGES, pages));
            cpus.noteClear(cpu);
            limbo.retire(cpu, id);
        } finally {
            exit(cpu);
        }
    }

    private static void exit(final Cpu cpu) {
        if (cpu != null) {
            cpu.exit();
        }
    }

    /** Counts an area as lazy, or no longer: from the claim that ended it until its frames and addresses are back. */
    void countLazy(final long id, final int sign) {
        lazyPages.getAndAdd(0, sign * records.span(id));
        lazyFrames.getAndAdd(0, sign * ownedPages(id));
    }

    private long ownedPages(final long id) {
        final long word = records.state(id);
        return AreaRecords.kindOf(word) == AreaKind.VMALLOC || (AreaRecords.flagsOf(word) & VmallocFlags.PUT_PAGES) != 0
            ? records.pages(id) : 0;
    }

    /** Gives up a reserved area that could not be filled. It was never visible, but its entries were. */
    void abandon(final long id) {
        long filled = 0;
        while (filled < records.pages(id) && Entry.isPresent(table.get(records.start(id) + filled))) {
            filled++;
        }
        // So that limbo is not said to hold more frames than it does.
        records.pages(id, filled);
        final long word = records.state(id);
        final boolean moved = records.move(id, word, AreaRecords.LAZY);
        assert moved : "a reserved area belongs to one thread";
        retire(id);
    }

    /** Leaves the area mapped until a grace period has ended, then unmaps it. The claim moved it to retiring. */
    void retireMapped(final long id) {
        final Cpu cpu = cpus.tryEnter();
        try {
            countLazy(id, 1);
            retiring.retire(cpu, id);
        } finally {
            exit(cpu);
        }
    }

    /** Ends an area at once whose mappings are gone and whose grace period is over. Inside a section it only tries. */
    boolean giveBack(final long id) {
        if (!lock.acquire()) {
            return false;
        }
        try {
            takeOut(id);
        } finally {
            lock.unlock();
        }
        return true;
    }

    /** Under the lock. */
    private void takeOut(final long id) {
        final long start = records.start(id);
        index.remove(start);
        tree.free(firstPage + start, records.span(id));
        records.give(id);
    }

    /** @return pages of the window in limbo. */
    public long lazyPages() {
        return lazyPages.getOpaque(0);
    }

    /** @return owned frames in limbo. */
    public long lazyFrames() {
        return lazyFrames.getOpaque(0);
    }

    /**
     * Releases what has passed. Never waits.
     *
     * @param all of every slot that is idle, or only of the caller's own.
     * @return areas released.
     */
    public int poll(final boolean all) {
        return all ? retiring.pollAll() + limbo.pollAll() : retiring.poll() + limbo.poll();
    }

    /** Releases what has passed of the caller's own slot, without asking for a flush: cheap enough for every allocation. */
    void releasePassed() {
        limbo.releasePassed();
    }

    /** Bytes in limbo of areas that are unmapped. */
    long unmappedLimboBytes() {
        return limbo.bytes();
    }

    /** @return bytes in limbo, of areas that are unmapped or about to be. */
    public long limboBytes() {
        return limbo.bytes() + retiring.bytes();
    }

    /** @return pages of the window that are free, approximately while others run. */
    public long freePages() {
        return tree.freePages();
    }

    /** @return pages of the largest free range, approximately while others run. */
    public long largestFree() {
        return tree.largestFree();
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

    private boolean release(final long id) {
        if (!gather.freeFrames(records.start(id), records.pages(id))) {
            return false;
        }
        final long span = records.span(id);
        final long owned = ownedPages(id);
        if (!keep(id, span) && !giveBack(id)) {
            return false;
        }
        // The record may be another area's by now.
        lazyPages.getAndAdd(0, -span);
        lazyFrames.getAndAdd(0, -owned);
        return true;
    }

    /**
     * Walks everything, of a window that nobody uses meanwhile.
     *
     * @throws AssertionError naming the first thing that is wrong.
     */
    public void verify() {
        lock.lock();
        try {
            new VmapVerifier(this, tree).verify();
        } finally {
            lock.unlock();
        }
    }

    /** The end of an unmapped area's grace period. */
    private final class ReleaseArea implements Release {
        @Override
        public String kind() {
            return "area";
        }

        @Override
        public long bytes(final long id) {
            return records.span(id) << Pages.SHIFT;
        }

        @Override
        public boolean release(final long id) {
            return VmapSpace.this.release(id);
        }
    }

    /** The end of the first grace period of an area that stayed mapped for it. */
    private final class UnmapArea implements Release {
        @Override
        public String kind() {
            return "retired area";
        }

        @Override
        public long bytes(final long id) {
            return records.span(id) << Pages.SHIFT;
        }

        @Override
        public boolean release(final long id) {
            final boolean moved = records.move(id, records.state(id), AreaRecords.LAZY);
            assert moved : "a retiring area belongs to limbo";
            retireCounted(id);
            return true;
        }
    }
}
