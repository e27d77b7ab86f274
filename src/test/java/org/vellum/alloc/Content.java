package org.vellum.alloc;

import org.vellum.Vellum;

/** A pattern of bytes that tells whose memory it is, and where in it. */
final class Content {
    private static final long STEP = 0x9E37_79B9_7F4A_7C15L;

    private Content() {
    }

    private static long word(final long stamp, final long offset) {
        return stamp * STEP ^ offset * 0x1_0001L;
    }

    private static byte at(final long stamp, final long offset) {
        return (byte)(word(stamp, offset & -8) >>> (offset & 7) * 8);
    }

    /** Writes all of it. */
    static void fill(final Vellum memory, final long address, final long size, final long stamp) {
        long i = 0;
        for (; i + 8 <= size; i += 8) {
            memory.access().putLong(address + i, word(stamp, i));
        }
        for (; i < size; i++) {
            memory.access().putByte(address + i, at(stamp, i));
        }
    }

    /** Looks at the first {@code size} bytes of what {@link #fill} wrote. */
    static void check(final Vellum memory, final long address, final long size, final long stamp) {
        long i = 0;
        for (; i + 8 <= size; i += 8) {
            final long found = memory.access().getLong(address + i);
            if (found != word(stamp, i)) {
                throw new AssertionError("address=0x" + Long.toHexString(address) + " size=" + size + " offset=" + i + " found=0x"
                    + Long.toHexString(found) + " expected=0x" + Long.toHexString(word(stamp, i)));
            }
        }
        for (; i < size; i++) {
            if (memory.access().getByte(address + i) != at(stamp, i)) {
                throw new AssertionError("address=0x" + Long.toHexString(address) + " size=" + size + " offset=" + i);
            }
        }
    }
}
