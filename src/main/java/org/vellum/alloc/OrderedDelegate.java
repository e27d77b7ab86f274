package org.vellum.alloc;

/** Volatile, acquire, release, opaque and read-modify-write access by index. */
abstract class OrderedDelegate extends PlainDelegate {
    @Override
    public final void verifyAlignment() {
        target().verifyAlignment();
    }

    @Override
    public final byte getByteVolatile(final int index) {
        return target().getByteVolatile(index);
    }

    @Override
    public final void putByteVolatile(final int index, final byte value) {
        target().putByteVolatile(index, value);
    }

    @Override
    public final short getShortVolatile(final int index) {
        return target().getShortVolatile(index);
    }

    @Override
    public final void putShortVolatile(final int index, final short value) {
        target().putShortVolatile(index, value);
    }

    @Override
    public final char getCharVolatile(final int index) {
        return target().getCharVolatile(index);
    }

    @Override
    public final void putCharVolatile(final int index, final char value) {
        target().putCharVolatile(index, value);
    }

    @Override
    public final int getIntVolatile(final int index) {
        return target().getIntVolatile(index);
    }

    @Override
    public final void putIntVolatile(final int index, final int value) {
        target().putIntVolatile(index, value);
    }

    @Override
    public final int getIntAcquire(final int index) {
        return target().getIntAcquire(index);
    }

    @Override
    public final void putIntOrdered(final int index, final int value) {
        target().putIntOrdered(index, value);
    }

    @Override
    public final void putIntRelease(final int index, final int value) {
        target().putIntRelease(index, value);
    }

    @Override
    public final int addIntOrdered(final int index, final int delta) {
        return target().addIntOrdered(index, delta);
    }

    @Override
    public final int addIntRelease(final int index, final int delta) {
        return target().addIntRelease(index, delta);
    }

    @Override
    public final void putIntOpaque(final int index, final int value) {
        target().putIntOpaque(index, value);
    }

    @Override
    public final int getIntOpaque(final int index) {
        return target().getIntOpaque(index);
    }

    @Override
    public final int addIntOpaque(final int index, final int delta) {
        return target().addIntOpaque(index, delta);
    }

    @Override
    public final boolean compareAndSetInt(final int index, final int expected, final int update) {
        return target().compareAndSetInt(index, expected, update);
    }

    @Override
    public final int compareAndExchangeInt(final int index, final int expected, final int update) {
        return target().compareAndExchangeInt(index, expected, update);
    }

    @Override
    public final int getAndSetInt(final int index, final int value) {
        return target().getAndSetInt(index, value);
    }

    @Override
    public final int getAndAddInt(final int index, final int delta) {
        return target().getAndAddInt(index, delta);
    }

    @Override
    public final long getLongVolatile(final int index) {
        return target().getLongVolatile(index);
    }

    @Override
    public final long getLongAcquire(final int index) {
        return target().getLongAcquire(index);
    }

    @Override
    public final void putLongVolatile(final int index, final long value) {
        target().putLongVolatile(index, value);
    }

    @Override
    public final void putLongOrdered(final int index, final long value) {
        target().putLongOrdered(index, value);
    }

    @Override
    public final void putLongRelease(final int index, final long value) {
        target().putLongRelease(index, value);
    }

    @Override
    public final long addLongOrdered(final int index, final long delta) {
        return target().addLongOrdered(index, delta);
    }

    @Override
    public final void putLongOpaque(final int index, final long value) {
        target().putLongOpaque(index, value);
    }

    @Override
    public final long getLongOpaque(final int index) {
        return target().getLongOpaque(index);
    }

    @Override
    public final long addLongOpaque(final int index, final long delta) {
        return target().addLongOpaque(index, delta);
    }

    @Override
    public final long addLongRelease(final int index, final long delta) {
        return target().addLongRelease(index, delta);
    }

    @Override
    public final boolean compareAndSetLong(final int index, final long expected, final long update) {
        return target().compareAndSetLong(index, expected, update);
    }

    @Override
    public final long compareAndExchangeLong(final int index, final long expected, final long update) {
        return target().compareAndExchangeLong(index, expected, update);
    }

    @Override
    public final long getAndSetLong(final int index, final long value) {
        return target().getAndSetLong(index, value);
    }

    @Override
    public final long getAndAddLong(final int index, final long delta) {
        return target().getAndAddLong(index, delta);
    }
}
