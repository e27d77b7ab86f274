package org.vellum.mmu;

import org.agrona.UnsafeApi;

/** Reads by the hash without a section, as {@link HashedTable} says. */
final class HashedReads {
    /** There was no copy, or it changed. */
    static final long MISS = Long.MIN_VALUE;

    private HashedReads() {
    }

    static long getLong(final HashedTable hash, final long address) {
        final long page = address >>> 12;
        final long sequence = hash.sequence(page);
        final long entry = hash.lookup(page);
        if (!SpaceEntry.has(entry, SpaceEntry.READ_CHECK)) {
            return MISS;
        }
        final long value = UnsafeApi.getLong(SpaceEntry.nativePage(entry) + (address & 4095));
        UnsafeApi.loadFence();
        return hash.isUnchanged(page, sequence) ? value : MISS;
    }
}
