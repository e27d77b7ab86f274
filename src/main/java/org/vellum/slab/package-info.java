/**
 * Objects of up to 8 KiB. Invariant: <b>an object is live, or free and seen as such by exactly one slab, whose owner alone may hand
 * it out</b>.
 *
 * <h2>Vocabulary</h2>
 * A <b>slab</b> is 32 KiB of contiguous frames, cut into objects of one {@linkplain org.vellum.slab.SizeClasses size class}. Beside the
 * memory, in flat tables, stand one <em>record</em> a slab (its {@linkplain org.vellum.slab.SlabWord word}, and two words for limbo) and
 * one <em>state byte</em> an object. Nothing is ever written into a free object: no header, no link, no poison.
 *
 * <pre>
 *   state byte     0        FREE       the owner of the slab may hand it out: by a plain store, for nobody else may
 *                  1..250   LIVE       freed by anybody, by one compare-and-set: the step at which one of two frees wins
 *                  252      DEFERRED   freed, and readers may still look: waits for the next pass of limbo
 *                  253      WAITING    seen by a pass of limbo: free once its grace period has ended
 *                  255      NONE       no object
 * </pre>
 *
 * <h2>A free is one compare-and-set</h2>
 * The address says which slab, the slab's word which class and generation, a multiplication which object; then LIVE becomes FREE, and
 * that is all, if some slot owns the slab: the owner finds the object when it next looks. So freeing needs no slot, no section,
 * no list and no look at who is freeing, and is the same from any thread.
 *
 * <h2>An allocation takes no atomic instruction of its own</h2>
 * Each slot owns at most one slab of each class, its <em>current</em> one, and keeps the free objects of one <em>window</em> of 32 objects
 * as bits in a word. Handing one out clears a bit and stores a state byte, both plainly, since the caller occupies the slot. When the
 * bits run out, the window is looked at again: four loads find what has been freed meanwhile. A thread that allocates and
 * frees in turn stays within one window, so its memory stays in the nearest cache. A window that yields little gives way to the next; a
 * round of the slab that yields little gives the slab up.
 *
 * <h2>The life of a slab</h2>
 * <pre>
 *               create                 leave                    enough freed
 *    no slab ───────────▶  OWNED  ───────────────▶   LOOSE   ─────────────────▶  LISTED
 *       ▲                   ▲  ▲    (by the owner)     │         (by the free)     │ │
 *       │                   │  └───────────────────────┼──────────── claim ────────┘ │
 *       │ release           │                          ▼  perhaps empty              │
 *       └───────────────────┴───────────────────── CLAIMED ◀─────────────────────────┘
 * </pre>
 * A full slab has no owner and is in no list. A free that finds its slab unowned counts itself in the slab's word; when a sixteenth has been
 * freed, the free makes the slab LISTED: found through a bit in {@link org.vellum.slab.PartialSlabs}, lowest address
 * first, so that high memory falls empty. When as many have been counted as there are objects, whoever counted the last claims
 * the slab, looks, and if it is empty gives it back to the frames, but for one empty slab a class.
 *
 * <h2>Why no free is overlooked</h2>
 * The count may be too high, never too low: that is what the orders below are for. Too high only costs a look.
 * <pre>
 *   F (free)                                       L (whoever owned or claimed the slab, and leaves it)
 *   f1: CAS state byte: LIVE → FREE                l1: CAS word: OWNED → LOOSE, count 0
 *   f2: load word, volatile: OWNED → done          l2: load the state bytes
 *                            else count + 1        l3: count + those that are FREE
 * </pre>
 * All of f1, f2, l1 are volatile, and a full fence stands between l1 and l2, which acquires what f1 released. If f2 precedes l1, F is done, and so f1 precedes l2: L
 * counts the object. Otherwise F counts it itself; perhaps L does, too. The count in the word goes with the slab's
 * generation, so a free that comes late finds another generation, or none, and has nothing to count: whoever released the slab
 * has seen its object free. {@code SlabFreeStress} runs this race; with f2 before f1 a slab is lost.
 *
 * <h2>Why nothing free is handed out twice</h2>
 * FREE becomes LIVE only by the owner; ownership changes only by compare-and-set of the word; what a slot keeps in bits is forgotten
 * when it leaves the slab, before l1. WAITING becomes FREE by the release from limbo, which happens once.
 *
 * <h2>Deferred frees</h2>
 * {@link org.vellum.slab.DeferredFrees}: for objects that readers in sections may still look at. They cost no record and cannot fail: the state
 * byte is the record, the slab is what goes to limbo.
 *
 * <h2>Departures</h2>
 * {@code design.md} links objects freed by others through their own first word, one stack a slab, and sends slabs with pending frees through
 * queues. The state bytes, which tell double frees anyway, make a better list: a free is one atomic instruction instead of two or three
 * (measured, 6 to 8 ns each here), needs no section, writes nothing into the object, and there is nothing to send.
 */
package org.vellum.slab;
