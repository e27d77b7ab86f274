package org.vellum.space;

/**
 * What a space holds: the kernel's {@code meminfo} of one process. Of a space that others use meanwhile, of about one moment.
 *
 * @param bytes addresses of the space.
 * @param regions how many there are.
 * @param mappedBytes bytes that have a region.
 * @param lockedBytes those of them whose region is {@link Region#LOCKED}.
 * @param residentBytes bytes of pages that have a frame of their own, or of a file.
 * @param dirtyBytes those of them that were stored to.
 * @param zeroBytes bytes of pages that were read and never stored to: all of them show one frame.
 * @param reservedBytes bytes of pages that show frames of the caller's.
 * @param tableBytes bytes of page tables.
 * @param goingBytes bytes of addresses that are being unmapped.
 */
public record SpaceInfo(
    long bytes, int regions, long mappedBytes, long lockedBytes, long residentBytes, long dirtyBytes, long zeroBytes, long reservedBytes,
    long tableBytes, long goingBytes) {
}
