package org.vellum.alloc;

import java.nio.ByteBuffer;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.AtomicBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.vellum.vmap.VmapBuffer;

/**
 * Bytes in bulk, by index. Where the other side is such a buffer too, its target is what counts: contiguous or scattered, any two can
 * copy to each other and be compared.
 */
abstract class BulkDelegate extends OrderedDelegate {
    @Override
    public final void getBytes(final int index, final byte[] dst) {
        target().getBytes(index, dst);
    }

    @Override
    public final void getBytes(final int index, final byte[] dst, final int offset, final int length) {
        target().getBytes(index, dst, offset, length);
    }

    @Override
    public final void getBytes(final int index, final MutableDirectBuffer dst, final int dstIndex, final int length) {
        target().getBytes(index, dst instanceof PlainDelegate other ? other.target() : dst, dstIndex, length);
    }

    @Override
    public final void getBytes(final int index, final ByteBuffer dst, final int length) {
        target().getBytes(index, dst, length);
    }

    @Override
    public final void getBytes(final int index, final ByteBuffer dst, final int dstIndex, final int length) {
        target().getBytes(index, dst, dstIndex, length);
    }

    @Override
    public final void setMemory(final int index, final int length, final byte value) {
        target().setMemory(index, length, value);
    }

    @Override
    public final void putBytes(final int index, final byte[] src) {
        target().putBytes(index, src);
    }

    @Override
    public final void putBytes(final int index, final byte[] src, final int offset, final int length) {
        target().putBytes(index, src, offset, length);
    }

    @Override
    public final void putBytes(final int index, final ByteBuffer src, final int length) {
        target().putBytes(index, src, length);
    }

    @Override
    public final void putBytes(final int index, final ByteBuffer src, final int srcIndex, final int length) {
        target().putBytes(index, src, srcIndex, length);
    }

    @Override
    public final void putBytes(final int index, final DirectBuffer src, final int srcIndex, final int length) {
        final AtomicBuffer target = target();
        final DirectBuffer from = src instanceof PlainDelegate other ? other.target() : src;
        if (from instanceof VmapBuffer) {
            // Scattered memory has no native address to copy from: that side knows both.
            from.getBytes(srcIndex, target, index, length);
        } else {
            target.putBytes(index, from, srcIndex, length);
        }
    }

    /**
     * Compares as {@code UnsafeBuffer} does: 8 bytes at a time as native signed numbers, the rest by bytes, then the lengths. As there,
     * this order is inconsistent with equals.
     *
     * @param that any buffer; scattered memory has no native address, and can be compared all the same.
     * @throws IllegalStateException if either is closed.
     */
    @Override
    public final int compareTo(final DirectBuffer that) {
        final AtomicBuffer mine = target();
        final DirectBuffer theirs = that instanceof PlainDelegate other ? other.target() : that;
        // An UnsafeBuffer asks the other for its native address, a VmapBuffer only for values.
        return mine instanceof UnsafeBuffer && theirs instanceof VmapBuffer ? -theirs.compareTo(mine) : mine.compareTo(theirs);
    }
}
