package org.vellum.space;

import org.vellum.mmu.SpaceAccess;
import org.vellum.mmu.SpaceRange;

/** Values by index, plain and ordered: indexes are checked here, the rest is {@link SpaceAccess}'s. */
abstract class SpaceValues extends SpaceRange {
    SpaceValues(final SpaceAccess access) {
        super(access);
    }

    @Override
    public final byte getByte(final int index) {
        return access().getByte(at(index, Byte.BYTES));
    }

    @Override
    public final void putByte(final int index, final byte value) {
        access().putByte(at(index, Byte.BYTES), value);
    }

    @Override
    public final short getShort(final int index) {
        return access().getShort(at(index, Short.BYTES));
    }

    @Override
    public final void putShort(final int index, final short value) {
        access().putShort(at(index, Short.BYTES), value);
    }

    @Override
    public final char getChar(final int index) {
        return access().getChar(at(index, Character.BYTES));
    }

    @Override
    public final void putChar(final int index, final char value) {
        access().putChar(at(index, Character.BYTES), value);
    }

    @Override
    public final int getInt(final int index) {
        return access().getInt(at(index, Integer.BYTES));
    }

    @Override
    public final void putInt(final int index, final int value) {
        access().putInt(at(index, Integer.BYTES), value);
    }

    @Override
    public final long getLong(final int index) {
        return access().getLong(at(index, Long.BYTES));
    }

    @Override
    public final void putLong(final int index, final long value) {
        access().putLong(at(index, Long.BYTES), value);
    }

    @Override
    public final byte getByteVolatile(final int index) {
        return access().getByteVolatile(at(index, Byte.BYTES));
    }

    @Override
    public final void putByteVolatile(final int index, final byte value) {
        access().putByteVolatile(at(index, Byte.BYTES), value);
    }

    @Override
    public final short getShortVolatile(final int index) {
        return access().getShortVolatile(at(index, Short.BYTES));
    }

    @Override
    public final void putShortVolatile(final int index, final short value) {
        access().putShortVolatile(at(index, Short.BYTES), value);
    }

    @Override
    public final char getCharVolatile(final int index) {
        return access().getCharVolatile(at(index, Character.BYTES));
    }

    @Override
    public final void putCharVolatile(final int index, final char value) {
        access().putCharVolatile(at(index, Character.BYTES), value);
    }

    @Override
    public final int getIntVolatile(final int index) {
        return access().getIntVolatile(at(index, Integer.BYTES));
    }

    @Override
    public final int getIntAcquire(final int index) {
        return access().getIntAcquire(at(index, Integer.BYTES));
    }

    @Override
    public final int getIntOpaque(final int index) {
        return access().getIntOpaque(at(index, Integer.BYTES));
    }

    @Override
    public final void putIntVolatile(final int index, final int value) {
        access().putIntVolatile(at(index, Integer.BYTES), value);
    }

    @Override
    public final void putIntRelease(final int index, final int value) {
        access().putIntRelease(at(index, Integer.BYTES), value);
    }

    @Override
    public final void putIntOpaque(final int index, final int value) {
        access().putIntOpaque(at(index, Integer.BYTES), value);
    }

    @Override
    public final int addIntRelease(final int index, final int increment) {
        return access().getAndAddInt(at(index, Integer.BYTES), increment);
    }

    @Override
    public final int addIntOpaque(final int index, final int increment) {
        // Not atomic, as Agrona has it: for a single writer.
        final int before = getIntOpaque(index);
        putIntOpaque(index, before + increment);
        return before;
    }

    @Override
    public final int getAndAddInt(final int index, final int delta) {
        return access().getAndAddInt(at(index, Integer.BYTES), delta);
    }

    @Override
    public final int getAndSetInt(final int index, final int value) {
        return access().getAndSetInt(at(index, Integer.BYTES), value);
    }

    @Override
    public final boolean compareAndSetInt(final int index, final int expected, final int value) {
        return access().compareAndSetInt(at(index, Integer.BYTES), expected, value);
    }

    @Override
    public final int compareAndExchangeInt(final int index, final int expected, final int value) {
        return access().compareAndExchangeInt(at(index, Integer.BYTES), expected, value);
    }

    @Override
    public final long getLongVolatile(final int index) {
        return access().getLongVolatile(at(index, Long.BYTES));
    }

    @Override
    public final long getLongAcquire(final int index) {
        return access().getLongAcquire(at(index, Long.BYTES));
    }

    @Override
    public final long getLongOpaque(final int index) {
        return access().getLongOpaque(at(index, Long.BYTES));
    }

    @Override
    public final void putLongVolatile(final int index, final long value) {
        access().putLongVolatile(at(index, Long.BYTES), value);
    }

    @Override
    public final void putLongRelease(final int index, final long value) {
        access().putLongRelease(at(index, Long.BYTES), value);
    }

    @Override
    public final void putLongOpaque(final int index, final long value) {
        access().putLongOpaque(at(index, Long.BYTES), value);
    }

    @Override
    public final long addLongRelease(final int index, final long increment) {
        return access().getAndAddLong(at(index, Long.BYTES), increment);
    }

    @Override
    public final long addLongOpaque(final int index, final long increment) {
        // Not atomic, as Agrona has it: for a single writer.
        final long before = getLongOpaque(index);
        putLongOpaque(index, before + increment);
        return before;
    }

    @Override
    public final long getAndAddLong(final int index, final long delta) {
        return access().getAndAddLong(at(index, Long.BYTES), delta);
    }

    @Override
    public final long getAndSetLong(final int index, final long value) {
        return access().getAndSetLong(at(index, Long.BYTES), value);
    }

    @Override
    public final boolean compareAndSetLong(final int index, final long expected, final long value) {
        return access().compareAndSetLong(at(index, Long.BYTES), expected, value);
    }

    @Override
    public final long compareAndExchangeLong(final int index, final long expected, final long value) {
        return access().compareAndExchangeLong(at(index, Long.BYTES), expected, value);
    }
}
