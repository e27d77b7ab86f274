/**
 * Who runs. Invariant: <b>a slot is occupied by at most one thread at a time, and a thread's outermost section occupies
 * exactly one slot</b>.
 *
 * <p>Not to be confused with {@code percpu}, the allocator of per-CPU memory: this room is about who runs, that one about
 * what each of them owns.
 *
 * <h2>The idea</h2>
 * The kernel's fast paths rest on "this CPU, preemption off": for a moment nobody else runs here, so plain loads and
 * stores suffice. Java cannot turn preemption off, but it can let a thread <em>occupy a numbered slot</em> for the length
 * of one operation, by one compare-and-set from idle to (thread, epoch). Whoever occupies the slot owns its per-CPU
 * state; who finds it busy takes another. A slot is occupied, not owned: platform, virtual, surplus, idle and dead
 * threads are one case, and the caches of an idle slot can be drained by anyone who occupies it.
 *
 * <p>The same compare-and-set announces the epoch in which the section began, which is all that the {@code epoch} room
 * needs to know when memory may be reused. So every per-CPU operation is a section, at no extra cost.
 *
 * <h2>Where a thread looks</h2>
 * A table of <em>cells</em>, indexed by thread id, names for each cell an <em>affine</em> slot and counts the threads of that
 * cell which are <em>displaced</em>: inside a section at another slot. The rule that makes nesting cheap and exact is
 *
 * <blockquote>(N) a thread inside a section is at the affine slot of its cell, or is counted displaced in that
 * cell.</blockquote>
 *
 * So a thread whose affine slot does not bear its id, and whose cell counts nobody displaced, is certainly outside; one
 * compare tells. Only when the count is above zero must it look through the slots for its own id. See
 * {@link org.vellum.cpu.Cpus} for the protocol and the two-thread arguments.
 *
 * <h2>Left out</h2>
 * Interrupts, NMI, CPU hot-unplug, and any notion of which hardware processor runs a thread: the JVM tells none of it.
 */
package org.vellum.cpu;
