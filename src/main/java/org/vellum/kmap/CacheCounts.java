package org.vellum.kmap;

import java.util.concurrent.atomic.AtomicLongArray;

/** How often each {@link CacheEvent} has happened. Each of them costs a system call or a park, so one shared word each will do. */
final class CacheCounts {
    private final AtomicLongArray counts = new AtomicLongArray(CacheEvent.values().length);

    void note(final CacheEvent event, final long times) {
        counts.getAndAdd(event.ordinal(), times);
    }

    long of(final CacheEvent event) {
        return counts.get(event.ordinal());
    }
}
