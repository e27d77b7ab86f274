/**
 * Short-lived mappings at nearly the cost of a bump pointer. Invariant: <b>each page of a block is free, used or dirty; a dirty
 * page is not reused before a flush</b>.
 *
 * <h2>The idea</h2>
 * A block is 1,024 pages of the window. Each slot carves its current block by a bump pointer; an unmapped page becomes dirty and
 * is never reused within the block's life (V17). When every page of the block is dirty, the block goes to limbo as a whole;
 * after one grace period it is a fresh block, in a pool. So a mapping of 4 pages costs 1/256 of a retirement, and the shared
 * state of the window is not touched in between.
 *
 * <h2>Two places for the dirty count</h2>
 * <pre>
 *   slot (plain words of the occupant)      block (one shared word)
 *   current block, bump, dirty here         generation | LEFT | dirty elsewhere
 * </pre>
 * While a block is some slot's current one, unmaps on that slot count in the slot and unmaps elsewhere count in the block's
 * word by {@code getAndAdd}. Leaving the block folds the slot's count and the unusable tail into the word, and sets LEFT, by one
 * {@code getAndAdd}; the slot forgets the block in the same step. The sum over both places is monotonic and reaches 1,024
 * exactly once, after LEFT:
 * <pre>
 *   T1 (leaves the block, d dirty, t tail)       T2 (unmaps n pages elsewhere)
 *   a1: old := word += LEFT + d + t              b1: old' := word += n
 *   a2: old + LEFT + d + t complete? retire      b2: old' + n complete? retire
 * </pre>
 * The additions to one word are totally ordered, each adds pages that nobody else adds, and "complete" means LEFT and 1,024.
 * Only the last addition produces that value, so exactly one thread retires the block, with one fence. That fence comes after
 * the clears of all others, because each clears before it adds.
 *
 * <h2>Two threads unmap one address</h2>
 * The first entry of a mapping carries its page count and its generation, and is removed by CAS. One of two wins, the other
 * reports; the remaining entries need no check. A recycled block has another generation, so a stale unmap fails on the tag.
 *
 * <h2>Aliases</h2>
 * Frames here are the caller's. Before it may reuse one it calls {@code unmapAliases()}, after which no section can reach
 * any frame through a mapping that was removed before. There are no dirty ranges to walk, to reset, or to miss (RV1, V23):
 * every occupant counts its clears in its own slot. {@code unmapAliases()} compares the counts with those it saw last; if one
 * moved, it takes a stamp, which is at least as new as any section that could have seen those entries, and remembers the
 * largest. Every caller waits until the remembered stamp has passed, so a second caller waits as long as the first. If nothing
 * moved and the stamp has passed, there is no flush (RV10). This replaces a stamp in each block: a stamp taken without a
 * fence at each unmap may be older than a reader that still sees the entry, and a fence at each unmap is what blocks avoid.
 *
 * <h2>Left out</h2>
 * V16's rounding to powers of two (it served the kernel's bitmap), V26's hash (a block is its address shifted), per-CPU lists of
 * partly free blocks (a slot has one current block; RV2 and RV12 have no list to corrupt).
 */
package org.vellum.mapram;
