package org.vellum.mmu;

import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.SpinLock;
import org.vellum.frame.FrameTable;
import org.vellum.frame.PhysicalMemory;
import org.vellum.lock.PageTableLocks;
import org.vellum.mem.Pages;
import org.vellum.mem.Words;

/**
 * The page table of one address space: a directory of leaves, which are frames of 512 {@linkplain SpaceEntry entries}, 2 MiB of the space
 * each. Pages are numbered from 0.
 *
 * <pre>
 *   directory word:   [ version (16) | native address of the leaf (48) ]          one for 512 pages, 8 bytes
 * </pre>
 *
 * Where there is no leaf, the word leads to one that all tables share, in which every entry is none: so a walk need not ask.
 *
 * <h2>Who changes what</h2>
 * Under the leaf's page-table lock: leaves are attached and detached, entries change state. Anybody, inside a section: sets A and D of a
 * present entry, by CAS. So a change of state is an exchange, which tells whether the page was stored to until that very moment; a CAS that
 * comes later finds another word and fails. Only the step from none to something is a plain store, since nobody sets bits in nothing.
 *
 * <p>A leaf is detached when no entry of it is in use; then it waits for a grace period, because walkers need no lock.
 *
 * <h2>Walking inside a section</h2>
 * The directory word and the entry are loaded volatile. Who detaches a leaf, or clears an entry, stamps afterwards, so what the walker has found
 * stays what it is until its section ends: {@code org.vellum.epoch}, with the directory word or the entry as that which is cleared.
 *
 * <h2>Reading outside sections</h2>
 * A section costs more than a load, so a read opens none, and checks instead ({@link SpaceWalk}):
 * <pre>
 *   R (reads)                                  U (unmaps), then N (who gets the frame next), or Q (who gets the leaf)
 *   r1: d := directory word                    u1: entry := none, next version
 *   r2: e := entry in the leaf of d            u2: directory word := no leaf, next version
 *   r3: directory word still d? no → r1        n1: store to the frame
 *   r4: v := data in the frame of e            q1: store to the frame that was the leaf
 *   r5: entry still e, and then
 *       directory word still d? no → r1
 * </pre>
 * with a load fence before r3 and before r5. If r2 has seen q1, then r3 sees u2, which came before: no bits that are not an entry's are
 * taken for an address. If r4 has seen n1, then r5 sees u1, because u1 happens before n1 by way of the grace period and the allocator; unless
 * by then the leaf has become something else, and its word looks like e: then r5 finds u2, as it looks at the directory last. A frame
 * that comes back to the same entry in between brings another version.
 *
 * <p>r4 may read what N stores; it is thrown away. The memory is there: banks that have served a space are never given back.
 *
 * <p>Thread safety: as above. Nothing here waits or allocates.
 */
public final class SpaceTable implements EntryWalk {
    /** log2 of {@link #LEAF_PAGES}. */
    public static final int LEAF_SHIFT = Pages.SHIFT - 3;
    /** Entries of a leaf. */
    public static final int LEAF_PAGES = 1 << LEAF_SHIFT;

    private static final int WORD_SHIFT = 3;
    private static final long LEAF_MASK = LEAF_PAGES - 1;
    private static final long LEAF_VERSION_ONE = 1L << Address.TAG_SHIFT;

    /** The leaf of those that have none: zeroes, for the life of the program. */
    private static final Words NO_LEAF_WORDS = Words.zeroed(LEAF_PAGES);
    private static final long NO_LEAF = NO_LEAF_WORDS.address(0);

    private final PhysicalMemory memory;
    private final Words directory;
    /** For each leaf how many entries are not none. Plain words of the lock's holder. */
    private final Words used;
    private final PageTableLocks locks;
    private final long pages;
    /** Null if there are none: then all that changes is a look at this where entries are stored. */
    private final EntryCopies copies;

    /**
     * An empty table. Its directory is written here: 4 bytes for each MiB of the space.
     *
     * @param cpus whose sections must not block.
     * @param memory where the leaves are.
     * @param pages of the space, at least 1.
     * @param lockCount page-table locks: a power of two; leaves share them if there are more.
     */
    public SpaceTable(final Cpus cpus, final PhysicalMemory memory, final long pages, final int lockCount) {
        this(cpus, memory, pages, lockCount, null);
    }

