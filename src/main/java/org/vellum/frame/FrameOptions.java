package org.vellum.frame;

import org.vellum.mem.Pages;

/**
 * How much memory there may be, and in what portions it is taken from the JVM.
 *
 * @param memoryBytes the most memory to use: a positive multiple of a page, at most 32 TiB; rounded up to whole banks.
 * @param bankBytes bytes of one bank: a power of two from 64 KiB to 1 GiB.
 */
public record FrameOptions(long memoryBytes, long bankBytes) {
    /** The smallest bank, in bytes: tests use it. */
    public static final long MIN_BANK_BYTES = 64L << 10;

    /** The largest bank, in bytes: it must be one direct buffer. */
    public static final long MAX_BANK_BYTES = 1L << 30;

    /** The bank of {@link #of}, in bytes: small enough to be given back, large enough to be rare. */
    public static final long DEFAULT_BANK_BYTES = 64L << 20;

    /** The most memory, in bytes: a window of four times as much still fits the 48 bits of an address. */
    public static final long MAX_MEMORY_BYTES = 1L << 45;

    private static final long MAX_BANKS = 1L << 20;

    /** Checks the ranges above and rounds up. */
    public FrameOptions {
        if (Long.bitCount(bankBytes) != 1 || bankBytes < MIN_BANK_BYTES || bankBytes > MAX_BANK_BYTES) {
            throw new IllegalArgumentException("not a power of two from " + MIN_BANK_BYTES + " to " + MAX_BANK_BYTES
                + ": bankBytes=" + bankBytes);
        }
        if (memoryBytes <= 0 || memoryBytes > MAX_MEMORY_BYTES || (memoryBytes & Pages.OFFSET_MASK) != 0) {
            throw new IllegalArgumentException("not a multiple of " + Pages.SIZE + " up to " + MAX_MEMORY_BYTES
                + ": memoryBytes=" + memoryBytes);
        }
        memoryBytes = (memoryBytes + bankBytes - 1) & -bankBytes;
        if (memoryBytes / bankBytes > MAX_BANKS) {
            throw new IllegalArgumentException("memoryBytes=" + memoryBytes + " bankBytes=" + bankBytes
                + " make more than " + MAX_BANKS + " banks");
        }
    }

    /**
     * Banks of 64 MiB; less memory than that is one bank.
     *
     * @param memoryBytes as above.
     * @return the options.
     */
    public static FrameOptions of(final long memoryBytes) {
        if (memoryBytes <= 0 || memoryBytes > DEFAULT_BANK_BYTES / 2) {
            return new FrameOptions(memoryBytes, DEFAULT_BANK_BYTES);
        }
        final long bank = Math.max(MIN_BANK_BYTES, Long.highestOneBit(2 * memoryBytes - 1));
        return new FrameOptions(memoryBytes, bank);
    }

    /** @return how many banks there may be. */
    int banks() {
        return (int)(memoryBytes / bankBytes);
    }

    /** @return the order of a whole bank: log2 of its frames. */
    int bankOrder() {
        return Long.numberOfTrailingZeros(bankBytes) - Pages.SHIFT;
    }
}
