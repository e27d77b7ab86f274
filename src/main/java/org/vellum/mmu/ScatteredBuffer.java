package org.vellum.mmu;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.AtomicBuffer;

/**
 * What an Agrona buffer over pages that lie anywhere makes of the accesses that its subclasses have: the other byte orders and types, contents as a
 * whole, and what scattered memory cannot honour.
 *
 * <p>There is no one native address, so what asks for it throws {@link UnsupportedOperationException}, and so does pointing a view at memory
 * that it does not translate.
 *
 * <p>As with Agrona's buffers, the natural order is inconsistent with equals, and {@code hashCode} is of the content.
 */
public abstract class ScatteredBuffer implements AtomicBuffer {
    /** The order of values without one. */
    protected static final ByteOrder NATIVE = ByteOrder.nativeOrder();

    /** Only this room has the ground under views. */
    ScatteredBuffer() {
    }

    /** @return address of index 0. */
    public abstract long address();

    /**
     * {@link #boundsCheck} of a range, where Agrona's checks are on.
     *
     * @param index of the first byte.
     * @param length in bytes.
     * @throws IndexOutOfBoundsException if there is no such range.
     */
    protected final void check(final int index, final int length) {
        if (DirectBuffer.SHOULD_BOUNDS_CHECK) {
            boundsCheck(index, length);
        }
    }

    // ---- values

    @Override
    public final short getShort(final int index, final ByteOrder order) {
        final short value = getShort(index);
        return order == NATIVE ? value : Short.reverseBytes(value);
    }

    @Override
    public final void putShort(final int index, final short value, final ByteOrder order) {
        putShort(index, order == NATIVE ? value : Short.reverseBytes(value));
    }

    @Override
    public final char getChar(final int index, final ByteOrder order) {
        final char value = getChar(index);
        return order == NATIVE ? value : Character.reverseBytes(value);
    }

    @Override
    public final void putChar(final int index, final char value, final ByteOrder order) {
        putChar(index, order == NATIVE ? value : Character.reverseBytes(value));
    }

    @Override
    public final int getInt(final int index, final ByteOrder order) {
        final int value = getInt(index);
        return order == NATIVE ? value : Integer.reverseBytes(value);
    }

    @Override
    public final void putInt(final int index, final int value, final ByteOrder order) {
        putInt(index, order == NATIVE ? value : Integer.reverseBytes(value));
    }

    @Override
    public final long getLong(final int index, final ByteOrder order) {
        final long value = getLong(index);
        return order == NATIVE ? value : Long.reverseBytes(value);
    }

    @Override
    public final void putLong(final int index, final long value, final ByteOrder order) {
        putLong(index, order == NATIVE ? value : Long.reverseBytes(value));
    }

    @Override
    public final float getFloat(final int index) {
        return Float.intBitsToFloat(getInt(index));
    }

    @Override
    public final float getFloat(final int index, final ByteOrder order) {
        return Float.intBitsToFloat(getInt(index, order));
    }

    @Override
    public final void putFloat(final int index, final float value) {
        putInt(index, Float.floatToRawIntBits(value));
    }

    @Override
    public final void putFloat(final int index, final float value, final ByteOrder order) {
        putInt(index, Float.floatToRawIntBits(value), order);
    }

    @Override
    public final double getDouble(final int index) {
        return Double.longBitsToDouble(getLong(index));
    }

    @Override
    public final double getDouble(final int index, final ByteOrder order) {
        return Double.longBitsToDouble(getLong(index, order));
    }

    @Override
    public final void putDouble(final int index, final double value) {
        putLong(index, Double.doubleToRawLongBits(value));
    }

    @Override
    public final void putDouble(final int index, final double value, final ByteOrder order) {
        putLong(index, Double.doubleToRawLongBits(value), order);
    }

    @Override
    @SuppressWarnings("removal")
    public final void putIntOrdered(final int index, final int value) {
        putIntRelease(index, value);
    }

    @Override
    @SuppressWarnings("removal")
    public final int addIntOrdered(final int index, final int increment) {
        return addIntRelease(index, increment);
    }

    @Override
    @SuppressWarnings("removal")
    public final void putLongOrdered(final int index, final long value) {
        putLongRelease(index, value);
    }

    @Override
    @SuppressWarnings("removal")
    public final long addLongOrdered(final int index, final long increment) {
        return addLongRelease(index, increment);
    }

    // ---- bytes

    @Override
    public final void getBytes(final int index, final byte[] dst) {
        getBytes(index, dst, 0, dst.length);
    }

    @Override
    public final void getBytes(final int index, final ByteBuffer dst, final int length) {
        final int position = dst.position();
        getBytes(index, dst, position, length);
        dst.position(position + length);
    }

    @Override
    public final void putBytes(final int index, final byte[] src) {
        putBytes(index, src, 0, src.length);
    }

    @Override
    public final void putBytes(final int index, final ByteBuffer src, final int length) {
        final int position = src.position();
        putBytes(index, src, position, length);
        src.position(position + length);
    }

    // ---- what it is a view of

    /** Not supported: a view translates addresses only. */
    @Override
    public final void wrap(final byte[] buffer) {
        throw foreign();
    }

    /** Not supported: a view translates addresses only. */
    @Override
    public final void wrap(final byte[] buffer, final int offset, final int length) {
        throw foreign();
    }

    /** Not supported: a view translates addresses only. */
    @Override
    public final void wrap(final ByteBuffer buffer) {
        throw foreign();
    }

    /** Not supported: a view translates addresses only. */
    @Override
    public final void wrap(final ByteBuffer buffer, final int offset, final int length) {
        throw foreign();
    }

    /** @return what is thrown when the view shall be pointed at something that it cannot translate. */
    protected abstract UnsupportedOperationException foreign();

    /** Not supported: the pages of the range lie anywhere. */
    @Override
    public final long addressOffset() {
        throw new UnsupportedOperationException("a " + getClass().getSimpleName() + " lies over scattered pages and has no one native address: "
            + "to copy out of it use its getBytes, to translate one page the readable of its access");
    }

    /** @return null: there is no array behind it. */
    @Override
    public final byte[] byteArray() {
        return null;
    }

    /** @return null: there is no one buffer behind it. */
    @Override
    public final ByteBuffer byteBuffer() {
        return null;
    }

    /** @return 0: there is nothing behind it to adjust an index to. */
    @Override
    public final int wrapAdjustment() {
        return 0;
    }

    @Override
    public final boolean isExpandable() {
        return false;
    }

    @Override
    public final void checkLimit(final int limit) {
        if (limit > capacity()) {
            throw new IndexOutOfBoundsException("limit=" + limit + " is beyond capacity=" + capacity());
        }
    }

    @Override
    public final void verifyAlignment() {
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
    public final int compareTo(final DirectBuffer that) {
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

    /** Whether the other is a view of the same kind, of the same length and content. */
    @Override
    public final boolean equals(final Object other) {
        return this == other || other != null && other.getClass() == getClass()
            && capacity() == ((ScatteredBuffer)other).capacity() && compareTo((ScatteredBuffer)other) == 0;
    }

    /** @return a hash of the content, the same as that of an {@code UnsafeBuffer} of the same content. */
    @Override
    public final int hashCode() {
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
    public final String toString() {
        return getClass().getSimpleName() + "{address=0x" + Long.toHexString(address()) + ", capacity=" + capacity() + '}';
    }
}