    /**
     * {@link #SpaceTable(Cpus, PhysicalMemory, long, int)} of a space whose translations are kept elsewhere, too.
     *
     * @param cpus whose sections must not block.
     * @param memory where the leaves are.
     * @param pages of the space, at least 1.
     * @param lockCount page-table locks: a power of two; leaves share them if there are more.
     * @param copies what keeps them, or null; made for as many locks.
     */
    public SpaceTable(
        final Cpus cpus, final PhysicalMemory memory, final long pages, final int lockCount, final EntryCopies copies) {
        if (copies != null && copies.lockCount() != lockCount) {
            throw new IllegalArgumentException("lockCount=" + lockCount + " but copies for " + copies.lockCount());
        }
        if (pages < 1 || pages > Address.MASK >>> Pages.SHIFT) {
            throw new IllegalArgumentException("pages=" + pages);
        }
        this.memory = memory;
        this.pages = pages;
        this.copies = copies;
        final long leaves = leaves();
        directory = Words.reserve(leaves);
        for (long leaf = 0; leaf < leaves; leaf++) {
            directory.putPlain(leaf, NO_LEAF);
        }
        used = Words.zeroed(leaves);
        locks = new PageTableLocks(cpus, lockCount);
    }

    /** @return pages of the space. */
    public long pages() {
        return pages;
    }

    /** @return how many leaves there can be. */
    public long leaves() {
        return pages + LEAF_MASK >>> LEAF_SHIFT;
    }

    /**
     * @param page of the space.
     * @return the number of its leaf.
     */
    public static long leafOf(final long page) {
        return page >>> LEAF_SHIFT;
    }

    /**
     * @param page of the space.
     * @return the page-table lock of its leaf. At most one of a table at a time.
     */
    public SpinLock lockOf(final long page) {
        return locks.of(page >>> LEAF_SHIFT);
    }

    /** Waits until everybody who holds a page-table lock now has given it back. */
    public void passLocks() {
        locks.passAll();
    }

    /** r1: volatile, as in org.vellum.epoch; partner: the stores in attach() and detachUnused(). */
    long directoryWord(final long page) {
        return directory.getVolatile(page >>> LEAF_SHIFT);
    }

    /** Where the directory is, for walks that cannot afford the index arithmetic; valid while this table is reachable. */
    long directoryAddress() {
        return directory.address(0);
    }

    /** Bytes of the directory. */
    long directoryBytes() {
        return leaves() << WORD_SHIFT;
    }

    /** Where the entry is. */
    static long entryAddress(final long directoryWord, final long page) {
        return (directoryWord & Address.MASK) + ((page & LEAF_MASK) << 3);
    }

    /** Where the directory word of an address is, from the start of the directory. */
    static long directoryOffset(final long address) {
        return address >>> LEAF_SHIFT + Pages.SHIFT - WORD_SHIFT & -Long.BYTES;
    }

    /** {@link #entryAddress} by address. */
    static long entryAt(final long directoryWord, final long address) {
        return (directoryWord & Address.MASK) + (address >>> Pages.SHIFT - WORD_SHIFT & LEAF_MASK << WORD_SHIFT);
    }

    static boolean hasLeaf(final long directoryWord) {
        return (directoryWord & Address.MASK) != NO_LEAF;
    }

    /**
     * The entry of a page. Under its lock or inside a section.
     *
     * @param page of the space.
     * @return the entry; {@link SpaceEntry#NONE} if there is no leaf.
     */
    public long get(final long page) {
        // Volatile: as in org.vellum.epoch; partner: the exchange in replaceNoFlush().
        return UnsafeApi.getLongVolatile(null, entryAddress(directoryWord(page), page));
    }

    @Override
    public long get(final long page, final long wanted) {
        return get(page);
    }

    /**
     * @param page of the space.
     * @return whether there is a leaf for it. Stays true while the caller holds its lock.
     */
    public boolean hasLeafFor(final long page) {
        return hasLeaf(directoryWord(page));
    }

    private boolean isLocked(final long page) {
        return lockOf(page).isHeld();
    }

    /**
     * Gives the leaf of a page a frame. Under the page's lock.
     *
     * @param page of the space, without a leaf.
     * @param frame all zero, and the caller's, who frees it once it is detached and a grace period later.
     */
    public void attach(final long page, final long frame) {
        assert isLocked(page) && !hasLeafFor(page) : "page=" + page;
        final long leaf = page >>> LEAF_SHIFT;
        // Volatile: the zeroes come before; partner: directoryWord().
        directory.putVolatile(leaf, nextVersion(leaf) | memory.nativeAddress(frame));
    }

    private long nextVersion(final long leaf) {
        return (directory.getPlain(leaf) & Address.TAG_MASK) + LEAF_VERSION_ONE;
    }

    /**
     * Takes the frame of the page's leaf away, if no entry of it is in use. Under the page's lock. The caller owes a grace period before it
     * frees the frame.
     *
     * @param page of the space.
     * @return the frame, or {@link PhysicalMemory#NO_FRAME} if there is no leaf, or it is in use.
     */
    public long detachUnusedNoFlush(final long page) {
        assert isLocked(page) : "page=" + page;
        final long leaf = page >>> LEAF_SHIFT;
        final long word = directory.getPlain(leaf);
        if (!hasLeaf(word) || used.getPlain(leaf) != 0) {
            return PhysicalMemory.NO_FRAME;
        }
        // Volatile: u2, before the stamp of the grace period; partner: directoryWord().
        directory.putVolatile(leaf, nextVersion(leaf) | NO_LEAF);
        return memory.frameOf(word & Address.MASK);
    }

