package org.vellum.mmu;

import java.util.concurrent.locks.LockSupport;
import org.agrona.UnsafeApi;
import org.vellum.cpu.StackReserve;
import org.vellum.mem.CacheLine;
import org.vellum.mem.Words;

/**
 * A hash of translations, as some processors have one in place of a tree: a fixed number of slots in native memory, each a page and a copy
 * of its entry. Who does not find a page there walks the table and enters it ({@code hash_page} of powerpc); who changes the table takes
 * the copies away. It may forget any of them at any time.
 *
 * <pre>
 *   group, 128 bytes:   [ sequence | next victim | page + 1, entry | ... seven of them ]
 *   sequence            odd while somebody changes the group: its lock, and what readers compare
 * </pre>
 *
 * <h2>Entering against taking away</h2>
 * <pre>
 *   E (enters)                                 T (changes the entry, under the page-table lock)
 *   e1: lock the group, or do without          t1: exchange the entry for none
 *   e2: entry of the table                     t2: lock the group
 *   e3: store a copy of it                     t3: forget the copy of (page, old entry)
 *   e4: unlock                                 t4: unlock
 * </pre>
 * Either E's hold of the group comes first, then t3 finds its copy; or T's does, then t1 happened before e2, which sees it. So after t4
 * there is no copy of the old entry, nor will there be. T may do something else between t1 and t2, and leave t2 to t4 of many pages for
 * later, as long as it stores no new entry for the page before: E, seeing none, enters nothing. With a new entry stored too early, E would
 * make a second copy beside the old one, as the hardware would (RG11). An entry that is exchanged for another is exchanged within the hold
 * of the group, for the same reason.
 *
 * <h2>Looking up inside a section</h2>
 * <pre>
 *   R (reads)                                  T, and then N (who gets the frame next)
 *   r1: enter: CAS of the slot                 t1 to t4
 *   r2: sequence of the group: even            t5: stamp: full fence, load the clock; wait for it
 *   r3: copy of the page's entry               n1: store to the frame
 *   r4: sequence still the same? no → walk
 *   r5: use the frame; exit
 * </pre>
 * is the argument of {@code org.vellum.epoch} with the sequence as that which is cleared: t2 and t4 change it whether there is a copy or
 * not, before t5. If T does not wait for R, then r1 came after t5 in the order of both, so r2 reads t4's sequence or a later one, and r3
 * what was there then: no copy of the old entry. Who forgets a copy to make room for another needs no stamp: the entry itself is still
 * there.
 *
 * <h2>Looking up outside sections</h2>
 * The copy, the data, a load fence, the sequence again: if the data are N's, then t4 happened before n1, and the sequence is another
 * ({@link #isUnchanged}). The hash itself is never used for anything else, so this needs no look at the table.
 *
 * <p>Left out: the bit of powerpc that says that an entry was never hashed, which would spare t2 to t4; the second group of a page.
 *
 * <p>Thread safety: as above. Nothing makes garbage.
 */
public final class HashedTable {
    /** Copies that a group has room for. */
    public static final int SLOTS = 7;

    private static final int GROUP_SHIFT = 4;
    private static final long VICTIM = 1;
    private static final long FIRST = 2;
    private static final long END = 1L << GROUP_SHIFT;
    private static final long NO_PAGE = 0;
    private static final long MULTIPLIER = 0x9E37_79B9_7F4A_7C15L;
    private static final int SPINS = 200;
    private static final long PARK_NANOS = 20_000;

    private final Words words;
    private final long groups;
    private final int shift;

    /**
     * @param groups how many: a power of two, at least 2.
     */
    public HashedTable(final int groups) {
        if (groups < 2 || Integer.bitCount(groups) != 1) {
            throw new IllegalArgumentException("groups=" + groups);
        }
        assert END == CacheLine.STRIDE_WORDS : "a group has cache lines of its own";
        this.groups = groups;
        shift = Long.SIZE - Integer.numberOfTrailingZeros(groups);
        words = Words.zeroed((long)groups << GROUP_SHIFT);
    }

