package org.vellum.alloc;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;

/** Freed memory of the checked mode, kept from being used again for as long as there is room for it: first in, first out. */
final class Quarantine {
    /** About what a record with its two stack traces takes of the heap: so that many small ones are too much as well. */
    private static final long RECORD_BYTES = 1024;

    private final ConcurrentLinkedQueue<CheckedRecord> records = new ConcurrentLinkedQueue<>();
    private final AtomicLong bytes = new AtomicLong();
    private final long most;

    /**
     * @param most bytes to keep, records included.
     */
    Quarantine(final long most) {
        this.most = most;
    }

    void add(final CheckedRecord record) {
        bytes.getAndAdd(record.size + RECORD_BYTES);
        records.add(record);
    }

    /** The oldest record if there are too many, or if all are wanted; null if none is due. */
    CheckedRecord next(final boolean all) {
        if (!all && bytes.get() <= most) {
            return null;
        }
        final CheckedRecord record = records.poll();
        if (record != null) {
            bytes.getAndAdd(-record.size - RECORD_BYTES);
        }
        return record;
    }
}
