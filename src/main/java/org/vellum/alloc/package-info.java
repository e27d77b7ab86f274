/**
 * The allocator that applications use: any size, any thread, and the memory comes back. Invariant: <b>every live byte is charged to exactly
 * one budget; what is freed comes back</b>.
 *
 * <h2>Who serves what</h2>
 * <pre>
 *   1 byte .. 8 KiB      slabs ({@code org.vellum.slab})      one compare-and-set to free, none to allocate
 *   .. 64 pages          runs of frames that slots hold       as above ({@link org.vellum.alloc.HeldRuns})
 *   .. a bank            runs of frames, contiguous, if they are to be had
 *   .. all of memory     vmalloc: contiguous to look at, over scattered frames
 * </pre>
 * All of it is named by a Vellum address. A slab's object bears the generation of its slab, a vmalloc'd area its own, so that an address kept
 * beyond its time is told; runs of frames are the linear map itself, without a tag. Who frees is not asked where the memory came from: the
 * address tells, by two loads.
 *
 * <h2>Who may free</h2>
 * Any thread, without a section, without waiting. The step at which one of two frees wins is one compare-and-set: of the
 * object's state byte, of the run's frame word, of the state of an area's record. All three also tell what is not the
 * allocator's: frames that others took bear no mark of it, areas that {@code vmalloc} gave out directly are of another kind.
 *
 * <h2>Exhaustion</h2>
 * Nothing is kept from anybody for good: what slots hold is given up, limbo is polled, then one bounded grace period is waited
 * for, outside sections only; then the exception says what is free, what is in limbo and who holds it up.
 *
 * <h2>Left out</h2>
 * Malloc's arenas (slots do their work, and there are as many as processors, not threads), thread caches (a thread owns nothing, so nothing
 * is lost with it), huge pages and NUMA (the JVM does not tell where memory lies).
 */
package org.vellum.alloc;
