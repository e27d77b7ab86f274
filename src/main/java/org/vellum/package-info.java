/**
 * The front door: {@link org.vellum.Vellum} and its builder.
 *
 * <p>Vellum is an off-heap memory manager that gives a Java process what the Linux kernel gives itself: page frames, virtual
 * ranges over scattered frames, lazily flushed mappings, per-CPU mapping blocks. Real Java threads are its CPUs.
 *
 * <p>Rooms below, lowest first; imports point down only, and {@code LayersTest} holds the table:
 * {@code mem} and {@code report}; {@code cpu} (who runs); {@code epoch} (time) and {@code frame} (matter); {@code mmu}
 * (translation); {@code gather} (unmap, flush, free); {@code vmap} (ranges); {@code mapram} (blocks); {@code observe} and
 * {@code cli}.
 */
package org.vellum;
