/**
 * Matter: page frames. Invariant: <b>each frame of a present bank is free exactly once, in the buddy, in one list or in
 * the depot, or it is owned with a count of at least 1</b>.
 *
 * <h2>Vocabulary</h2>
 * A <em>frame</em> is one page of native memory, named by its number. A <em>bank</em> is a power of two of frames that
 * come and go together: one direct {@link java.nio.ByteBuffer} with one Agrona buffer over it. A <em>block</em> of
 * order k is 2<sup>k</sup> frames, aligned to its own size, allocated and freed whole and named by its first frame, the
 * <em>head</em>; its other frames are <em>tails</em>. Banks are numbered from 1, so no address below the size of a bank
 * means anything: 0 is the null trap.
 *
 * <h2>Where a frame can be</h2>
 * <pre>
 *                 refill (lock)            allocate (occupant: store)
 *    FREE in the  ───────────►  CACHED in  ─────────────────────────►  ALLOCATED,
 *    buddy        ◄───────────  one list   ◄─────────────────────────  count ≥ 1
 *                 drain (lock)             free (anyone: CAS)
 *      ▲   │
 *  add │   │ detach (both locks)        the list: of one slot and order, an entry of the depot,
 *      │   ▼                            or the overflow stack
 *    ABSENT
 * </pre>
 * Each block's head has one packed word ({@link org.vellum.frame.FrameWord}) that says where the block is. Who may
 * change it follows from its state, and that is the whole protocol:
 * <ul>
 * <li>FREE: only the holder of the buddy's lock.</li>
 * <li>CACHED: only the owner of the list: the occupant of the slot; for an entry of the depot whoever has made it BUSY, by CAS;
 * for the overflow stack whoever took it whole, under the lock.</li>
 * <li>ALLOCATED: anyone, by compare-and-set, because anyone may free. Of two frees of one block one CAS succeeds; the
 * other sees a word that is not the one it expects, and is told so.</li>
 * <li>ALLOCATED and marked: anyone, by compare-and-set from that very mark, which is the promise of a room above. What
 * frees, references or splits unmarked blocks expects mark 0 in the same CAS, and is refused without another test.</li>
 * <li>ALLOCATED and marked as a piece of a run: only who has made the run's first head CACHED or RUN_CHANGING, by CAS from
 * its mark.</li>
 * <li>TAIL: whoever may change the head of its block.</li>
 * </ul>
 * A tail's word changes only when its block is split or joined, one word each time; so allocating a block of order 3
 * writes one word, not eight, and an interior address is still recognised as such.
 *
 * <h2>Runs</h2>
 * A run is any number of contiguous frames that are owned as a whole: as few blocks as cover it exactly, so that the
 * buddy, the verifier and whoever walks the table need to know nothing of it. Its first head's word is all there is to
 * race for:
 * <pre>
 *                    allocate: pieces, length,           free: CAS from the mark
 *                    then the head, by a release         ─────────────────────────►  CACHED, then the pieces too:
 *    CACHED blocks  ─────────────────────────►  mark m                               one chain to the buddy
 *                                               ▲    │
 *            pieces, length, then the head,     │    │  resize: CAS from the mark
 *            by a release                       │    ▼
 *                                            RUN_CHANGING
 * </pre>
 * Between a CAS and the release a reader may see pieces of both lengths: {@link
 * org.vellum.frame.FrameTable#head} says that it does not know, or names a piece; {@link org.vellum.frame.FrameTable#mark}
 * of the first frame tells that the run is being changed, and of any other frame is never a mark of the owner's.
 *
 * <h2>Batches from list to list</h2>
 * A thread that only frees and one that only allocates meet in the {@link org.vellum.frame.Depot}: half of a full list goes there
 * as an array of numbers, if it has room, and an empty list is filled from there, if it has anything. Without a lock, and without a
 * look at the frames. What is in the depot is not joined to larger blocks; so whoever finds in the buddy nothing large enough, drains,
 * or looks for a bank to give back, empties it into the buddy first.
 *
 * <h2>Never waiting in free</h2>
 * Freeing pushes onto the list of the slot. When that is full and the depot too, half of it goes to the buddy if the lock can
 * be had within microseconds; else the batch is linked through its own table words (not through the frames: a reader in a
 * section may still look at those) and pushed on the overflow stack by one CAS. Whoever holds the lock next takes the
 * stack whole by one exchange: nothing is ever popped singly, so there is no ABA. A frame on the stack while nobody
 * takes the lock is still counted free and is found by the next refill, drain or detach.
 *
 * <h2>Allocating without waiting</h2>
 * Callers are inside a section, where nobody may block. They try the lock for a bounded time, and yield between tries
 * so that a preempted holder can run; the lock is held for a bounded number of blocks and never across a call into the
 * JVM. Banks are added outside of it, under a lock of their own, because the JVM zeroes a new bank (tens of
 * milliseconds). Who loses patience reports exhaustion; {@link org.vellum.frame.FrameAllocator#drainIdle()}, which a
 * face calls before it gives up, waits for a bank that is being added.
 *
 * <h2>Lower banks first</h2>
 * The buddy serves from the lowest bank that can, so that higher ones fall empty and can be given back. A wholly free
 * bank is detached first (nobody can allocate or newly translate it), then waits for a grace period, which is the
 * caller's business, then is released: natively at once if no view of it was ever handed out, else by the collector
 * when no view remains.
 *
 * <h2>Left out, and why</h2>
 * <ul>
 * <li>Zones and NUMA nodes: the JVM does not tell where memory lies.</li>
 * <li>Migrate types and compaction: what moves pages stands above this room, which only gives it counts and
 * states.</li>
 * <li>Several bank groups with a lock each: there is one group. Refills and drains move {@link
 * org.vellum.frame.SlotLists}' batches under the lock, so it is taken once in 64 frames at worst, and the depot keeps those that
 * pass between threads away from it; more groups are worth their cost only once that shows.</li>
 * <li>GFP flags: exhaustion is a return value here, and what to do about it is the caller's.</li>
 * <li>Contiguous blocks beyond a bank: a bank is the largest thing that comes from one native allocation.</li>
 * </ul>
 */
package org.vellum.frame;
