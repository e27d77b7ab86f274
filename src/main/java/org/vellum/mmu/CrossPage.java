package org.vellum.mmu;

import java.nio.ByteOrder;
import org.agrona.UnsafeApi;
import org.vellum.mem.Pages;

/**
 * Values that begin in one page and end in the next: byte by byte, out of the way of the fast path.
 *
 * <p>Both pages are translated before the first byte moves, so that a fault changes nothing. Such an access is not atomic;
 * what has to be is refused by {@link #refuse}.
 */
final class CrossPage {
    private static final boolean LITTLE_ENDIAN = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;

    private CrossPage() {
    }

    /**
     * @param address of a value that crosses a page.
     * @param width 2, 4 or 8 bytes.
     * @return the value in native order, zero-extended.
     */
    static long get(final AddressTranslation access, final long address, final int width) {
        final int below = Pages.SIZE - (int)(address & Pages.OFFSET_MASK);
        final long first = access.readable(address);
        // Biased, so that byte i of the value is at (its page) + i in either page.
        final long second = access.readable(address + below) - below;
        long value = 0;
        for (int i = 0; i < width; i++) {
            value |= (UnsafeApi.getByte((i < below ? first : second) + i) & 0xFFL) << shift(i, width);
        }
        return value;
    }

    /**
     * @param address of a value that crosses a page.
     * @param width 2, 4 or 8 bytes.
     * @param value in native order, in the low {@code width} bytes.
     */
    static void put(final AddressTranslation access, final long address, final int width, final long value) {
        final int below = Pages.SIZE - (int)(address & Pages.OFFSET_MASK);
        final long first = access.writable(address);
        final long second = access.writable(address + below) - below;
        store(first, second, below, width, value);
    }

    /**
     * @param first where the value begins.
     * @param second where the second page begins, less {@code below}.
     * @param below bytes that are in the first page.
     */
    static void store(final long first, final long second, final int below, final int width, final long value) {
        for (int i = 0; i < width; i++) {
            UnsafeApi.putByte((i < below ? first : second) + i, (byte)(value >>> shift(i, width)));
        }
    }

    /** How far byte i of a value is shifted in it. */
    static int shift(final int i, final int width) {
        return (LITTLE_ENDIAN ? i : width - 1 - i) << 3;
    }

    static IllegalArgumentException refuse(final long address, final int width) {
        return new IllegalArgumentException("atomic and ordered access cannot cross a page: address=0x"
            + Long.toHexString(address) + " width=" + width);
    }
}
