/**
 * Unmap, flush, free: in that order. Invariant: <b>no frame and no table is freed before the flush that covers it</b>.
 *
 * <p>This room is where {@code epoch} and {@code frame} meet. For the vmap window the gather needs no memory: clearing an
 * entry takes only its present bit, so the range itself remembers its frames until its grace period has ended, and the
 * release walks it in bounded slices. There is no array of pages to collect, hence nothing that could fail to be allocated
 * while freeing.
 *
 * <h2>Left out, for now</h2>
 * The batches of reference 3 (8 inline entries, then batches in frames): they serve address spaces, whose page tables
 * disappear together with what they map.
 */
package org.vellum.gather;
