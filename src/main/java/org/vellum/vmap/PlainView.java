package org.vellum.vmap;

import java.nio.ByteOrder;
import org.agrona.DirectBuffer;
import org.agrona.UnsafeApi;
import org.agrona.concurrent.AtomicBuffer;
import org.vellum.mmu.MappedAccess;
import org.vellum.mmu.MappedRange;

/**
 * Plain values of every width and byte order, by index. What crosses a page takes the slow path of {@link MappedRange}, out of line,
 * so that the fast one inlines.
 */
abstract class PlainView extends MappedRange implements AtomicBuffer {
    static final ByteOrder NATIVE = ByteOrder.nativeOrder();

    PlainView(final MappedAccess access) {
        super(access);
    }

    final void check(final int index, final int length) {
        if (DirectBuffer.SHOULD_BOUNDS_CHECK) {
            boundsCheck(index, length);
        }
    }

    @Override
    public final byte getByte(final int index) {
        checkValue(index, Byte.BYTES);
        return UnsafeApi.getByte(readable(index));
    }

    @Override
    public final void putByte(final int index, final byte value) {
        checkValue(index, Byte.BYTES);
        UnsafeApi.putByte(writable(index), value);
    }

    @Override
    public final short getShort(final int index) {
        checkValue(index, Short.BYTES);
        return crosses(index, Short.BYTES)
            ? (short)getCrossing(index, Short.BYTES) : UnsafeApi.getShort(readable(index));
    }

    @Override
    public final short getShort(final int index, final ByteOrder order) {
        final short value = getShort(index);
        return order == NATIVE ? value : Short.reverseBytes(value);
    }

    @Override
    public final void putShort(final int index, final short value) {
        checkValue(index, Short.BYTES);
        if (crosses(index, Short.BYTES)) {
            putCrossing(index, Short.BYTES, value);
        } else {
            UnsafeApi.putShort(writable(index), value);
        }
    }

    @Override
    public final void putShort(final int index, final short value, final ByteOrder order) {
        putShort(index, order == NATIVE ? value : Short.reverseBytes(value));
    }

    @Override
    public final char getChar(final int index) {
        checkValue(index, Character.BYTES);
        return crosses(index, Character.BYTES)
            ? (char)getCrossing(index, Character.BYTES) : UnsafeApi.getChar(readable(index));
    }

    @Override
    public final char getChar(final int index, final ByteOrder order) {
        final char value = getChar(index);
        return order == NATIVE ? value : Character.reverseBytes(value);
    }

    @Override
    public final void putChar(final int index, final char value) {
        checkValue(index, Character.BYTES);
        if (crosses(index, Character.BYTES)) {
            putCrossing(index, Character.BYTES, value);
        } else {
            UnsafeApi.putChar(writable(index), value);
        }
    }

    @Override
    public final void putChar(final int index, final char value, final ByteOrder order) {
        putChar(index, order == NATIVE ? value : Character.reverseBytes(value));
    }

    @Override
    public final int getInt(final int index) {
        checkValue(index, Integer.BYTES);
        return crosses(index, Integer.BYTES)
            ? (int)getCrossing(index, Integer.BYTES) : UnsafeApi.getInt(readable(index));
    }

    @Override
    public final int getInt(final int index, final ByteOrder order) {
        final int value = getInt(index);
        return order == NATIVE ? value : Integer.reverseBytes(value);
    }

    @Override
    public final void putInt(final int index, final int value) {
        checkValue(index, Integer.BYTES);
        if (crosses(index, Integer.BYTES)) {
            putCrossing(index, Integer.BYTES, value);
        } else {
            UnsafeApi.putInt(writable(index), value);
        }
    }

    @Override
    public final void putInt(final int index, final int value, final ByteOrder order) {
        putInt(index, order == NATIVE ? value : Integer.reverseBytes(value));
    }

    @Override
    public final long getLong(final int index) {
        checkValue(index, Long.BYTES);
        return crosses(index, Long.BYTES)
            ? getCrossing(index, Long.BYTES) : UnsafeApi.getLong(readable(index));
    }

    @Override
    public final long getLong(final int index, final ByteOrder order) {
        final long value = getLong(index);
        return order == NATIVE ? value : Long.reverseBytes(value);
    }

    @Override
    public final void putLong(final int index, final long value) {
        checkValue(index, Long.BYTES);
        if (crosses(index, Long.BYTES)) {
            putCrossing(index, Long.BYTES, value);
        } else {
            UnsafeApi.putLong(writable(index), value);
        }
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
}
