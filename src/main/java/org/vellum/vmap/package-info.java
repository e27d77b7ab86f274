/**
 * Virtual ranges over scattered frames. Invariant: <b>busy, lazy, cached and free ranges partition the window</b>.
 *
 * <h2>Vocabulary</h2>
 * An <b>area</b> is a range of the window with one purpose and one generation (its tag). It is <em>reserved</em> while it
 * is being filled and nobody may see it, <em>busy</em>, perhaps <em>retiring</em> (still mapped, to be freed after a grace
 * period), <em>lazy</em> once its entries are cleared and it waits in limbo, then free.
 *
 * <pre>
 *   free ──reserve──▶ reserved ──publish──▶ busy ──vfree: CAS──▶ lazy ──grace period──▶ free
 *    ▲   (lock)                               │                   ▲ │                     │
 *    │                                        └──retire: CAS──▶ retiring (grace period)   │
 *    └───────────────────────────────(lock)───────────────────────┴─────────────────────┘
 * </pre>
 *
 * <h2>One vmalloc and vfree, step by step</h2>
 * <ol>
 * <li>{@code vmalloc}: under the lock, the lowest range that fits is cut out of {@link org.vellum.vmap.AreaTree}, a record is
 * taken, numbered with the next generation and entered into {@link org.vellum.vmap.AreaIndex}. State: reserved.</li>
 * <li>Without the lock, in sections, frames are taken from the slot's list and entries are stored (release).</li>
 * <li>The state becomes busy (release: whoever sees it, sees the fields), and the tagged address is returned.</li>
 * <li>{@code vfree}: look-up and claim take no lock: the index names the record, and one CAS of its state word, which
 * carries the generation, makes exactly one caller the owner of the end.</li>
 * <li>The entries are made dead, then comes the fence and the stamp, then the record goes to limbo. The caller returns: it
 * has not waited, allocated, or taken a lock.</li>
 * <li>Some poll later the horizon is past the stamp. The frames go back, the entries are forgotten, and under the lock the range
 * returns to the tree.</li>
 * </ol>
 *
 * <h2>One vrealloc, step by step</h2>
 * No byte is copied: see {@link org.vellum.vmap.AreaResizer} for the pictures.
 * <ol>
 * <li>The pages that are to be added get addresses, right behind the area if they are free, else as the end of a longer range
 * elsewhere; then frames. Until here all can fail, wait or call back, and the area is as it was.</li>
 * <li>One CAS of the state word makes the caller the owner: busy becomes reserved if the area stays, lazy if it moves.</li>
 * <li>In place, the records of the two ranges become one, under the lock. Elsewhere, each entry moves: the frame is mapped at the new
 * page, then the old page forgets it.</li>
 * <li>The area is published, again or newly. The old range goes to limbo as one without pages: quarantined like any other, and
 * without a frame to free. Its reader's translations stay good, because the frames were never given up.</li>
 * <li>An area that gets shorter is reserved for a moment, the end is cut off under the lock as an area of its own, and retired.</li>
 * </ol>
 *
 * <h2>When limbo is emptied</h2>
 * Lazy pages above {@code min(fls(processors) × 8192, window / 8)} ask for one drain: the next allocator's, or the worker's if half as
 * much again has gathered before one comes. One flush then serves all of them. The bound grows with the logarithm of the processors, because the
 * cost of a flush does too, roughly; but it wastes addresses, of which small windows have few. Exhaustion of addresses or
 * frames purges, then waits for one bounded grace period (never inside a section), retries, and then says what is in
 * limbo and who holds it up.
 *
 * <h2>Ranges that slots keep</h2>
 * A slot takes back what it retired, for the next requests of the same size there (V14, see {@link org.vellum.vmap.RangeCache}):
 * without, areas of several threads interleave, nothing coalesces, and a deep tree travels between the processors. An
 * unbounded, unaligned request of up to 15 pages goes
 * <ol>
 * <li>to the ranges its slot keeps: no lock, no tree, no index;</li>
 * <li>to the slot's own limbo, from which it takes some of what has passed ({@code Limbo.releaseOwn}), asking for a flush itself once
 * enough has gathered;</li>
 * <li>to the tree, for several ranges side by side: twice as many each time, because sections that the operating system has preempted
 * may hold all limbo up for many milliseconds, and then every request would queue for the one lock;</li>
 * <li>to the tree for itself alone.</li>
 * </ol>
 * Drains leave a slot alone that looks after itself so; measured, what they gave back to the tree was fetched from there again by the
 * next request. Such requests do not get the lowest address; bounded and aligned ones do. Exhaustion gives all of it back first.
 *
 * <h2>Strictness</h2>
 * The kernel frees frames before the flush and quarantines only addresses. Here both wait, wherever the library owns the
 * frames. Frames of the caller's are the caller's to keep until {@code unmapAliases()} has returned.
 *
 * <h2>Left out of reference 1 and its descendants, and why</h2>
 * V5's preloaded nodes (nodes are pooled with the areas), V11's hull (an epoch has no range), V13's purge helpers (a
 * release is a tree insert of some 100 ns under a lock that nobody holds across a wait), V26's hash (a block
 * is found by shifting its address), V35's no-fail (Java callers can catch), V39 (no I/O memory), the races RV4, RV7 and RV8
 * that belong to them. Huge mappings are a preference for contiguous frames.
 */
package org.vellum.vmap;
