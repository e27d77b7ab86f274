package org.vellum.alloc;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.AtomicBuffer;

/**
 * A buffer that leaves all work to another, its <em>target</em>, or has none and refuses: here plain values by index, and what such a buffer cannot do at all.
 *
 * <p>There is no third implementation that throws: to look for null costs nothing, since the call looks anyway, and call sites
 * then see two classes of target at most, as many as HotSpot inlines.
 */
abstract class PlainDelegate implements AtomicBuffer {
    /** Plain: the class comment of {@link OffHeapBuffer} says what that means for other threads. Null: closed. */
    private AtomicBuffer target;

    /**
     * @return what does the work.
     * @throws IllegalStateException if there is nothing any more.
     */
    final AtomicBuffer target() {
        final AtomicBuffer open = target;
        if (open == null) {
            throw closed();
        }
        return open;
    }

    /** @return what does the work, or null. */
    final AtomicBuffer targetOrNull() {
        return target;
    }

    /** @param newTarget what does the work from now on, or null for nothing. */
    final void retarget(final AtomicBuffer newTarget) {
        target = newTarget;
    }

    static IllegalStateException closed() {
        return new IllegalStateException("the buffer is closed");
    }

    @Override
    public final int capacity() {
        return target().capacity();
    }

    @Override
    public final void checkLimit(final int limit) {
        target().checkLimit(limit);
    }

    @Override
    public final void boundsCheck(final int index, final int length) {
        target().boundsCheck(index, length);
    }

    @Override
    public final byte getByte(final int index) {
        return target().getByte(index);
    }

    @Override
    public final void putByte(final int index, final byte value) {
        target().putByte(index, value);
    }

    @Override
    public final short getShort(final int index) {
        return target().getShort(index);
    }

    @Override
    public final short getShort(final int index, final ByteOrder order) {
        return target().getShort(index, order);
    }

    @Override
    public final void putShort(final int index, final short value) {
        target().putShort(index, value);
    }

    @Override
    public final void putShort(final int index, final short value, final ByteOrder order) {
        target().putShort(index, value, order);
    }

    @Override
    public final char getChar(final int index) {
        return target().getChar(index);
    }

    @Override
    public final char getChar(final int index, final ByteOrder order) {
        return target().getChar(index, order);
    }

    @Override
    public final void putChar(final int index, final char value) {
        target().putChar(index, value);
    }

    @Override
    public final void putChar(final int index, final char value, final ByteOrder order) {
        target().putChar(index, value, order);
    }

    @Override
    public final int getInt(final int index) {
        return target().getInt(index);
    }

    @Override
    public final int getInt(final int index, final ByteOrder order) {
        return target().getInt(index, order);
    }

    @Override
    public final void putInt(final int index, final int value) {
        target().putInt(index, value);
    }

    @Override
    public final void putInt(final int index, final int value, final ByteOrder order) {
        target().putInt(index, value, order);
    }

    @Override
    public final long getLong(final int index) {
        return target().getLong(index);
    }

    @Override
    public final long getLong(final int index, final ByteOrder order) {
        return target().getLong(index, order);
    }

    @Override
    public final void putLong(final int index, final long value) {
        target().putLong(index, value);
    }

    @Override
    public final void putLong(final int index, final long value, final ByteOrder order) {
        target().putLong(index, value, order);
    }

    @Override
    public final float getFloat(final int index) {
        return target().getFloat(index);
    }

    @Override
    public final float getFloat(final int index, final ByteOrder order) {
        return target().getFloat(index, order);
    }

    @Override
    public final void putFloat(final int index, final float value) {
        target().putFloat(index, value);
    }

    @Override
    public final void putFloat(final int index, final float value, final ByteOrder order) {
        target().putFloat(index, value, order);
    }

    @Override
    public final double getDouble(final int index) {
        return target().getDouble(index);
    }

    @Override
    public final double getDouble(final int index, final ByteOrder order) {
        return target().getDouble(index, order);
    }

    @Override
    public final void putDouble(final int index, final double value) {
        target().putDouble(index, value);
    }

    @Override
    public final void putDouble(final int index, final double value, final ByteOrder order) {
        target().putDouble(index, value, order);
    }

    /**
     * @return false: only its owner makes it larger.
     * @throws IllegalStateException if the buffer is closed.
     */
    @Override
    public final boolean isExpandable() {
        return target().isExpandable();
    }

    // ---- what it cannot be pointed at

    private UnsupportedOperationException owner() {
        target();
        return new UnsupportedOperationException("an OffHeapBuffer is over its own memory only: wrap an UnsafeBuffer or a VmapBuffer");
    }

    /** Not supported: it owns its memory. */
    @Override
    public final void wrap(final byte[] buffer) {
        throw owner();
    }

    /** Not supported: it owns its memory. */
    @Override
    public final void wrap(final byte[] buffer, final int offset, final int length) {
        throw owner();
    }

    /** Not supported: it owns its memory. */
    @Override
    public final void wrap(final ByteBuffer buffer) {
        throw owner();
    }

    /** Not supported: it owns its memory. */
    @Override
    public final void wrap(final ByteBuffer buffer, final int offset, final int length) {
        throw owner();
    }

    /** Not supported: it owns its memory. */
    @Override
    public final void wrap(final DirectBuffer buffer) {
        throw owner();
    }

    /** Not supported: it owns its memory. */
    @Override
    public final void wrap(final DirectBuffer buffer, final int offset, final int length) {
        throw owner();
    }

    /** Not supported: it owns its memory. */
    @Override
    public final void wrap(final long nativeAddress, final int length) {
        throw owner();
    }
}
