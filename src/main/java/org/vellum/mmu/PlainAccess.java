package org.vellum.mmu;

import java.nio.ByteOrder;
import org.agrona.UnsafeApi;
import org.vellum.frame.PhysicalMemory;

/**
 * Plain values of every width and byte order, by Vellum address. What crosses a page takes the slow path of {@link CrossPage}, out
 * of line, so that the fast one inlines.
 */
abstract class PlainAccess extends AddressTranslation {
    private static final ByteOrder NATIVE = ByteOrder.nativeOrder();

    PlainAccess(final PageTable table, final PhysicalMemory memory) {
        super(table, memory);
    }

    /**
     * @param address Vellum address of the value.
     * @return the value.
     */
    public final byte getByte(final long address) {
        return UnsafeApi.getByte(readable(address));
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     */
    public final void putByte(final long address, final byte value) {
        UnsafeApi.putByte(writable(address), value);
    }

    /**
     * @param address Vellum address of the value.
     * @return the value.
     */
    public final short getShort(final long address) {
        return crosses(address, Short.BYTES)
            ? (short)CrossPage.get(this, address, Short.BYTES) : UnsafeApi.getShort(readable(address));
    }

    /**
     * @param address Vellum address of the value.
     * @param order of its bytes.
     * @return the value.
     */
    public final short getShort(final long address, final ByteOrder order) {
        final short value = getShort(address);
        return order == NATIVE ? value : Short.reverseBytes(value);
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     */
    public final void putShort(final long address, final short value) {
        if (crosses(address, Short.BYTES)) {
            CrossPage.put(this, address, Short.BYTES, value);
        } else {
            UnsafeApi.putShort(writable(address), value);
        }
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     * @param order of its bytes.
     */
    public final void putShort(final long address, final short value, final ByteOrder order) {
        putShort(address, order == NATIVE ? value : Short.reverseBytes(value));
    }

    /**
     * @param address Vellum address of the value.
     * @return the value.
     */
    public final char getChar(final long address) {
        return crosses(address, Character.BYTES)
            ? (char)CrossPage.get(this, address, Character.BYTES) : UnsafeApi.getChar(readable(address));
    }

    /**
     * @param address Vellum address of the value.
     * @param order of its bytes.
     * @return the value.
     */
    public final char getChar(final long address, final ByteOrder order) {
        final char value = getChar(address);
        return order == NATIVE ? value : Character.reverseBytes(value);
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     */
    public final void putChar(final long address, final char value) {
        if (crosses(address, Character.BYTES)) {
            CrossPage.put(this, address, Character.BYTES, value);
        } else {
            UnsafeApi.putChar(writable(address), value);
        }
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     * @param order of its bytes.
     */
    public final void putChar(final long address, final char value, final ByteOrder order) {
        putChar(address, order == NATIVE ? value : Character.reverseBytes(value));
    }

    /**
     * @param address Vellum address of the value.
     * @return the value.
     */
    public final int getInt(final long address) {
        return crosses(address, Integer.BYTES)
            ? (int)CrossPage.get(this, address, Integer.BYTES) : UnsafeApi.getInt(readable(address));
    }

    /**
     * @param address Vellum address of the value.
     * @param order of its bytes.
     * @return the value.
     */
    public final int getInt(final long address, final ByteOrder order) {
        final int value = getInt(address);
        return order == NATIVE ? value : Integer.reverseBytes(value);
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     */
    public final void putInt(final long address, final int value) {
        if (crosses(address, Integer.BYTES)) {
            CrossPage.put(this, address, Integer.BYTES, value);
        } else {
            UnsafeApi.putInt(writable(address), value);
        }
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     * @param order of its bytes.
     */
    public final void putInt(final long address, final int value, final ByteOrder order) {
        putInt(address, order == NATIVE ? value : Integer.reverseBytes(value));
    }

    /**
     * @param address Vellum address of the value.
     * @return the value.
     */
    public final long getLong(final long address) {
        return crosses(address, Long.BYTES)
            ? CrossPage.get(this, address, Long.BYTES) : UnsafeApi.getLong(readable(address));
    }

    /**
     * @param address Vellum address of the value.
     * @param order of its bytes.
     * @return the value.
     */
    public final long getLong(final long address, final ByteOrder order) {
        final long value = getLong(address);
        return order == NATIVE ? value : Long.reverseBytes(value);
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     */
    public final void putLong(final long address, final long value) {
        if (crosses(address, Long.BYTES)) {
            CrossPage.put(this, address, Long.BYTES, value);
        } else {
            UnsafeApi.putLong(writable(address), value);
        }
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     * @param order of its bytes.
     */
    public final void putLong(final long address, final long value, final ByteOrder order) {
        putLong(address, order == NATIVE ? value : Long.reverseBytes(value));
    }

    /**
     * @param address Vellum address of the value.
     * @return the value.
     */
    public final float getFloat(final long address) {
        return Float.intBitsToFloat(getInt(address));
    }

    /**
     * @param address Vellum address of the value.
     * @param order of its bytes.
     * @return the value.
     */
    public final float getFloat(final long address, final ByteOrder order) {
        return Float.intBitsToFloat(getInt(address, order));
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     */
    public final void putFloat(final long address, final float value) {
        putInt(address, Float.floatToRawIntBits(value));
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     * @param order of its bytes.
     */
    public final void putFloat(final long address, final float value, final ByteOrder order) {
        putInt(address, Float.floatToRawIntBits(value), order);
    }

    /**
     * @param address Vellum address of the value.
     * @return the value.
     */
    public final double getDouble(final long address) {
        return Double.longBitsToDouble(getLong(address));
    }

    /**
     * @param address Vellum address of the value.
     * @param order of its bytes.
     * @return the value.
     */
    public final double getDouble(final long address, final ByteOrder order) {
        return Double.longBitsToDouble(getLong(address, order));
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     */
    public final void putDouble(final long address, final double value) {
        putLong(address, Double.doubleToRawLongBits(value));
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     * @param order of its bytes.
     */
    public final void putDouble(final long address, final double value, final ByteOrder order) {
        putLong(address, Double.doubleToRawLongBits(value), order);
    }
}
