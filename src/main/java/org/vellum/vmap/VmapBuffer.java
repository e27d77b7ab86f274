package org.vellum.vmap;

import org.agrona.DirectBuffer;
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
public final class VmapBuffer extends BulkView {
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

    @Override
    protected UnsupportedOperationException foreign() {
        return new UnsupportedOperationException(
            "a VmapBuffer maps ranges of its own window only: wrap a Vellum address, or another view of the same window");
    }
}
