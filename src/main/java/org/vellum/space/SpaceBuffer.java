package org.vellum.space;

import java.nio.ByteBuffer;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.vellum.mmu.SpaceAccess;
import org.vellum.mmu.SpaceRange;

/**
 * An Agrona buffer over a range of an address space, whose pages may lie anywhere, or be nowhere yet: touching them faults them in. A reusable
 * flyweight: {@link #wrap(long, int)} points it at a range, as often as one likes, without garbage.
 *
 * <p>It does what {@code UnsafeBuffer} does, index for index, and checks more: an access to a page that is not mapped, or not allowed, throws a
 * {@link org.vellum.report.PageFaultException}, whatever Agrona's bounds-check switch says. Loads, stores and bulk operations protect
 * themselves against what happens to the mapping meanwhile, as {@link SpaceAccess} says; many stores are cheaper inside one section of the
 * caller's. Ranges beyond 2 GiB are for {@link SpaceAccess}.
 *
 * <h2>What scattered memory cannot honour</h2>
 * <ul>
 * <li>There is no one native address: {@link #addressOffset()} throws {@link UnsupportedOperationException}, and so does what asks
 * for it: wrapping an {@code UnsafeBuffer} around this view, {@code UnsafeBuffer.putBytes} and {@code compareTo} with this view as the
 * argument. To copy from here to there, write {@code view.getBytes(index, buffer, ...)}: this side knows both.</li>
 * <li>Ordered and atomic access across a page is an {@link IllegalArgumentException}. At aligned indexes of an aligned range it
 * cannot happen.</li>
 * <li>It cannot be pointed at memory that is not of the space, except at a part of another view.</li>
 * <li>Bulk operations that fault in the middle leave what they have moved.</li>
 * </ul>
 *
 * <p><b>Note:</b> as with Agrona's buffers, wrapping is not thread-safe.
 */
public final class SpaceBuffer extends SpaceValues {
    /**
     * A view of nothing, to be wrapped.
     *
     * @param access to the space that the ranges are in.
     */
    public SpaceBuffer(final SpaceAccess access) {
        super(access);
    }

    /**
     * @param access to the space that the range is in.
     * @param address of index 0.
     * @param length in bytes.
     */
    public SpaceBuffer(final SpaceAccess access, final long address, final int length) {
        super(access);
        map(address, length);
    }

    /**
     * Points the view at a range, mapped or not.
     *
     * @param address of index 0 <em>in the space</em>; page-aligned or not.
     * @param length in bytes, 0 or more.
     * @throws IllegalArgumentException if the space does not hold the range; the view stays as it was.
     */
    @Override
    public void wrap(final long address, final int length) {
        map(address, length);
    }

    /**
     * Points the view at all of another view's range.
     *
     * @param buffer a view of the same space.
     * @throws UnsupportedOperationException if it is any other buffer.
     */
    @Override
    public void wrap(final DirectBuffer buffer) {
        wrap(buffer, 0, buffer.capacity());
    }

    /**
     * Points the view at a part of another view's range.
     *
     * @param buffer a view of the same space.
     * @param offset in its range, in bytes.
     * @param length in bytes.
     * @throws UnsupportedOperationException if it is any other buffer.
     */
    @Override
    public void wrap(final DirectBuffer buffer, final int offset, final int length) {
        if (!(buffer instanceof SpaceRange view) || view.access() != access()) {
            throw foreign();
        }
        // Always, whatever the switch says: the part must not reach beyond the whole.
        view.boundsCheck(offset, length);
        map(view.address() + offset, length);
    }

    @Override
    protected UnsupportedOperationException foreign() {
        return new UnsupportedOperationException(
            "a SpaceBuffer shows ranges of its own space only: wrap an address of it, or another view of the same space");
    }

    // ---- bytes in bulk

    @Override
    protected void requireWritable(final int index, final int length) {
        check(index, length);
        access().requireWritable(address() + index, length);
    }

    @Override
    public void setMemory(final int index, final int length, final byte value) {
        check(index, length);
        access().setMemory(address() + index, length, value);
    }

    @Override
    public void getBytes(final int index, final byte[] dst, final int offset, final int length) {
        check(index, length);
        access().getBytes(address() + index, dst, offset, length);
    }

    @Override
    public void getBytes(final int index, final MutableDirectBuffer dst, final int dstIndex, final int length) {
        check(index, length);
        access().getBytes(address() + index, dst, dstIndex, length);
    }

    @Override
    public void getBytes(final int index, final ByteBuffer dst, final int dstOffset, final int length) {
        check(index, length);
        access().getBytes(address() + index, dst, dstOffset, length);
    }

    @Override
    public void putBytes(final int index, final byte[] src, final int offset, final int length) {
        check(index, length);
        access().putBytes(address() + index, src, offset, length);
    }

    @Override
    public void putBytes(final int index, final ByteBuffer src, final int srcIndex, final int length) {
        check(index, length);
        access().putBytes(address() + index, src, srcIndex, length);
    }

    @Override
    public void putBytes(final int index, final DirectBuffer src, final int srcIndex, final int length) {
        check(index, length);
        access().putBytes(address() + index, src, srcIndex, length);
    }
}
