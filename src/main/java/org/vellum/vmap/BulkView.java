package org.vellum.vmap;

import java.nio.ByteBuffer;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.vellum.mmu.MappedAccess;

/**
 * Bytes in bulk, by index: bounds are checked here, the rest is {@link MappedAccess}'s, which translates every page before the
 * first byte moves.
 */
abstract class BulkView extends OrderedView {
    BulkView(final MappedAccess access) {
        super(access);
    }

    @Override
    protected final void requireWritable(final int index, final int length) {
        check(index, length);
        access().requireWritable(address() + index, length);
    }

    @Override
    public final void setMemory(final int index, final int length, final byte value) {
        check(index, length);
        access().setMemory(address() + index, length, value);
    }

    @Override
    public final void getBytes(final int index, final byte[] dst, final int offset, final int length) {
        check(index, length);
        access().getBytes(address() + index, dst, offset, length);
    }

    @Override
    public final void getBytes(final int index, final MutableDirectBuffer dst, final int dstIndex, final int length) {
        check(index, length);
        access().getBytes(address() + index, dst, dstIndex, length);
    }

    @Override
    public final void getBytes(final int index, final ByteBuffer dst, final int dstOffset, final int length) {
        check(index, length);
        access().getBytes(address() + index, dst, dstOffset, length);
    }

    @Override
    public final void putBytes(final int index, final byte[] src, final int offset, final int length) {
        check(index, length);
        access().putBytes(address() + index, src, offset, length);
    }

    @Override
    public final void putBytes(final int index, final ByteBuffer src, final int srcIndex, final int length) {
        check(index, length);
        access().putBytes(address() + index, src, srcIndex, length);
    }

    @Override
    public final void putBytes(final int index, final DirectBuffer src, final int srcIndex, final int length) {
        check(index, length);
        access().putBytes(address() + index, src, srcIndex, length);
    }
}
