/**
 * Unmap, flush, free: in that order. Invariant: <b>no frame and no table is freed before the flush that covers it</b>.
 *
 * <p>This room is where {@code epoch} and {@code frame} meet. It knows two kinds of unmapping.
 *
 * <h2>The vmap window</h2>
 * {@link org.vellum.gather.WindowGather} needs no memory: clearing an entry takes only its present bit, so the range itself remembers its
 * frames until its grace period has ended, and the release walks it in bounded slices. There is no array of pages to collect, hence nothing
 * that could fail to be allocated while freeing.
 *
 * <h2>Address spaces: the preemptible gather of reference 3</h2>
 * The entries of a space are used again at once, so what was in them must be remembered elsewhere: in a {@link
 * org.vellum.gather.MmuGather}. Three things are gathered, and they are not one:
 * <ol>
 * <li>frames, to be freed after a flush: eight in the gather itself, so that it always gets on, then batches of 510 in frames, 19 at
 * most;</li>
 * <li>translations to be flushed: the hull of the pages touched. Nothing touched, no flush. An epoch has no range, so all that the
 * hull decides here is whether;</li>
 * <li>tables ({@link org.vellum.gather.TableFrames}), whose release is a matter of walkers, not of translations: each is retired on its own,
 * before the pages, by words of the frame table.</li>
 * </ol>
 *
 * <h3>Preemptible</h3>
 * The kernel's gather once lay in per-CPU memory, so whoever unmapped could not be preempted from beginning to end. This one belongs to the
 * calling thread. It holds memory between its steps, but no lock, no slot and no section; {@link org.vellum.gather.SpaceUnmapper} goes leaf by
 * leaf, and a virtual thread may be unmounted between any two.
 *
 * <h3>Flushing</h3>
 * <pre>
 *   U (unmaps)                                   R (a section)
 *   u1: exchange the entry for none              r1: enters: CAS of its slot
 *   u2: ... more of them, other leaves           r2: loads the entry, volatile
 *   u3: stamp: full fence, load the clock        r3: uses the frame; exits
 *   u4: wait for it, or leave it to limbo
 *   u5: give the references up
 * </pre>
 * is the argument of {@code org.vellum.epoch} with one stamp for many clears: u3 comes after each of them, so a section that has loaded any of
 * the entries before its clear was announced before u3, and u5 waits for it. A stamp taken later than need be only waits longer, which is why the
 * frames of small unmaps may lie in a slot's open batch until it is full ({@link org.vellum.gather.GatherMode#RETIRE}): a flush for four
 * pages is a 128th of one.
 *
 * <h3>A reference, not a frame</h3>
 * An entry holds a reference, and what is given up at u5 is that. It waits for the grace period even if others hold the frame as well: were
 * it dropped at once, the last of the others, whose stamp may be older than this entry's clear, would free the frame under a reader that
 * came in by this entry.
 *
 * <h3>Never for want of memory</h3>
 * No frame for a batch: the gather is full, and flushes. In the middle of nothing it waits and frees what it has; a section can neither
 * wait nor leave eight frames in a batch, so there, and only there, the Java heap remembers them. Tables need nothing (RG7).
 *
 * <h3>Nested</h3>
 * Two gathers of one space: {@link org.vellum.gather.SpaceFlushes} (G9). It matters to those who wait; who retires has quarantined
 * what it cleared, and promises nothing about sections that are open.
 *
 * <h3>Translations that are kept elsewhere, too</h3>
 * Of the three things that reference 3 finds batched, the second, translations by address and old entry, is no business of the gather's
 * where a new entry must not meet a copy of the old one: {@link org.vellum.gather.AddressBatches}, a policy of a space (G12).
 *
 * <h3>The races of reference 3</h3>
 * Each is a test whose name begins with it, or cannot be:
 * <ul>
 * <li>RG1, a page is moved and its old address not flushed: nothing moves entries yet. Even then: an epoch is not of an address, so whoever
 * frees the frame, by whatever entry, waits for sections that came in by the old one.</li>
 * <li>RG2, RG5, RG6: who finds done what it came to do waits for who has done it (G9); for lowered permissions and for frames that are not
 * counted as well.</li>
 * <li>RG3, RG4: see below; {@code SpaceTableTest.marksNeverUndoAChange}, {@code SpaceTableStress.MarkAgainstProtect}. There is no reverse
 * mapping yet that could be dropped too early.</li>
 * <li>RG7, RG8: tables need no batch, and wait for walkers; {@code UserPagesTest} has the walker.</li>
 * <li>RG9: tables are of one space, never shared.</li>
 * <li>RG10, the page-table lock is let go before the flush: here always, on purpose. Nobody takes a cleared entry for a sign that its frame
 * is free, as the gather has the reference; who looks at the count at once sees it. What must be gone before, is: RG11.</li>
 * <li>RG11, RG12: {@code AddressBatchTest}, {@code AddressBatchStress}.</li>
 * <li>RG13, the frame of zeroes is freed while in a gather: it never is in one, since entries that show it hold no reference; who releases
 * it waits for the grace period of the last: {@code MmuGatherTest.onlyReferencesOfEntriesAreGivenUp}, {@code ZeroFrameTest}.</li>
 * <li>RG14: {@code MmuGatherTest.anUnfinishedGatherIsSeen}; one that goes on in another thread, {@code
 * betweenSlicesTheRestCanBeHandedOver}.</li>
 * </ul>
 *
 * <h2>Left out of reference 3, and why</h2>
 * <ul>
 * <li>The address batch of a processor, flushed when it is preempted: ours is the lock's holder's, who never waits.</li>
 * <li>Flushing by range or level ({@code cleared_ptes ...}), {@code fullmm}, {@code need_flush_all}: an epoch ends for everybody.</li>
 * <li>G6, a flush at the end of each region: nothing here depends on the region.</li>
 * <li>G10, page sizes: there is one.</li>
 * <li>Delayed reverse mapping (RG3, RG4): the dirty bit is taken by the exchange that clears the entry, and a store that is under way is in a
 * section, which the flush waits for.</li>
 * <li>G13's shortcut for a single user, on purpose.</li>
 * <li>The batch of tables and its fallback to an interrupt (G7): not needed, as said.</li>
 * </ul>
 */
package org.vellum.gather;
