package org.vellum.percpu;

import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.frame.PhysicalMemory;
import org.vellum.gather.WindowGather;
import org.vellum.mem.Pages;
import org.vellum.mmu.Entry;
import org.vellum.mmu.PageTable;

/**
 * Frames under the pages of chunks. Invariant: <b>a page is there in all units or in none</b>: what fails in the middle is undone for the
 * units before.
 *
 * <p>By the holder of the allocator's mutex, outside sections, without the lock; {@link #zero} by anybody, of what he has allocated.
 */
final class Population {
    private final Foundation below;
    private final FirstChunk firstChunk;
    private final Layout layout;
    private final PageTable table;
    private final PhysicalMemory memory;
    private final PendingFrames pending;
    /** Volatile: set by tests while others run. */
    private volatile Runnable beforeStep = () -> { };

    Population(final Foundation below, final FirstChunk firstChunk, final PendingFrames pending) {
        this.below = below;
        this.firstChunk = firstChunk;
        this.pending = pending;
        layout = firstChunk.layout();
        table = below.space().table();
        memory = below.frames().memory();
    }

    /** Has something run before each step: the frames of a slice, the mapping of a unit, the unmapping of a run. For tests. */
    void setBeforeStep(final Runnable action) {
        beforeStep = action;
    }

    int slots() {
        return layout.slots();
    }

    private long address(final Chunk chunk, final int slot, final int page) {
        return chunk.base + layout.unitOffset(slot) + ((long)page << Pages.SHIFT);
    }

    private long area(final Chunk chunk, final int slot) {
        return chunk.areas[layout.groupOf(slot)];
    }

    /**
     * Maps frames, of undefined content, under pages that have none.
     *
     * @return whether it did; if not, frames have run out, and nothing has changed.
     */
    boolean populate(final Chunk chunk, final int fromPage, final int toPage) {
        final FrameBatch batch = new FrameBatch((toPage - fromPage) * layout.slots());
        boolean allocated = false;
        boolean done = false;
        try {
            allocated = allocate(batch);
            done = allocated && map(chunk, fromPage, toPage - fromPage, batch);
        } finally {
            if (allocated && !done) {
                // Even of a page that was mapped for a moment only, a stale pointer may have been translated.
                pending.add(batch);
            } else if (!done) {
                pending.freeNow(batch);
            }
        }
        return done;
    }

    private boolean allocate(final FrameBatch batch) {
        if (below.frames().isShort(batch.frames.length)) {
            below.frames().grow(batch.frames.length);
        }
        int got = -1;
        while (got != 0 && batch.count < batch.frames.length) {
            beforeStep.run();
            final Cpu cpu = below.cpus().enter();
            try {
                got = below.frames().allocateBulk(cpu, batch.frames, batch.count,
                    Math.min(WindowGather.SLICE_PAGES, batch.frames.length - batch.count));
                batch.count += got;
            } finally {
                cpu.exit();
            }
        }
        return batch.count == batch.frames.length;
    }

    /** In one section, so that nothing can be refused a slot after the first unit. */
    private boolean map(final Chunk chunk, final int fromPage, final int pages, final FrameBatch batch) {
        boolean done = false;
        final Cpu cpu = below.cpus().enter();
        try {
            for (int slot = 0; slot < layout.slots(); slot++) {
                beforeStep.run();
                below.vmap().mapPages(area(chunk, slot), address(chunk, slot, fromPage), batch.frames, slot * pages, pages);
            }
            done = true;
        } finally {
            if (!done) {
                unmap(chunk, fromPage, pages);
            }
            cpu.exit();
        }
        return done;
    }

    private void unmap(final Chunk chunk, final int fromPage, final int pages) {
        for (int slot = 0; slot < layout.slots(); slot++) {
            below.vmap().unmapPages(area(chunk, slot), address(chunk, slot, fromPage), pages);
        }
    }

    /** Room for the frames of all that a chunk has. */
    FrameBatch batchFor(final Chunk chunk) {
        return new FrameBatch(chunk.populatedPages * layout.slots());
    }

    /**
     * Unmaps pages that nobody has allocated: all of them, or none.
     *
     * @param batch gets the frames; the caller hands it to {@link PendingFrames} when it has unmapped all that it wants.
     */
    void depopulate(final Chunk chunk, final int fromPage, final int toPage, final FrameBatch batch) {
        final int before = batch.count;
        boolean done = false;
        final Cpu cpu = below.cpus().enter();
        try {
            collect(chunk, fromPage, toPage, batch);
            beforeStep.run();
            unmap(chunk, fromPage, toPage - fromPage);
            done = true;
        } finally {
            if (!done) {
                // Still mapped: not to be freed.
                batch.count = before;
            }
            cpu.exit();
        }
    }

    /** {@link #depopulate} of whatever a chunk has. */
    void depopulateAll(final Chunk chunk, final FrameBatch batch) {
        final Cpu cpu = below.cpus().enter();
        try {
            int from = chunk.nextPopulated(0, chunk.pages);
            while (from < chunk.pages) {
                final int to = chunk.nextUnpopulated(from, chunk.pages);
                collect(chunk, from, to, batch);
                unmap(chunk, from, to - from);
                from = chunk.nextPopulated(to, chunk.pages);
            }
        } finally {
            cpu.exit();
        }
    }

    private void collect(final Chunk chunk, final int fromPage, final int toPage, final FrameBatch batch) {
        for (int slot = 0; slot < layout.slots(); slot++) {
            final long first = table.pageOf(address(chunk, slot, fromPage));
            for (int page = 0; page < toPage - fromPage; page++) {
                batch.add(memory.frameOf(Entry.nativePage(table.get(first + page))));
            }
        }
    }

    /**
     * Sets what was just allocated to zero, in all units. By its owner: so the pages stay where they are, and no section is needed.
     *
     * @param pointer where it begins.
     * @param bytes rounds up to a granule.
     */
    void zero(final long pointer, final int bytes) {
        final int granules = bytes + AreaMap.GRANULE - 1 & -AreaMap.GRANULE;
        final long inFirst = pointer - firstChunk.base();
        final boolean flat = firstChunk.embedded() && inFirst >= 0 && inFirst < layout.firstBytes();
        for (int slot = 0; slot < layout.slots(); slot++) {
            if (flat) {
                UnsafeApi.setMemory(firstChunk.nativeUnit(slot) + inFirst, granules, (byte)0);
            } else {
                zeroMapped(pointer + layout.unitOffset(slot), granules);
            }
        }
    }

    private void zeroMapped(final long address, final int bytes) {
        int done = 0;
        while (done < bytes) {
            final int within = Math.min(bytes - done, Pages.SIZE - (int)(address + done & Pages.OFFSET_MASK));
            UnsafeApi.setMemory(table.writable(address + done), within, (byte)0);
            done += within;
        }
    }
}