    /**
     * Makes an entry of none. Under the page's lock.
     *
     * @param page of the space, with a leaf.
     * @param state of the new entry: not none, without a version.
     * @return false, with nothing changed, if there is an entry already.
     */
    public boolean setIfNone(final long page, final long state) {
        assert isLocked(page) && hasLeafFor(page) && !SpaceEntry.isNone(state) : "page=" + page;
        final long leaf = page >>> LEAF_SHIFT;
        final long at = entryAddress(directory.getPlain(leaf), page);
        final long old = UnsafeApi.getLong(at);
        if (!SpaceEntry.isNone(old)) {
            return false;
        }
        if (copies != null) {
            copies.entering(page);
        }
        used.putPlain(leaf, used.getPlain(leaf) + 1);
        // Release: the frame's content comes before; partner: get() and SpaceWalk.
        UnsafeApi.putLongRelease(null, at, SpaceEntry.following(state, old));
        return true;
    }

    /**
     * Changes an entry. Under the page's lock. What lowers a permission, or takes the frame away, owes a flush.
     *
     * @param page of the space.
     * @param state of the new entry, without a version; {@link SpaceEntry#NONE} to clear it.
     * @return the old entry, with A and D as they were at that moment; none, with nothing changed, if there was none or no leaf.
     */
    public long replaceNoFlush(final long page, final long state) {
        assert isLocked(page) : "page=" + page;
        final long leaf = page >>> LEAF_SHIFT;
        final long word = directory.getPlain(leaf);
        if (!hasLeaf(word)) {
            return SpaceEntry.NONE;
        }
        final long at = entryAddress(word, page);
        // Opaque: of what this look says, only A and D can be changed by others before the exchange.
        final long seen = UnsafeApi.getLongOpaque(null, at);
        if (SpaceEntry.isNone(seen)) {
            return SpaceEntry.NONE;
        }
        if (SpaceEntry.isNone(state)) {
            used.putPlain(leaf, used.getPlain(leaf) - 1);
        }
        if (copies != null && SpaceEntry.isPresent(seen)) {
            return replaceCopied(page, at, SpaceEntry.following(state, seen));
        }
        // Exchange: u1, before the stamp, and with the last D of the old entry; partner: the CAS in mark(), get() and SpaceWalk.
        return UnsafeApi.getAndSetLong(null, at, SpaceEntry.following(state, seen));
    }

    private long replaceCopied(final long page, final long at, final long next) {
        if (SpaceEntry.isPresent(next)) {
            copies.beginChange(page);
            final long changed = UnsafeApi.getAndSetLong(null, at, next);
            copies.endChange(page, changed);
            return changed;
        }
        // Exchange: as in replaceNoFlush(); and before the copy goes, t1 of HashedTable.
        final long old = UnsafeApi.getAndSetLong(null, at, next);
        copies.cleared(page, old);
        return old;
    }

    /**
     * Begins to clear several entries: what else is to be done about each may wait until {@link #lazyExit}. Under the page's lock, which is
     * kept until then: the kernel's {@code arch_enter_lazy_mmu_mode}.
     *
     * @param page any that the lock is for.
     */
    public void lazyEnter(final long page) {
        assert isLocked(page) : "page=" + page;
        if (copies != null) {
            copies.lazyEnter(page);
        }
    }

    /**
     * Ends what {@link #lazyEnter} began, under the same lock, whatever has happened.
     *
     * @param page any that the lock is for.
     */
    public void lazyExit(final long page) {
        assert isLocked(page) : "page=" + page;
        if (copies != null) {
            copies.lazyExit(page);
        }
    }

    /**
     * Takes permissions from a present entry, or adds some; A and D stay as they are. Under the page's lock. What lowers a permission owes a
     * flush.
     *
     * @param page of the space.
     * @param clear bits to take away.
     * @param set bits to add.
     * @return the old entry; none, with nothing changed, if it is not present. An entry that has it like that already is not changed either.
     */
    public long changeNoFlush(final long page, final long clear, final long set) {
        assert isLocked(page) : "page=" + page;
        final long word = directory.getPlain(page >>> LEAF_SHIFT);
        if (!hasLeaf(word)) {
            return SpaceEntry.NONE;
        }
        final long at = entryAddress(word, page);
        final long seen = UnsafeApi.getLongVolatile(null, at);
        if (!SpaceEntry.isPresent(seen)) {
            return SpaceEntry.NONE;
        }
        if (copies == null) {
            return change(at, seen, clear, set);
        }
        copies.beginChange(page);
        final long old = change(at, seen, clear, set);
        copies.endChange(page, old);
        return old;
    }

