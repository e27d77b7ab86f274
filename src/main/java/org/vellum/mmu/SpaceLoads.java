package org.vellum.mmu;

import java.nio.ByteOrder;
import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpus;

/**
 * Loads by address of a space, plain and ordered. None opens a section; plain values may cross a page, ordered ones may not.
 *
 * <p>The functions are constants, so that the compiler sees through them.
 */
abstract class SpaceLoads extends SpaceWalk {
    static final ByteOrder NATIVE = ByteOrder.nativeOrder();

    private static final Load BYTE = UnsafeApi::getByte;
    private static final Load SHORT = UnsafeApi::getShort;
    private static final Load INT = UnsafeApi::getInt;
    private static final Load LONG = UnsafeApi::getLong;
    private static final Load BYTE_VOLATILE = at -> UnsafeApi.getByteVolatile(null, at);
    private static final Load SHORT_VOLATILE = at -> UnsafeApi.getShortVolatile(null, at);
    private static final Load INT_VOLATILE = at -> UnsafeApi.getIntVolatile(null, at);
    private static final Load INT_ACQUIRE = at -> UnsafeApi.getIntAcquire(null, at);
    private static final Load INT_OPAQUE = at -> UnsafeApi.getIntOpaque(null, at);
    private static final Load LONG_VOLATILE = at -> UnsafeApi.getLongVolatile(null, at);
    private static final Load LONG_ACQUIRE = at -> UnsafeApi.getLongAcquire(null, at);
    private static final Load LONG_OPAQUE = at -> UnsafeApi.getLongOpaque(null, at);

    SpaceLoads(final SpaceTable table, final SpaceFaults faults, final Cpus cpus) {
        super(table, faults, cpus);
    }

    /**
     * @param address of the value.
     * @return the value.
     */
    public final byte getByte(final long address) {
        return (byte)load(address, BYTE);
    }

    /**
     * @param address of the value.
     * @return the value.
     */
    public final short getShort(final long address) {
        return (short)(crosses(address, Short.BYTES) ? loadCrossing(address, Short.BYTES) : load(address, SHORT));
    }

    /**
     * @param address of the value.
     * @param order of its bytes.
     * @return the value.
     */
    public final short getShort(final long address, final ByteOrder order) {
        final short value = getShort(address);
        return order == NATIVE ? value : Short.reverseBytes(value);
    }

    /**
     * @param address of the value.
     * @return the value.
     */
    public final char getChar(final long address) {
        return (char)(crosses(address, Character.BYTES) ? loadCrossing(address, Character.BYTES) : load(address, SHORT));
    }

    /**
     * @param address of the value.
     * @param order of its bytes.
     * @return the value.
     */
    public final char getChar(final long address, final ByteOrder order) {
        final char value = getChar(address);
        return order == NATIVE ? value : Character.reverseBytes(value);
    }

    /**
     * @param address of the value.
     * @return the value.
     */
    public final int getInt(final long address) {
        return (int)(crosses(address, Integer.BYTES) ? loadCrossing(address, Integer.BYTES) : load(address, INT));
    }

    /**
     * @param address of the value.
     * @param order of its bytes.
     * @return the value.
     */
    public final int getInt(final long address, final ByteOrder order) {
        final int value = getInt(address);
        return order == NATIVE ? value : Integer.reverseBytes(value);
    }

    /**
     * @param address of the value.
     * @return the value.
     */
    public final long getLong(final long address) {
        return crosses(address, Long.BYTES) ? loadCrossing(address, Long.BYTES) : load(address, LONG);
    }

    /**
     * @param address of the value.
     * @param order of its bytes.
     * @return the value.
     */
    public final long getLong(final long address, final ByteOrder order) {
        final long value = getLong(address);
        return order == NATIVE ? value : Long.reverseBytes(value);
    }

    /**
     * @param address of the value.
     * @return the value.
     */
    public final float getFloat(final long address) {
        return Float.intBitsToFloat(getInt(address));
    }

    /**
     * @param address of the value.
     * @param order of its bytes.
     * @return the value.
     */
    public final float getFloat(final long address, final ByteOrder order) {
        return Float.intBitsToFloat(getInt(address, order));
    }

    /**
     * @param address of the value.
     * @return the value.
     */
    public final double getDouble(final long address) {
        return Double.longBitsToDouble(getLong(address));
    }

    /**
     * @param address of the value.
     * @param order of its bytes.
     * @return the value.
     */
    public final double getDouble(final long address, final ByteOrder order) {
        return Double.longBitsToDouble(getLong(address, order));
    }

    /**
     * @param address of the value.
     * @return the value.
     */
    public final byte getByteVolatile(final long address) {
        return (byte)load(address, BYTE_VOLATILE);
    }

    /**
     * @param address of the value.
     * @return the value.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final short getShortVolatile(final long address) {
        return (short)load(whole(address, Short.BYTES), SHORT_VOLATILE);
    }

    /**
     * @param address of the value.
     * @return the value.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final char getCharVolatile(final long address) {
        return (char)load(whole(address, Character.BYTES), SHORT_VOLATILE);
    }

    /**
     * @param address of the value.
     * @return the value.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final int getIntVolatile(final long address) {
        return (int)load(whole(address, Integer.BYTES), INT_VOLATILE);
    }

    /**
     * @param address of the value.
     * @return the value.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final int getIntAcquire(final long address) {
        return (int)load(whole(address, Integer.BYTES), INT_ACQUIRE);
    }

    /**
     * @param address of the value.
     * @return the value.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final int getIntOpaque(final long address) {
        return (int)load(whole(address, Integer.BYTES), INT_OPAQUE);
    }

    /**
     * @param address of the value.
     * @return the value.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final long getLongVolatile(final long address) {
        return load(whole(address, Long.BYTES), LONG_VOLATILE);
    }

    /**
     * @param address of the value.
     * @return the value.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final long getLongAcquire(final long address) {
        return load(whole(address, Long.BYTES), LONG_ACQUIRE);
    }

    /**
     * @param address of the value.
     * @return the value.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final long getLongOpaque(final long address) {
        return load(whole(address, Long.BYTES), LONG_OPAQUE);
    }
}
