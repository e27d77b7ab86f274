package org.vellum.alloc;

import org.vellum.vmap.Reclaimer;

/** What the allocator keeps, as whoever fights exhaustion sees it. */
final class Caches implements Reclaimer.Source {
    private final RawAllocator raw;

    Caches(final RawAllocator raw) {
        this.raw = raw;
    }

    @Override
    public int poll(final boolean all) {
        return raw.poll();
    }

    @Override
    public int purge() {
        // First what slots will get back, so that they give that up as well.
        raw.poll();
        raw.drainIdle();
        return 0;
    }

    @Override
    public long cachedBytes() {
        return raw.cachedBytes();
    }

    @Override
    public long limboBytes() {
        return raw.limboBytes();
    }
}
