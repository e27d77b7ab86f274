package org.vellum.alloc;

import java.nio.file.Path;

/**
 * What is wanted of the allocator beyond memory.
 *
 * @param checked whether mistakes are looked for that cost something to find: writes out of bounds and after the free, leaks by call site.
 * @param trace where to record every allocation and free, or null.
 */
public record AllocatorOptions(boolean checked, Path trace) {
    /** Neither. */
    public static final AllocatorOptions DEFAULT = new AllocatorOptions(false, null);

    private static final long MOST_QUARANTINED = 16L << 20;
    private static final int MEMORY_SHARE = 16;

    /**
     * @param wanted as above.
     * @return these, but for that.
     */
    public AllocatorOptions withChecked(final boolean wanted) {
        return new AllocatorOptions(wanted, trace);
    }

    /**
     * @param file as above.
     * @return these, but for that.
     */
    public AllocatorOptions withTrace(final Path file) {
        return new AllocatorOptions(checked, file);
    }

    long quarantineBytes(final long memoryBytes) {
        return Math.min(MOST_QUARANTINED, memoryBytes / MEMORY_SHARE);
    }
}
