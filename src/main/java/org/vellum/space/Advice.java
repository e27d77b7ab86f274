package org.vellum.space;

/** What {@link AddressSpace#advise} says about pages: the kernel's {@code madvise}. */
public enum Advice {
    /** Their content is not needed: they are taken away at once, and read as zeroes, or as the file has them, when they are touched again. */
    DONTNEED,
    /**
     * Their content is not needed, but the memory is likely to be stored to again: anonymous pages stay until memory is short. Who stores to one
     * keeps it; who only reads finds the old content or zeroes. What is pinned just then stays as it is.
     */
    FREE,
    /** They will be needed: pages of a file are read ahead. */
    WILLNEED,
    /** They are needed now: each is faulted in, for a store where the region may be written, as {@link Region#LOCKED} does. */
    POPULATE
}
