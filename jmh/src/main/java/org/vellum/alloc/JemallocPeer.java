package org.vellum.alloc;

import org.lwjgl.system.jemalloc.JEmalloc;

/** jemalloc, as LWJGL brings it: its raw entry points. */
final class JemallocPeer extends LongPeer {
    JemallocPeer(final int slots) {
        super(slots);
    }

    @Override
    long allocate(final int size) {
        return JEmalloc.nje_malloc(size);
    }

    @Override
    void release(final long handle) {
        JEmalloc.nje_free(handle);
    }
}