    private long groupOf(final long page) {
        return page * MULTIPLIER >>> shift << GROUP_SHIFT;
    }

    /**
     * Looks for a copy. Inside a section it stays valid until the end of that; outside, {@link #isUnchanged} says until when.
     *
     * @param page any.
     * @return the entry of the page; {@link SpaceEntry#NONE} if there is no copy, or the group is just being changed.
     */
    public long lookup(final long page) {
        final long group = groupOf(page);
        // Volatile: r2, after r1; partner: unlock().
        final long sequence = words.getVolatile(group);
        for (long at = group + FIRST; at < group + END; at += 2) {
            // Opaque: r3; torn between two lives, perhaps, which r4 finds out.
            if (words.getOpaque(at) == page + 1) {
                final long entry = words.getOpaque(at + 1);
                // r3 before r4; partner: the fence in tryLock().
                UnsafeApi.loadFence();
                return (sequence & 1) == 0 && words.getVolatile(group) == sequence ? entry : SpaceEntry.NONE;
            }
        }
        return SpaceEntry.NONE;
    }

    /**
     * Where the group of a page is in its life, for {@link #isUnchanged}.
     *
     * @param page any.
     * @return the number of its changes.
     */
    public long sequence(final long page) {
        return words.getVolatile(groupOf(page));
    }

    /**
     * Whether what {@link #lookup} has found since {@link #sequence} still holds, and what was loaded by it, before a load fence, is the
     * page's.
     *
     * @param page looked up.
     * @param sequence before the look-up.
     * @return whether nothing has changed.
     */
    public boolean isUnchanged(final long page, final long sequence) {
        return (sequence & 1) == 0 && words.getVolatile(groupOf(page)) == sequence;
    }

    /**
     * Walks the table, and keeps a copy of what it finds, unless another is busy there. Inside a section, never waits.
     *
     * @param table of the space.
     * @param page of the space.
     * @return its entry.
     */
    public long enter(final SpaceTable table, final long page) {
        StackReserve.ensure();
        final long group = groupOf(page);
        if (!tryLock(group)) {
            return table.get(page);
        }
        try {
            // Volatile: e2, within the hold of the group.
            final long entry = table.get(page);
            if (SpaceEntry.isPresent(entry)) {
                put(group, page, entry);
            }
            return entry;
        } finally {
            unlock(group);
        }
    }

    /** e3. As the hardware does, it looks for this very translation, not for another of the page: there is none. */
    private void put(final long group, final long page, final long entry) {
        long slot = -1;
        for (long at = group + FIRST; at < group + END; at += 2) {
            final long tag = words.getPlain(at);
            if (tag == page + 1 && SpaceEntry.isSame(words.getPlain(at + 1), entry)) {
                // With the accesses noted since.
                words.putOpaque(at + 1, entry);
                return;
            }
            slot = tag == NO_PAGE ? at : slot;
        }
        if (slot < 0) {
            final long victim = words.getPlain(group + VICTIM);
            words.putPlain(group + VICTIM, (victim + 1) % SLOTS);
            slot = group + FIRST + 2 * victim;
        }
        words.putOpaque(slot, page + 1);
        words.putOpaque(slot + 1, entry);
    }

    /**
     * t2 to t4. Under the page-table lock, after the entry was exchanged.
     *
     * @param page whose entry.
     * @param old the entry as it was.
     */
    public void forget(final long page, final long old) {
        final long group = groupOf(page);
        lock(group);
        remove(group, page, old);
        unlock(group);
    }

    /**
     * Keeps everybody from entering the page, until {@link #endChange}. Under the page-table lock; briefly.
     *
     * @param page whose entry is about to be exchanged for another that translates.
     */
    public void beginChange(final long page) {
        lock(groupOf(page));
    }

