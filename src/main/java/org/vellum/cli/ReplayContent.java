package org.vellum.cli;

import org.agrona.UnsafeApi;
import org.vellum.mem.Pages;

/**
 * What a replayed allocation is filled with: words that depend on the allocation and on where in it they are, so that memory
 * given to two owners shows, and so does memory that moved.
 */
final class ReplayContent {
    /** Odd, so that different words stay different; its bits are spread, so that they differ in most bytes. */
    private static final long SPREAD = 0x9E3779B97F4A7C15L;

    private final Allocations allocations;

    ReplayContent(final Allocations allocations) {
        this.allocations = allocations;
    }

    private static long word(final long seed, final long offset) {
        final long mixed = (seed * SPREAD + offset) * SPREAD;
        return mixed ^ mixed >>> 32;
    }

    /** The most bytes from there on that lie side by side in native memory. */
    private long run(final long address, final long offset, final long size) {
        return allocations.isContiguous(size) ? size - offset
            : Math.min(size - offset, Pages.SIZE - (address + offset & Pages.OFFSET_MASK));
    }

    /** Writes all of it. */
    void fill(final long seed, final long address, final long size) {
        long run;
        for (long offset = 0; offset < size; offset += run) {
            run = run(address, offset, size);
            final long base = allocations.nativeAddress(address + offset);
            long at = 0;
            for (; at + Long.BYTES <= run; at += Long.BYTES) {
                UnsafeApi.putLong(base + at, word(seed, offset + at));
            }
            for (; at < run; at++) {
                UnsafeApi.putByte(base + at, (byte)word(seed, offset + at));
            }
        }
    }

    /** Reads all of it. Returns the offset of the first word or byte that is not what was written, or -1. */
    long firstError(final long seed, final long address, final long size) {
        long run;
        for (long offset = 0; offset < size; offset += run) {
            run = run(address, offset, size);
            final long base = allocations.nativeAddress(address + offset);
            long at = 0;
            for (; at + Long.BYTES <= run; at += Long.BYTES) {
                if (UnsafeApi.getLong(base + at) != word(seed, offset + at)) {
                    return offset + at;
                }
            }
            for (; at < run; at++) {
                if (UnsafeApi.getByte(base + at) != (byte)word(seed, offset + at)) {
                    return offset + at;
                }
            }
        }
        return -1;
    }
}
