package org.vellum.vmap;

import org.agrona.UnsafeApi;
import org.vellum.mmu.MappedAccess;
import org.vellum.mmu.MappedRange;

/**
 * Plain values, by index. What crosses a page takes the slow path of {@link MappedRange}, out of line,
 * so that the fast one inlines.
 */
abstract class PlainView extends MappedRange {
    PlainView(final MappedAccess access) {
        super(access);
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
    public final void putShort(final int index, final short value) {
        checkValue(index, Short.BYTES);
        if (crosses(index, Short.BYTES)) {
            putCrossing(index, Short.BYTES, value);
        } else {
            UnsafeApi.putShort(writable(index), value);
        }
    }

    @Override
    public final char getChar(final int index) {
        checkValue(index, Character.BYTES);
        return crosses(index, Character.BYTES)
            ? (char)getCrossing(index, Character.BYTES) : UnsafeApi.getChar(readable(index));
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
    public final int getInt(final int index) {
        checkValue(index, Integer.BYTES);
        return crosses(index, Integer.BYTES)
            ? (int)getCrossing(index, Integer.BYTES) : UnsafeApi.getInt(readable(index));
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
    public final long getLong(final int index) {
        checkValue(index, Long.BYTES);
        return crosses(index, Long.BYTES)
            ? getCrossing(index, Long.BYTES) : UnsafeApi.getLong(readable(index));
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
}
