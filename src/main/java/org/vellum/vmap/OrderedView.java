package org.vellum.vmap;

import org.agrona.UnsafeApi;
import org.vellum.mmu.MappedAccess;

/**
 * Volatile, acquire, release, opaque and read-modify-write access by index. Across a page it is refused: two pages cannot be
 * changed as one. Misaligned within a page it does what it does in Agrona's {@code UnsafeBuffer}.
 */
abstract class OrderedView extends PlainView {
    OrderedView(final MappedAccess access) {
        super(access);
    }

    private long readableWhole(final int index, final int width) {
        checkValue(index, width);
        if (crosses(index, width)) {
            throw refuseCrossing(index, width);
        }
        return readable(index);
    }

    private long writableWhole(final int index, final int width) {
        checkValue(index, width);
        if (crosses(index, width)) {
            throw refuseCrossing(index, width);
        }
        return writable(index);
    }

    @Override
    public final byte getByteVolatile(final int index) {
        return UnsafeApi.getByteVolatile(null, readableWhole(index, Byte.BYTES));
    }

    @Override
    public final void putByteVolatile(final int index, final byte value) {
        UnsafeApi.putByteVolatile(null, writableWhole(index, Byte.BYTES), value);
    }

    @Override
    public final short getShortVolatile(final int index) {
        return UnsafeApi.getShortVolatile(null, readableWhole(index, Short.BYTES));
    }

    @Override
    public final void putShortVolatile(final int index, final short value) {
        UnsafeApi.putShortVolatile(null, writableWhole(index, Short.BYTES), value);
    }

    @Override
    public final char getCharVolatile(final int index) {
        return UnsafeApi.getCharVolatile(null, readableWhole(index, Character.BYTES));
    }

    @Override
    public final void putCharVolatile(final int index, final char value) {
        UnsafeApi.putCharVolatile(null, writableWhole(index, Character.BYTES), value);
    }

    @Override
    public final int getIntVolatile(final int index) {
        return UnsafeApi.getIntVolatile(null, readableWhole(index, Integer.BYTES));
    }

    @Override
    public final int getIntAcquire(final int index) {
        return UnsafeApi.getIntAcquire(null, readableWhole(index, Integer.BYTES));
    }

    @Override
    public final int getIntOpaque(final int index) {
        return UnsafeApi.getIntOpaque(null, readableWhole(index, Integer.BYTES));
    }

    @Override
    public final void putIntVolatile(final int index, final int value) {
        UnsafeApi.putIntVolatile(null, writableWhole(index, Integer.BYTES), value);
    }

    @Override
    public final void putIntRelease(final int index, final int value) {
        UnsafeApi.putIntRelease(null, writableWhole(index, Integer.BYTES), value);
    }

    @Override
    public final void putIntOpaque(final int index, final int value) {
        UnsafeApi.putIntOpaque(null, writableWhole(index, Integer.BYTES), value);
    }

    @Override
    public final int addIntRelease(final int index, final int increment) {
        return UnsafeApi.getAndAddIntRelease(null, writableWhole(index, Integer.BYTES), increment);
    }

    @Override
    public final int addIntOpaque(final int index, final int increment) {
        // Not atomic, as Agrona has it: for a single writer.
        final long at = writableWhole(index, Integer.BYTES);
        final int before = UnsafeApi.getIntOpaque(null, at);
        UnsafeApi.putIntOpaque(null, at, before + increment);
        return before;
    }

    @Override
    public final boolean compareAndSetInt(final int index, final int expected, final int value) {
        return UnsafeApi.compareAndSetInt(null, writableWhole(index, Integer.BYTES), expected, value);
    }

    @Override
    public final int compareAndExchangeInt(final int index, final int expected, final int value) {
        return UnsafeApi.compareAndExchangeInt(null, writableWhole(index, Integer.BYTES), expected, value);
    }

    @Override
    public final int getAndSetInt(final int index, final int value) {
        return UnsafeApi.getAndSetInt(null, writableWhole(index, Integer.BYTES), value);
    }

    @Override
    public final int getAndAddInt(final int index, final int delta) {
        return UnsafeApi.getAndAddInt(null, writableWhole(index, Integer.BYTES), delta);
    }

    @Override
    public final long getLongVolatile(final int index) {
        return UnsafeApi.getLongVolatile(null, readableWhole(index, Long.BYTES));
    }

    @Override
    public final long getLongAcquire(final int index) {
        return UnsafeApi.getLongAcquire(null, readableWhole(index, Long.BYTES));
    }

    @Override
    public final long getLongOpaque(final int index) {
        return UnsafeApi.getLongOpaque(null, readableWhole(index, Long.BYTES));
    }

    @Override
    public final void putLongVolatile(final int index, final long value) {
        UnsafeApi.putLongVolatile(null, writableWhole(index, Long.BYTES), value);
    }

    @Override
    public final void putLongRelease(final int index, final long value) {
        UnsafeApi.putLongRelease(null, writableWhole(index, Long.BYTES), value);
    }

    @Override
    public final void putLongOpaque(final int index, final long value) {
        UnsafeApi.putLongOpaque(null, writableWhole(index, Long.BYTES), value);
    }

    @Override
    public final long addLongRelease(final int index, final long increment) {
        return UnsafeApi.getAndAddLongRelease(null, writableWhole(index, Long.BYTES), increment);
    }

    @Override
    public final long addLongOpaque(final int index, final long increment) {
        // Not atomic, as Agrona has it: for a single writer.
        final long at = writableWhole(index, Long.BYTES);
        final long before = UnsafeApi.getLongOpaque(null, at);
        UnsafeApi.putLongOpaque(null, at, before + increment);
        return before;
    }

    @Override
    public final boolean compareAndSetLong(final int index, final long expected, final long value) {
        return UnsafeApi.compareAndSetLong(null, writableWhole(index, Long.BYTES), expected, value);
    }

    @Override
    public final long compareAndExchangeLong(final int index, final long expected, final long value) {
        return UnsafeApi.compareAndExchangeLong(null, writableWhole(index, Long.BYTES), expected, value);
    }

    @Override
    public final long getAndSetLong(final int index, final long value) {
        return UnsafeApi.getAndSetLong(null, writableWhole(index, Long.BYTES), value);
    }

    @Override
    public final long getAndAddLong(final int index, final long delta) {
        return UnsafeApi.getAndAddLong(null, writableWhole(index, Long.BYTES), delta);
    }
}
