package org.vellum.alloc;

/**
 * What stands between the face and the plain allocator when a builder has asked for it: checks, or the recording of a trace. A null
 * budget is the root.
 */
interface Detour {
    long allocate(long size, long alignment, Budget budget, boolean zeroed);

    void free(long address, boolean deferred);

    long reallocate(long address, long size);

    long sizeOf(long address);
}
