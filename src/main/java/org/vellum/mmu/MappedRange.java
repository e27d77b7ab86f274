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
public abstract class MappedRange {
    /**
     * From an offset to that of its entry. An int-indexed range has up to 2<sup>19</sup> + 1 entries; that the mask says so lets the
     * compiler make the sum with {@code entries} an addressing mode. So does the sum, instead of an or, in the results below.
     */
    private static final int ENTRY_SHIFT = Pages.SHIFT - 3;
    private static final int ENTRY_MASK = 0x7FFFF8;

    private final MappedAccess access;
    private final PageTable table;
    private long entries;
    private long key;
    private long first;
    private long address;
    private int capacity;

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
        final long offset = newAddress & Pages.OFFSET_MASK;
        final long count = Pages.of(offset + length);
        if (length < 0 || page < 0 || page >= table.pages() || count > table.pages() - page) {
            throw new IllegalArgumentException("address=0x" + Long.toHexString(newAddress) + " length=" + length
                + " windowStart=0x" + Long.toHexString(table.start()) + " windowEnd=0x" + Long.toHexString(table.end()));
        }
        final long found = table.entriesOrZero(page, count);
        if (found == 0) {
            throw table.fault(newAddress, false);
        }
        entries = found;
        key = Entry.tag(newAddress) | Entry.PRESENT;
        first = offset;
        address = newAddress;
        capacity = length;
    }

    /** @return what it translates by. */
    public final MappedAccess access() {
        return access;
    }

    /** @return Vellum address of index 0, tag included. */
    public final long address() {
        return address;
    }

    /** @return bytes of the range. */
    public final int capacity() {
        return capacity;
    }

    /**
     * @param index of the first byte.
     * @param length in bytes.
     * @throws IndexOutOfBoundsException if the range does not hold them.
     */
    public final void boundsCheck(final int index, final int length) {
        Objects.checkFromIndexSize(index, length, capacity);
    }

    /**
     * @param index of the first byte, checked.
     * @param width of the value in bytes.
     * @return whether the value ends in another page than it begins.
     */
    protected final boolean crosses(final int index, final int width) {
        return ((first + index) & Pages.OFFSET_MASK) > Pages.SIZE - width;
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
        final long offset = first + index;
        // Volatile: r3 of the argument in org.vellum.epoch; partner: the fence in Epochs.stamp.
        final long difference = UnsafeApi.getLongVolatile(null, entries + (offset >>> ENTRY_SHIFT & ENTRY_MASK)) ^ key;
        if ((difference & (Entry.TAG_MASK | Entry.PRESENT)) == 0) {
            return (difference & -Pages.SIZE) + (offset & Pages.OFFSET_MASK);
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
        final long offset = first + index;
        // Volatile: r3 of the argument in org.vellum.epoch; partner: the fence in Epochs.stamp.
        final long difference = UnsafeApi.getLongVolatile(null, entries + (offset >>> ENTRY_SHIFT & ENTRY_MASK)) ^ key;
        if ((difference & (Entry.TAG_MASK | Entry.PRESENT | Entry.WRITABLE)) == Entry.WRITABLE) {
            return (difference & -Pages.SIZE) + (offset & Pages.OFFSET_MASK);
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