    /**
     * {@link #forget}, within the hold of {@link #beginChange}.
     *
     * @param page whose entry was exchanged, or left as it is.
     * @param old the entry as it was.
     */
    public void endChange(final long page, final long old) {
        final long group = groupOf(page);
        remove(group, page, old);
        unlock(group);
    }

    private void remove(final long group, final long page, final long old) {
        for (long at = group + FIRST; at < group + END; at += 2) {
            if (words.getPlain(at) == page + 1 && SpaceEntry.isSame(words.getPlain(at + 1), old)) {
                words.putOpaque(at, NO_PAGE);
            }
        }
    }

    private boolean tryLock(final long group) {
        final long sequence = words.getOpaque(group);
        // CAS: what the holder before has stored; partner: unlock().
        if ((sequence & 1) != 0 || !words.compareAndSet(group, sequence, sequence + 1)) {
            return false;
        }
        // Readers see that it is odd before they see what follows; partner: the fence in lookup().
        UnsafeApi.storeFence();
        return true;
    }

    /** However long it takes: holders do a few steps, and call nothing that could wait. */
    private void lock(final long group) {
        boolean interrupted = false;
        for (int i = 1; !tryLock(group); i++) {
            if (i % SPINS == 0) {
                LockSupport.parkNanos(this, PARK_NANOS);
                // With an interrupt pending no park would park: taken off, and put back at the end.
                interrupted |= Thread.interrupted();
            }
            Thread.onSpinWait();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void unlock(final long group) {
        // Release: partner: tryLock() and the readers' r2 and r4.
        words.putRelease(group, words.getPlain(group) + 1);
    }

    /**
     * Counts the copies of a page, while nobody changes its group.
     *
     * @param page any.
     * @return how many there are: never more than one, if the rule of {@link EntryCopies} is kept.
     */
    public int copiesOf(final long page) {
        final long group = groupOf(page);
        int copies = 0;
        lock(group);
        for (long at = group + FIRST; at < group + END; at += 2) {
            copies += words.getPlain(at) == page + 1 ? 1 : 0;
        }
        unlock(group);
        return copies;
    }

    /**
     * Walks the hash: no page has two copies. Whatever others do meanwhile.
     *
     * @return how many copies there are.
     * @throws AssertionError naming the first page that has two.
     */
    public long verifyNoDuplicates() {
        long copies = 0;
        for (long group = 0; group < groups << GROUP_SHIFT; group += END) {
            lock(group);
            try {
                copies += verifyGroup(group);
            } finally {
                unlock(group);
            }
        }
        return copies;
    }

    private long verifyGroup(final long group) {
        long copies = 0;
        for (long at = group + FIRST; at < group + END; at += 2) {
            final long tag = words.getPlain(at);
            copies += tag == NO_PAGE ? 0 : 1;
            for (long other = group + FIRST; tag != NO_PAGE && other < at; other += 2) {
                if (words.getPlain(other) == tag) {
                    throw new AssertionError("two translations of page=" + (tag - 1) + ": 0x" + Long.toHexString(words.getPlain(other + 1))
                        + " and 0x" + Long.toHexString(words.getPlain(at + 1)));
                }
            }
        }
        return copies;
    }

    /**
     * Walks a quiet hash: each copy is that of an entry that is there, and no page has two.
     *
     * @param table of the space.
     * @return how many copies there are.
     * @throws AssertionError naming the first page that is wrong.
     */
    public long verify(final SpaceTable table) {
        for (long group = 0; group < groups << GROUP_SHIFT; group += END) {
            for (long at = group + FIRST; at < group + END; at += 2) {
                final long tag = words.getPlain(at);
                if (tag != NO_PAGE && !SpaceEntry.isSame(words.getPlain(at + 1), table.get(tag - 1))) {
                    throw new AssertionError("page=" + (tag - 1) + " has a copy of what is gone: 0x"
                        + Long.toHexString(words.getPlain(at + 1)) + " now 0x" + Long.toHexString(table.get(tag - 1)));
                }
            }
        }
        return verifyNoDuplicates();
    }
}
