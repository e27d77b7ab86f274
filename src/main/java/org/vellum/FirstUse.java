package org.vellum;

import org.vellum.alloc.AllocatorOptions;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.epoch.Retirement;
import org.vellum.frame.FrameOptions;
import org.vellum.kmap.KmapOptions;
import org.vellum.mem.Pages;
import org.vellum.percpu.PercpuAllocator;
import org.vellum.percpu.PercpuOptions;
import org.vellum.report.Listener;
import org.vellum.vmap.VmapOptions;

/**
 * Loads what the operations need before anybody needs them at the end of a stack.
 *
 * <p>The JVM loads and initialises a class at its first use, on the stack of whoever uses it, and takes tens of frames for it:
 * more than {@link org.vellum.cpu.StackReserve} can foresee. If that is where the stack ends, the operation stops in its middle,
 * and the class may be unusable for good. So the first memory of a JVM is preceded by a tiny one on which each operation is
 * done once; it takes some milliseconds.
 */
final class FirstUse {
    private static final long MEMORY = 1L << 20;
    private static final long WINDOW_PAGES = 4L * VmapOptions.BLOCK_PAGES;

    static {
        final VmapOptions window = VmapOptions.of(MEMORY).withWindowPages(WINDOW_PAGES);
        try (Vellum memory = new Vellum(new Parts(CpuOptions.forThisMachine().withCachedSlots(2).withMaxSlots(2),
            new FrameOptions(MEMORY, FrameOptions.MIN_BANK_BYTES), window, AllocatorOptions.DEFAULT, KmapOptions.DEFAULT, PercpuOptions.DEFAULT,
            Listener.SILENT, 1_000_000_000L, false))) {
            operate(memory);
        }
    }

    private FirstUse() {
    }

    /** Does nothing the second time. */
    static void ensure() {
        // The static initialiser has run by the time this is called.
    }

    private static void operate(final Vellum memory) {
        final long[] frames = new long[2];
        try (Cpu cpu = memory.enter()) {
            memory.frames().allocateBulk(cpu, frames, 0, frames.length);
            memory.mapRam().vmUnmapRam(cpu, memory.mapRam().vmMapRam(cpu, frames, 0, frames.length), frames.length);
        }
        memory.vmUnmapRam(memory.vmMapRam(frames, 0, frames.length), frames.length);
        memory.vfree(memory.vmalloc(3L * Pages.SIZE));
        memory.retire(memory.vmalloc(Pages.SIZE));
        memory.vmalloc().vfreeAtomic(memory.vmalloc(Pages.SIZE));
        memory.vmap().vunmap(memory.vmap().vmap(frames, 0, frames.length, 0));
        memory.retire(new Retirement() {
            @Override
            protected void released() {
                // Only its passage through limbo matters.
            }
        });
        final long low = memory.kmap().kmapLocal(frames[0]);
        memory.kmap().copyFrame(frames[0], frames[1]);
        memory.kmap().kunmapLocal(low);
        memory.unmapAliases();
        allocate(memory);
        allocatePercpu(memory.percpu());
        memory.quiesce();
        try (Cpu cpu = memory.enter()) {
            memory.frames().freeBulk(cpu, frames, 0, frames.length);
        }
        memory.trim();
        memory.verify();
    }

    /** In the first chunk, in one that is made for it, and once from what is ready. */
    private static void allocatePercpu(final PercpuAllocator percpu) {
        final long[] pointers = new long[3];
        for (int i = 0; i < pointers.length; i++) {
            pointers[i] = percpu.allocate(percpu.maxBytes() / 2, Pages.SIZE);
            percpu.access().addLong(pointers[i], 1);
        }
        percpu.free(percpu.allocateAtomic(Long.BYTES, Long.BYTES));
        for (final long pointer : pointers) {
            percpu.free(pointer);
        }
        percpu.balance();
        percpu.stats();
    }

    private static void allocate(final Vellum memory) {
        for (long size = 1; size <= 1L << 17; size <<= 2) {
            memory.free(memory.allocate(size));
            memory.allocator().freeDeferred(memory.allocator().reallocate(memory.allocate(size), 3 * size));
        }
        memory.sharedArena().close();
        memory.arena().close();
    }
}
