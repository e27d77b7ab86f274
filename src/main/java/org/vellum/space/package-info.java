/**
 * Address spaces. Invariant: <b>regions are disjoint, and every present entry lies in a region</b>.
 *
 * <p>An {@link org.vellum.space.AddressSpace} says which pages mean what: its {@linkplain org.vellum.space.Region regions}. What translates them is
 * in {@code mmu}, what takes their frames away in {@code gather}; here they meet. Its parts are one class each: faults, unmapping, protecting,
 * advising, growing; {@link org.vellum.space.Spaces} is what the spaces of one memory share.
 *
 * <h2>Regions that never change</h2>
 * A {@link org.vellum.space.Region} is immutable but for one bit: that it has ended. The index of them is a tree of immutable nodes under one
 * volatile root. So a fault looks up without a lock, and there is no torn state to guard against with a sequence: the kernel's per-VMA
 * sequence has two values here, current and ended, and can neither wrap nor be odd for long.
 *
 * <h2>Fault against unmap</h2>
 * What a lock-free look-up found may be gone when its result is used. The decisive moment is the store of the entry, and it is under the
 * page-table lock of its leaf:
 * <pre>
 *   F (faults)                                 U (unmaps)
 *   f1: region := find(page)                   u1: space lock: publish a root with a tombstone for the region,
 *   f2: lock the leaf                          u2:             end the region, give the lock back
 *   f3: still current? no → unlock, f1         u3: for each leaf: lock it, clear the entries, unlock it
 *   f4: store the entry                        u4: flush, or limbo
 *   f5: unlock                                 u5: space lock: take the tombstone away
 * </pre>
 * Either F's hold of the leaf's lock comes first: then u3 finds the entry and clears it. Or U's does: then u2 happened before f3 by that lock,
 * and F sees that the region has ended. So no entry is left behind in a range without a region. Because u1 comes before u2, who starts anew
 * at f1 finds what came instead: it never waits for U, and each time round somebody else has changed something.
 *
 * <p>Two first faults of one page: the second to hold the leaf's lock finds the first's entry at f4 and gives its own frame back.
 *
 * <h2>Tombstones</h2>
 * The kernel holds the space lock from u1 to u5, exclusively or shared, so that nobody maps anything into the range while it still has entries. Here
 * the range is kept free by a region that nobody can use; so u3, which takes as long as there are pages, holds nothing but one leaf's lock at a
 * time, and may be interrupted, or done by somebody else: {@code Unmapping}. Who wants the range waits for the tombstone. Nobody else notices.
 *
 * <p>What is taken away without ending a region ({@link org.vellum.space.Advice#DONTNEED}) asks f3's question at each u3, for the same reason.
 *
 * <h2>Protecting</h2>
 * Regions first, then entries, of which only what they allow too much is taken: what they allow too little the next fault raises. A fault that
 * has found the old flags cannot install a writable entry after u3, by the argument above. It ends with a grace period: a store that has found its
 * page writable is in a section.
 *
 * <h2>Contract (d): reads and writes</h2>
 * Where the library itself changes mappings the accessor protects itself. A read loads the entry, the data, and the entry again, and starts
 * anew if that is another by now; the argument is in {@link org.vellum.mmu.SpaceTable}. A write has nothing to check afterwards: it
 * happens inside a section, the caller's or one that the accessor opens, and no frame that was taken away is given to anybody before that section
 * has ended (the argument of {@code org.vellum.epoch}, with u3 as t1).
 *
 * <h2>Clear, flush, free</h2>
 * u3 hands what it has cleared to a gather, which flushes before it frees: {@code org.vellum.gather}. The end of a whole space detaches its tables
 * instead, flushes once, and frees what they list: {@link org.vellum.gather.SpaceTeardown}.
 *
 * <h2>When memory is short</h2>
 * A fault that finds no frame takes away what nobody needs ({@link org.vellum.space.Advice#FREE}), waits for limbo, asks the rooms beside ({@link
 * org.vellum.space.Relief}), and then says so in the thread that faulted; nothing has changed. Inside a section of the user's it does not wait.
 *
 * <h2>Pins and users</h2>
 * {@link org.vellum.space.UserPages} pins frames without a lock; they outlive their pages, and the space. {@link org.vellum.space.Users}
 * counts who uses a space, walkers included: the last one tears it down, and nobody takes being the only one for a short cut (G13).
 *
 * <h2>Families of anonymous regions</h2>
 * {@code AnonVmas}: each region gets what reverse mapping will need at its first anonymous fault; {@link org.vellum.space.SpaceLocks} takes
 * their locks, and those of files, all at once (G14).
 *
 * <h2>Lock order</h2>
 * {@link org.vellum.lock.LockRank}: the one place.
 *
 * <h2>Protecting across a hole</h2>
 * Nothing changes if there is one. (The kernel changes what lies below the hole, and says ENOMEM.)
 *
 * <h2>Where pages come from</h2>
 * A region without a {@link org.vellum.space.Backing} is anonymous. The others:
 * <ul>
 * <li>{@link org.vellum.space.FileBacking}: a {@link org.vellum.space.SpaceFile}, whose pages are in memory once, whoever maps them, by a reference of
 * the file and one of each entry ({@link org.vellum.space.CachedPage}). Read by one thread, outside sections and locks ({@link
 * org.vellum.space.FileReads}); written after D was taken out of every entry and the sections that had found it have ended ({@link
 * org.vellum.space.FileWrites}, RG3). Entries are found by runs of pages, not by regions ({@link org.vellum.space.FileMappings}).</li>
 * <li>{@link org.vellum.space.HandlerBacking}: a handler of the user's, of whom nothing is believed.</li>
 * <li>{@link org.vellum.space.ReservedFrames}: frames of the caller's, by special entries.</li>
 * </ul>
 *
 * <h2>Left out</h2>
 * <ul>
 * <li>The kernel's merge cases by number: one way of cutting and joining serves all. Nonlinear regions were removed upstream.</li>
 * <li>{@code mremap}, and with it RG1: nothing moves entries from one address to another.</li>
 * <li>Mapping over something (MAP_FIXED without NOREPLACE): unmap first. Lengths that are no whole pages: refused, not rounded.</li>
 * <li>The space lock shared by faults: they take none.</li>
 * <li>Limits of regions and of locked memory: a space is not a user.</li>
 * </ul>
 */
package org.vellum.space;
