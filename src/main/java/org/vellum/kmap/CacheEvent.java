package org.vellum.kmap;

/** What happens in the cache besides hits, which are not counted: that would cost more than they do. */
enum CacheEvent {
    /** A page was pinned that had to be waited for: read, or brought by another thread. */
    MISS,
    /** Pages read from a file, be it that they lay beyond its end. */
    READ,
    /** System calls that read more than one page. */
    GATHERED_READ,
    /** Pages written to a file. */
    WRITE_BACK,
    /** System calls that wrote more than one page. */
    GATHERED_WRITE,
    /** Pages written while somebody might be storing to them, so that they stayed dirty. */
    SNAPSHOT,
    /** Frames taken from one page for another. */
    EVICTION,
    /** A thread waited for a page that another one was reading. */
    READ_WAIT,
    /** A thread waited for a page that another one was writing. */
    WRITE_WAIT,
    /** A thread waited for a frame, all of which were in use. */
    FRAME_WAIT,
    /** A read or write of a file failed. */
    FAILURE
}
