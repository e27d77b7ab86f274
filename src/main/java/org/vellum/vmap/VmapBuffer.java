package org.vellum.vmap;

import java.nio.ByteBuffer;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.AtomicBuffer;
import org.vellum.mmu.MappedAccess;
import org.vellum.mmu.MappedRange;

/**
 * An Agrona buffer over a range of the window, whose pages may lie anywhere. A reusable flyweight: {@link #wrap(long, int)} points it
 * at a range, as often as one likes, without garbage.
 *
 * <p>It does what {@code UnsafeBuffer} does, index for index, and checks more: an access after the range was unmapped, or to a page
 * that is not writable, throws a {@link org.vellum.report.PageFaultException} and changes nothing, whatever Agrona's bounds-check switch
 * says. An access <em>in flight</em> while another thread unmaps needs a section around it, of the caller.
 *
 * <h2>What scattered memory cannot honour</h2>
 * <ul>
 * <li>There is no one native address: {@link #addressOffset()} throws {@link UnsupportedOperationException}, and so does what asks
 * for it: wrapping an {@code UnsafeBuffer} around this view, {@code UnsafeBuffer.putBytes} and {@code compareTo} with this view as the
 * argument, {@code AtomicCounter} and {@code UnsafeBufferPosition} (use the {@code CountersManager}'s own methods). To copy from here to there,
 * write {@code view.getBytes(index, buffer, ...)}: this side knows both.</li>
 * <li>Ordered and atomic access across a page is an {@link IllegalArgumentException}. At aligned indexes of an aligned range it
 * cannot happen.</li>
 * <li>It cannot be pointed at memory that is not of the window, except at a part of another view.</li>
 * </ul>
 *
 * <p>Bulk operations go run by run in sections of at most 1 MiB, and translate every page before the first byte moves; see
 * {@link MappedAccess}. Ranges beyond 2 GiB are for {@link MappedAccess} too.
 *
 * <p><b>Note:</b> as with Agrona's buffers, the natural order is inconsistent with equals, {@code hashCode} is of the content, and
 * wrapping is not thread-safe.
 */
public final class VmapBuffer extends TextView {
    /**
     * A view of nothing, to be wrapped.
     *
     * @param access of the window that the ranges are in.
     */
    public VmapBuffer(final MappedAccess access) {
        super(access);
    }

    /**
     * @param access of the window that the range is in.
     * @param address Vellum address of index 0, tag included.
     * @param length in bytes.
     */
    public VmapBuffer(final MappedAccess access, final long address, final int length) {
        super(access);
        map(address, length);
    }

    // ---- what it is a view of

    /**
     * Points the view at a range.
     *
     * @param address <em>Vellum</em> address of index 0, tag included; page-aligned or not.
     * @param length in bytes, 0 or more.
     * @throws IllegalArgumentException if the window does not hold the range; the view stays as it was.
     * @throws org.vellum.report.PageFaultException if the range was never handed out; the view stays as it was.
     */
    @Override
    public void wrap(final long address, final int length) {
        map(address, length);
    }

    /**
     * Points the view at all of another view's range.
     *
     * @param buffer a view of the same window.
     * @throws UnsupportedOperationException if it is any other buffer.
     */
    @Override
    public void wrap(final DirectBuffer buffer) {
        wrap(buffer, 0, buffer.capacity());
    }

    /**
     * Points the view at a part of another view's range.
     *
     * @param buffer a view of the same window.
     * @param offset in its range, in bytes.
     * @param length in bytes.
     * @throws UnsupportedOperationException if it is any other buffer.
     */
    @Override
    public void wrap(final DirectBuffer buffer, final int offset, final int length) {
        if (!(buffer instanceof MappedRange view) || view.access() != access()) {
            throw foreign();
        }
        // Always, whatever the switch says: the part must not reach beyond the whole.
        view.boundsCheck(offset, length);
        map(view.address() + offset, length);
    }

    /** Not supported: a view maps the window only. */
    @Override
    public void wrap(final byte[] buffer) {
        throw foreign();
    }

    /** Not supported: a view maps the window only. */
    @Override
    public void wrap(final byte[] buffer, final int offset, final int length) {
        throw foreign();
    }

    /** Not supported: a view maps the window only. */
    @Override
    public void wrap(final ByteBuffer buffer) {
        throw foreign();
    }

    /** Not supported: a view maps the window only. */
    @Override
    public void wrap(final ByteBuffer buffer, final int offset, final int length) {
        throw foreign();
    }

    private static UnsupportedOperationException foreign() {
        return new UnsupportedOperationException(
            "a VmapBuffer maps ranges of its own window only: wrap a Vellum address, or another view of the same window");
    }

    /** Not supported: the pages of the range lie anywhere. */
    @Override
    public long addressOffset() {
        throw new UnsupportedOperationException("a VmapBuffer lies over scattered pages and has no one native address: "
            + "to copy out of it use its getBytes, to translate one page MappedAccess.readable");
    }

    /** @return null: there is no array behind it. */
    @Override
    public byte[] byteArray() {
        return null;
    }

    /** @return null: there is no one buffer behind it. */
    @Override
    public ByteBuffer byteBuffer() {
        return null;
    }

    /** @return 0: there is nothing behind it to adjust an index to. */
    @Override
    public int wrapAdjustment() {
        return 0;
    }

    @Override
    public boolean isExpandable() {
        return false;
    }

    @Override
    public void checkLimit(final int limit) {
        if (limit > capacity()) {
            throw new IndexOutOfBoundsException("limit=" + limit + " is beyond capacity=" + capacity());
        }
    }

    @Override
    public void verifyAlignment() {
        // Pages are aligned, so the address says it for the frames too.
        if ((address() & (AtomicBuffer.ALIGNMENT - 1)) != 0) {
            throw new IllegalStateException("AtomicBuffer is not correctly aligned: address=0x"
                + Long.toHexString(address()) + " is not divisible by " + AtomicBuffer.ALIGNMENT);
        }
    }

    // ---- content

    /**
     * Compares as {@code UnsafeBuffer} does: 8 bytes at a time as native signed numbers, the rest by bytes, then the lengths.
     *
     * @param that any buffer, not only a view.
     */
    @Override
    public int compareTo(final DirectBuffer that) {
        if (this == that) {
            return 0;
        }
        final int length = Math.min(capacity(), that.capacity());
        int i = 0;
        for (final int end = length & -Long.BYTES; i < end; i += Long.BYTES) {
            final int order = Long.compare(getLong(i), that.getLong(i));
            if (order != 0) {
                return order;
            }
        }
        for (; i < length; i++) {
            final int order = Byte.compare(getByte(i), that.getByte(i));
            if (order != 0) {
                return order;
            }
        }
        return Integer.compare(capacity(), that.capacity());
    }

    /** Whether the other is a view too, of the same length and content. */
    @Override
    public boolean equals(final Object other) {
        return this == other
            || other instanceof VmapBuffer && capacity() == ((VmapBuffer)other).capacity() && compareTo((VmapBuffer)other) == 0;
    }

    /** @return a hash of the content, the same as that of an {@code UnsafeBuffer} of the same content. */
    @Override
    public int hashCode() {
        int hash = 19;
        int i = 0;
        for (final int end = capacity() & -Long.BYTES; i < end; i += Long.BYTES) {
            hash = 31 * hash + Long.hashCode(getLong(i));
        }
        for (; i < capacity(); i++) {
            hash = 31 * hash + getByte(i);
        }
        return hash;
    }

    @Override
    public String toString() {
        return "VmapBuffer{address=0x" + Long.toHexString(address()) + ", capacity=" + capacity() + '}';
    }
}