    private static long change(final long at, final long first, final long clear, final long set) {
        long seen = first;
        while (true) {
            final long state = SpaceEntry.state(seen) & ~clear | set;
            // CAS: no A or D is lost that comes in between; partner: the CAS in mark(), get() and SpaceWalk.
            if (state == SpaceEntry.state(seen) || UnsafeApi.compareAndSetLong(null, at, seen, SpaceEntry.following(state, seen))) {
                return seen;
            }
            seen = UnsafeApi.getLongVolatile(null, at);
        }
    }

    /**
     * Clears an entry that holds a reference, unless its page was stored to. Under the page's lock; the caller owes a flush.
     *
     * @param page of the space.
     * @return the old entry; none, with nothing changed, if it holds no reference, or has D.
     */
    public long clearCleanNoFlush(final long page) {
        assert isLocked(page) : "page=" + page;
        final long leaf = page >>> LEAF_SHIFT;
        final long word = directory.getPlain(leaf);
        if (!hasLeaf(word)) {
            return SpaceEntry.NONE;
        }
        final long at = entryAddress(word, page);
        while (true) {
            final long seen = UnsafeApi.getLongVolatile(null, at);
            if (!SpaceEntry.isCounted(seen) || SpaceEntry.has(seen, SpaceEntry.DIRTY)) {
                return SpaceEntry.NONE;
            }
            // CAS: fails if D comes in between; partner: the CAS in mark(), get() and SpaceWalk.
            if (UnsafeApi.compareAndSetLong(null, at, seen, SpaceEntry.following(SpaceEntry.NONE, seen))) {
                used.putPlain(leaf, used.getPlain(leaf) - 1);
                if (copies != null) {
                    copies.cleared(page, seen);
                }
                return seen;
            }
        }
    }

    /**
     * Takes the frame of the page's leaf away, with all its entries: nobody finds them any more. Under the page's lock. The caller owes a
     * grace period before it looks at the entries for good, and frees anything.
     *
     * @param page of the space.
     * @return the frame, or {@link PhysicalMemory#NO_FRAME} if there is no leaf.
     */
    public long detachNoFlush(final long page) {
        assert isLocked(page) : "page=" + page;
        final long leaf = page >>> LEAF_SHIFT;
        final long word = directory.getPlain(leaf);
        used.putPlain(leaf, 0);
        final long frame = detachUnusedNoFlush(page);
        if (copies != null && frame != PhysicalMemory.NO_FRAME) {
            forgetCopies(word, leaf << LEAF_SHIFT);
        }
        return frame;
    }

    /** After the leaf was detached: t1 of {@link HashedTable} for each entry at once. */
    private void forgetCopies(final long word, final long firstPage) {
        for (long page = firstPage; page < firstPage + LEAF_PAGES; page++) {
            final long entry = UnsafeApi.getLongVolatile(null, entryAddress(word, page));
            if (SpaceEntry.isPresent(entry)) {
                copies.cleared(page, entry);
            }
        }
    }

    /**
     * Notes an access in the entry. Inside a section, without the lock.
     *
     * @param page of the space.
     * @param seen the entry as it was found, present.
     * @param bits {@link SpaceEntry#ACCESSED}, or {@link SpaceEntry#DIRTY} too.
     * @return whether the entry still was as it was found; else the caller looks again.
     */
    public boolean mark(final long page, final long seen, final long bits) {
        assert SpaceEntry.isPresent(seen) && (bits & ~(SpaceEntry.ACCESSED | SpaceEntry.DIRTY)) == 0 : "page=" + page + " bits=" + bits;
        final long word = directoryWord(page);
        // CAS: never undoes a change of state; partner: the exchange in replaceNoFlush().
        return hasLeaf(word) && UnsafeApi.compareAndSetLong(null, entryAddress(word, page), seen, SpaceEntry.marked(seen, bits));
    }

    /**
     * @param page of the space.
     * @return how many entries of its leaf are not none. Exact under the lock.
     */
    public int used(final long page) {
        return (int)used.getPlain(page >>> LEAF_SHIFT);
    }

    /** @return how many leaves have a frame, found by walking the directory. */
    public long attachedLeaves() {
        long attached = 0;
        for (long leaf = 0; leaf < leaves(); leaf++) {
            attached += hasLeaf(directory.getVolatile(leaf)) ? 1 : 0;
        }
        return attached;
    }

    /**
     * Walks a quiet table: counts agree, and each entry that holds a reference names a frame that is allocated.
     *
     * @param frames what is known of the frames.
     * @return how many entries hold a reference.
     * @throws AssertionError naming the first thing that is wrong.
     */
    public long verify(final FrameTable frames) {
        return new SpaceTableVerifier(this, memory, frames).verify();
    }
}
