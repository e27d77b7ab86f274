package org.vellum.mmu;

import java.util.Objects;
import org.agrona.DirectBuffer;

/**
 * A range of an address space, by index: the ground under an int-indexed view.
 *
 * <p>Indexes are checked by the caller. Where Agrona's bounds checks are switched off they may be anything; the access by address then still
 * checks that what they lead to is mapped and allowed.
 *
 * <p>Thread safety: as Agrona's buffers. Any thread may access; wrapping is for one thread, before it publishes the view.
 */
public abstract class SpaceRange extends ScatteredText {
    private final SpaceAccess access;
    private long address;
    /** The capacity, as wide as the sums that are compared with it. */
    private long end;

    /**
     * @param access to the space.
     */
    protected SpaceRange(final SpaceAccess access) {
        this.access = Objects.requireNonNull(access);
    }

    /**
     * Points the view at a range, mapped or not.
     *
     * @param newAddress of index 0.
     * @param length in bytes, 0 or more.
     * @throws IllegalArgumentException if the space does not hold the range; the view stays as it was.
     */
    protected final void map(final long newAddress, final int length) {
        if (length < 0 || newAddress < 0 || newAddress > access.bytes() - length) {
            throw new IllegalArgumentException("address=0x" + Long.toHexString(newAddress) + " length=" + length + " spaceBytes=0x"
                + Long.toHexString(access.bytes()));
        }
        address = newAddress;
        end = length;
    }

    /** @return access to the space. */
    public final SpaceAccess access() {
        return access;
    }

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
     * Where a value is, if the range holds it or Agrona's checks are off. A negative index is a large one without its sign, so one comparison
     * tells.
     *
     * @param index of its first byte.
     * @param width in bytes, 1 to 8.
     * @return its address.
     * @throws IndexOutOfBoundsException if the range does not hold it.
     */
    protected final long at(final int index, final int width) {
        if (DirectBuffer.SHOULD_BOUNDS_CHECK && Integer.toUnsignedLong(index) + width > end) {
            boundsCheck(index, width);
        }
        return address + index;
    }
}
