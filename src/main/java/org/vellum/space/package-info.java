/**
 * Address spaces. Invariant: <b>regions are disjoint, and every present entry lies in a region</b>.
 *
 * <p>At present the room holds the regions, that is, which pages mean what; what translates them is in {@code mmu}, what takes their frames
 * away in {@code gather}.
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
 *   F (faults)                                 U (unmaps; has the space lock exclusively for u1 and u2)
 *   f1: region := find(page)                   u1: publish a root without the region
 *   f2: lock the leaf                          u2: end the region
 *   f3: still current? no → unlock, f1         u3: for each leaf: lock it, clear the entries, unlock it
 *   f4: store the entry
 *   f5: unlock
 * </pre>
 * Either F's hold of the leaf's lock comes first: then u3 finds the entry and clears it. Or U's does: then u2 happened before f3 by that lock,
 * and F sees that the region has ended. So no entry is left behind in a range without a region. Because u1 comes before u2, who starts anew
 * at f1 finds what came instead: it never waits for U, and each time round somebody else has changed something.
 *
 * <p>Protecting goes the same way, with u3 lowering the permission; a fault that has found the old flags cannot install a writable entry
 * after u3. Two first faults of one page: the second to hold the leaf's lock finds the first's entry at f4 and gives its own frame back.
 *
 * <h2>Contract (d): reads and writes</h2>
 * Where the library itself changes mappings the accessor protects itself. A read loads the entry, the data, and the entry again, and starts
 * anew if that is another by now; the argument is in {@link org.vellum.mmu.SpaceTable}. A write has nothing to check afterwards: it
 * happens inside a section, the caller's or one that the accessor opens, and no frame that was taken away is given to anybody before that section
 * has ended (the argument of {@code org.vellum.epoch}, with u3 as t1).
 *
 * <h2>Clear, flush, free</h2>
 * u3 hands what it has cleared to a gather, which flushes before it frees: {@code org.vellum.gather}.
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
 * {@link org.vellum.space.RegionIndex#changeFlags} looks first and changes nothing if there is one. (The kernel changes what lies below
 * the hole, and says ENOMEM.)
 *
 * <h2>Left out</h2>
 * The kernel's merge cases by number: one way of cutting and joining serves all. Nonlinear regions were removed upstream.
 */
package org.vellum.space;
