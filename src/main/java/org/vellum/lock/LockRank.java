package org.vellum.lock;

/**
 * The order in which locks are taken, written down here and nowhere else: a thread that holds one of a rank takes only those that come
 * later in this list.
 *
 * <ol>
 * <li>{@link #SPACE}: the regions of one space. Of two spaces the older first.</li>
 * <li>{@link #ALL_LOCKS}: who takes every lock of a space ({@link AllLocks}).</li>
 * <li>{@link #FILE_MAPPING}: who maps one file.</li>
 * <li>{@link #ANON}: who maps the pages of one family of anonymous regions.</li>
 * <li>page-table locks ({@link PageTableLocks}), which are short: nobody takes one of the above while holding one, nor waits for a grace
 * period.</li>
 * <li>the short locks of the rooms below: frames, limbo.</li>
 * </ol>
 *
 * Of one rank, a thread takes several locks only by ascending {@link SleepingLock#key}, or in any order while it holds
 * {@link #ALL_LOCKS}, which no two do at once. What only tries need not keep the order: it never waits.
 */
public enum LockRank {
    /** The kernel's {@code mmap_lock}. Tried inside sections, so nobody holds it exclusively across a grace period. */
    SPACE,
    /** Held by whoever takes all locks of a space, so that no two do it at once. */
    ALL_LOCKS,
    /** The kernel's {@code i_mmap_rwsem}. */
    FILE_MAPPING,
    /** The kernel's {@code anon_vma} lock. */
    ANON
}
