package org.vellum.alloc;

import org.lwjgl.system.rpmalloc.RPmalloc;

/** rpmalloc, as LWJGL brings it: its raw entry points. */
final class RpmallocPeer extends LongPeer {
    private RpmallocPeer(final int slots) {
        super(slots);
    }

    static PeerAllocator open() {
        RPmalloc.nrpmalloc_initialize(0);
        return RpmallocPeer::new;
    }

    /** Each thread must have a heap of its own before its first call. */
    @Override
    void begin() {
        if (!RPmalloc.rpmalloc_is_thread_initialized()) {
            RPmalloc.rpmalloc_thread_initialize();
        }
    }

    @Override
    long allocate(final int size) {
        return RPmalloc.nrpmalloc(size);
    }

    @Override
    void release(final long handle) {
        RPmalloc.nrpfree(handle);
    }
}
