package org.vellum.kmap;

/**
 * The interface that {@code kmap_atomic} had while its callers named slots. Caller code that is written against it runs unchanged on the
 * typed slots, under the checker that found out whether it nests, and on the stack that followed.
 *
 * <p>Thread safety: any thread; a mapping is its thread's own.
 */
interface AtomicKmap {
    /**
     * Maps a frame for the calling thread, for loads and stores.
     *
     * @param frame a low frame of the caller's.
     * @param type the slot to use, where slots have types.
     * @return its address, owed a {@link #kunmapAtomic} by the same thread.
     */
    long kmapAtomic(long frame, KmType type);

    /**
     * Ends a mapping.
     *
     * @param address what the map returned.
     * @param type what the map was given.
     */
    void kunmapAtomic(long address, KmType type);
}
