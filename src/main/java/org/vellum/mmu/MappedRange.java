package org.vellum.mmu;

import java.util.Objects;
import org.agrona.DirectBuffer;
import org.agrona.UnsafeApi;
import org.vellum.mem.Pages;

/**
 * A range of the window, translated by index: the ground under an int-indexed view.
 *
 * <p>Wrapping looks the range up once, so that an access is one load of an entry, one compare and one access: where the
 * entries are and what they must bear is kept in fields, and the limit of the table, which only grows, was checked. The
 * volatile load of the entry keeps the compiler from carrying fields in registers, so each field saved counts.
 *
 * <p>Indexes are checked by the caller. Where Agrona's bounds checks are switched off they may be anything, and every
 * translation then goes through the table, which checks by itself: a wild index faults, it never reads beside the table.
 *
 * <p>Thread safety: as Agrona's buffers. Any thread may access; wrapping is for one thread, before it publishes the view.
 */
public abstract class MappedRange extends ScatteredText {
    private static final long WHOLE_ENTRIES = -Long.BYTES;

    private final MappedAccess access;
    private final PageTable table;
    /** From {@code address >>> ADDRESS_SHIFT}, tag and all, to where the entry of that address is, modulo 2<sup>64</sup>. */
    private long distance;
    private long key;
    private long address;
    /** The capacity, as wide as the sums that are compared with it. */
    private long end;

    /**
     * @param access what it translates by.
     */
    protected MappedRange(final MappedAccess access) {
        this.access = access;
        table = access.table();
    }

    /**
     * Points the view at a range.
     *
     * @param newAddress Vellum address of index 0, tag included.
     * @param length in bytes, 0 or more.
     * @throws IllegalArgumentException if the window does not hold the range.
     * @throws org.vellum.report.PageFaultException if the range was never handed out.
     */
    protected final void map(final long newAddress, final int length) {
        final long page = table.pageOf(newAddress);
        final long count = Pages.of((newAddress & Pages.OFFSET_MASK) + length);
        if (length < 0 || !table.isZeroed(page, count)) {
            throw refuse(newAddress, length, page);
        }
        // Both follow from the tag, and mappings of one block have one: a view that is wrapped again and again stores its address only.
        final long newKey = Entry.key(newAddress);
        if (newKey != key) {
            distance = table.entryDistance(newAddress);
            key = newKey;
        }
        address = newAddress;
        if (end != length) {
            end = length;
        }
    }

    private static long entryOffset(final long address) {
        return address >>> PageTable.ADDRESS_SHIFT & WHOLE_ENTRIES;
    }

    private RuntimeException refuse(final long newAddress, final int length, final long page) {
        final long count = Pages.of((newAddress & Pages.OFFSET_MASK) + length);
        if (length < 0 || page < 0 || page >= table.pages() || count > table.pages() - page) {
            return new IllegalArgumentException("address=0x" + Long.toHexString(newAddress) + " length=" + length
                + " windowStart=0x" + Long.toHexString(table.start()) + " windowEnd=0x" + Long.toHexString(table.end()));
        }
        return table.fault(newAddress, false);
    }

    /** @return what it translates by. */
    public final MappedAccess access() {
        return access;
    }

    /** @return Vellum address of index 0, tag included. */
    @Override
    public final long address() {
        return address;
    }

    @Override
    public final int capacity() {
        return (int)end;
    }

    @Override
    public final void boundsCheck(final int index, final int length) {
        Objects.checkFromIndexSize(index, length, (int)end);
    }

    /**
     * {@link #boundsCheck} of one value, where Agrona's checks are on. A negative index is a large one without its sign, so one
     * comparison tells.
     *
     * @param index of its first byte.
     * @param width in bytes, 1 to 8.
     * @throws IndexOutOfBoundsException if the range does not hold it.
     */
    protected final void checkValue(final int index, final int width) {
        if (DirectBuffer.SHOULD_BOUNDS_CHECK && Integer.toUnsignedLong(index) + width > end) {
            boundsCheck(index, width);
        }
    }

    /**
     * @param index of the first byte, checked.
     * @param width of the value in bytes.
     * @return whether the value ends in another page than it begins.
     */
    protected final boolean crosses(final int index, final int width) {
        return (at(index) & Pages.OFFSET_MASK) > Pages.SIZE - width;
    }

    private long at(final int index) {
        return address + Integer.toUnsignedLong(index);
    }

    /**
     * @param index checked, of a value that does not cross a page.
     * @return its native address.
     * @throws org.vellum.report.PageFaultException if it is not mapped, or mapped anew.
     */
    protected final long readable(final int index) {
        if (!DirectBuffer.SHOULD_BOUNDS_CHECK) {
            return table.readable(address + index);
        }
        final long accessed = at(index);
        // Volatile: r3 of the argument in org.vellum.epoch; partner: the fence in Epochs.stamp.
        final long difference = UnsafeApi.getLongVolatile(null, distance + entryOffset(accessed)) ^ key;
        if ((difference & Entry.READ_CHECK) == 0) {
            return Entry.nativePage(difference) + (accessed & Pages.OFFSET_MASK);
        }
        throw table.fault(address + index, false);
    }

    /**
     * @param index checked, of a value that does not cross a page.
     * @return its native address.
     * @throws org.vellum.report.PageFaultException if it is not mapped, not writable, or mapped anew.
     */
    protected final long writable(final int index) {
        if (!DirectBuffer.SHOULD_BOUNDS_CHECK) {
            return table.writable(address + index);
        }
        final long accessed = at(index);
        // Volatile: r3 of the argument in org.vellum.epoch; partner: the fence in Epochs.stamp.
        final long difference = UnsafeApi.getLongVolatile(null, distance + entryOffset(accessed)) ^ key;
        if ((difference & Entry.WRITE_CHECK) == 0) {
            return Entry.nativePage(difference) + (accessed & Pages.OFFSET_MASK);
        }
        throw table.fault(address + index, true);
    }

    /**
     * @param index checked, of a value that crosses a page.
     * @param width 2, 4 or 8 bytes.
     * @return the value in native order, zero-extended.
     */
    protected final long getCrossing(final int index, final int width) {
        return CrossPage.get(access, address + index, width);
    }

    /**
     * @param index checked, of a value that crosses a page.
     * @param width 2, 4 or 8 bytes.
     * @param value in native order, in the low {@code width} bytes.
     */
    protected final void putCrossing(final int index, final int width, final long value) {
        CrossPage.put(access, address + index, width, value);
    }

    /**
     * @param index of an atomic or ordered access that crosses a page.
     * @param width of the value in bytes.
     * @return the exception that says so.
     */
    protected final IllegalArgumentException refuseCrossing(final int index, final int width) {
        return CrossPage.refuse(address + index, width);
    }
}
