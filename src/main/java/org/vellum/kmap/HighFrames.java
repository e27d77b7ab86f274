package org.vellum.kmap;
final class HighFrames {
    private HighFrames() { }
    static boolean isHigh(final long frame) { return frame >>> 32 != 0; }
    static int file(final long frame) { return (int)(frame >>> 32) - 1; }
    static long page(final long frame) { return frame & 0xFFFF_FFFFL; }
    static long of(final int file, final long page) { return (long)(file + 1) << 32 | page; }
}
