/**
 * Words of native memory. Invariant: <b>every access states its ordering in its name, and a word that several threads
 * fight over has cache lines of its own</b>.
 *
 * <p>This room is Vellum's one door to raw memory for its own metadata: no other room computes an address to keep state
 * in. It knows nothing of what the words mean.
 *
 * <p>Native memory is never assumed to be zero: the C library hands out dirty pages after a few rounds of allocation
 * and release, so whoever reserves words zeroes them before the first read.
 */
package org.vellum.mem;
