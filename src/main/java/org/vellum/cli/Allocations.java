package org.vellum.cli;

/**
 * What the commands that allocate need of an allocator. Sizes are in bytes.
 *
 * <p>Thread safety: any thread may call anything, and free what another allocated.
 */
interface Allocations {
    /** Returns the address of so many bytes, never 0; throws {@link org.vellum.report.ExhaustedException} if there are none. */
    long allocate(long size);

    /** Frees what {@link #allocate} returned. */
    void free(long address);

    /** The native address of a byte of live memory; it holds up to the end of the page, in Vellum's layout, that the byte is in. */
    long nativeAddress(long address);

    /** Whether memory of that size is one piece of native memory, so that {@link #nativeAddress} holds to its end. */
    boolean isContiguous(long size);

    /** Bytes that are allocated, found by looking; exact when nobody else uses the memory, and slow. */
    long liveBytes();

    /** Bytes that nobody else can have because of what is or was allocated; may be a moment old. */
    long reservedBytes();
}
