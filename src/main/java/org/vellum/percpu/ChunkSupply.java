package org.vellum.percpu;

import java.util.concurrent.locks.ReentrantLock;
import org.vellum.cpu.SpinLock;

/**
 * Chunks and their pages come and go here, and nowhere else.
 *
 * <p>Two locks. The <b>mutex</b> is held by whoever changes which chunks and which pages there are; it may be held while frames and
 * addresses are fought for, and so is taken outside sections only. The <b>lock</b> guards {@link Chunks} for some steps at a time, inside
 * sections too; nothing is mapped, allocated or waited for under it. Whoever needs both takes the mutex first.
 *
 * <p>Addresses of a chunk are areas of the window at the same distances from each other as the groups of the first chunk, so that one
 * offset leads from any pointer to a CPU's copy.
 *
 * <h2>Why nobody meets a page that is not there</h2>
 * <pre>
 *   T1 (populates, holds the mutex)            T2 (allocates what is populated, under the lock)
 *   a1: map the page in all units              b1: lock: are the pages populated?
 *   a2: lock: mark it populated                b2: take the room, unlock
 *                                              b3: use it
 *
 *   T1 (depopulates, holds the mutex)          T2
 *   c1: lock: the chunk is isolated,           d1: lock: look for room: not in a chunk that is to be depopulated
 *       its pages are empty
 *   c2: unmap them in all units
 *   c3: lock: mark them as not populated,
 *       reintegrate or sideline the chunk
 * </pre>
 * b1 sees the page only after a2, hence after a1. Between c1 and c3 nothing is allocated in the chunk, so its empty pages stay empty, though
 * frees may make others so.
 */
final class ChunkSupply {
    final ReentrantLock mutex = new ReentrantLock();
    final SpinLock lock;
    final Chunks chunks;
    final Population population;
    final PendingFrames pending;

    private final Foundation below;
    private final Layout layout;
    private final long[] groupOffsets;
    private final long[] groupBytes;
    /** Changed and read by the holder of the mutex. */
    private boolean closed;

    ChunkSupply(final Foundation below, final FirstChunk first) {
        this.below = below;
        layout = first.layout();
        groupOffsets = layout.groupOffsets();
        groupBytes = layout.groupBytes();
        lock = new SpinLock(below.cpus());
        chunks = new Chunks(layout, first.base());
        pending = new PendingFrames(below);
        population = new Population(below, first, pending);
    }

    /** Lets no chunk come any more, and nobody find room. Under the mutex. */
    void close() {
        closed = true;
        lock.lock();
        try {
            chunks.close();
        } finally {
            lock.unlock();
        }
    }

    /** Under the mutex. */
    boolean isClosed() {
        return closed;
    }

    /** Under the mutex. */
    void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the memory is closed");
        }
    }

    /**
     * Makes a chunk without any page. Under the mutex.
     *
     * @throws org.vellum.report.ExhaustedException if the window has no room for it.
     */
    void addChunk() {
        chunks.reserveAdd();
        final Chunk chunk = create();
        lock.lock();
        try {
            chunks.add(chunk);
        } finally {
            lock.unlock();
        }
    }

    private Chunk create() {
        final long[] areas = below.vmap().congruentAreas(groupOffsets, groupBytes, layout.areaAlign());
        Chunk chunk = null;
        try {
            // The lowest group is at offset 0, and the lowest unit at its beginning.
            chunk = new Chunk(areas[0], areas, layout.unitBytes());
        } finally {
            if (chunk == null) {
                endAreas(areas);
            }
        }
        return chunk;
    }

    private void endAreas(final long[] areas) {
        final Attempts attempts = new Attempts();
        for (final long area : areas) {
            attempts.run(() -> below.vmap().vunmap(area));
        }
        attempts.rethrow();
    }

    /** Ends a chunk that was claimed, with all pages that it has; or, should that fail, gives it back to the allocations. Under the mutex. */
    void end(final Chunk chunk) {
        FrameBatch batch = null;
        boolean unmapped = false;
        try {
            batch = population.batchFor(chunk);
            population.depopulateAll(chunk, batch);
            unmapped = true;
        } finally {
            if (!unmapped) {
                restore(chunk);
            }
        }
        lock.lock();
        try {
            chunks.remove(chunk);
        } finally {
            lock.unlock();
        }
        pending.add(batch);
        endAreas(chunk.areas);
    }

    private void restore(final Chunk chunk) {
        lock.lock();
        try {
            chunks.reintegrate(chunk);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Populates what is not populated of a range. Under the mutex.
     *
     * @return false if frames have run out; then a part of it may be populated.
     */
    boolean populate(final Chunk chunk, final int fromPage, final int toPage) {
        int from = chunk.nextUnpopulated(fromPage, toPage);
        while (from < toPage) {
            final int to = chunk.nextPopulated(from, toPage);
            if (!population.populate(chunk, from, to)) {
                return false;
            }
            lock.lock();
            try {
                chunks.populated(chunk, from, to);
            } finally {
                lock.unlock();
            }
            from = chunk.nextUnpopulated(to, toPage);
        }
        return true;
    }

    /**
     * Takes a run of empty pages out of an isolated chunk. Under the mutex.
     *
     * @param batch gets the frames.
     */
    void depopulate(final Chunk chunk, final int fromPage, final int toPage, final FrameBatch batch) {
        population.depopulate(chunk, fromPage, toPage, batch);
        lock.lock();
        try {
            chunks.depopulated(chunk, fromPage, toPage);
        } finally {
            lock.unlock();
        }
    }
}
