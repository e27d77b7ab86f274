package org.vellum.mmu;

import java.nio.ByteOrder;
import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;

/**
 * Plain stores by address of a space, which may cross a page. Each is made in a section: in the caller's if it has one open, which is cheapest
 * if it hands its slot in.
 */
abstract class SpaceStores extends SpaceLoads {
    private static final Update BYTE = (at, value, none) -> {
        UnsafeApi.putByte(at, (byte)value);
        return 0;
    };
    private static final Update SHORT = (at, value, none) -> {
        UnsafeApi.putShort(at, (short)value);
        return 0;
    };
    private static final Update INT = (at, value, none) -> {
        UnsafeApi.putInt(at, (int)value);
        return 0;
    };
    private static final Update LONG = (at, value, none) -> {
        UnsafeApi.putLong(at, value);
        return 0;
    };

    SpaceStores(final SpaceTable table, final SpaceFaults faults, final Cpus cpus) {
        super(table, faults, cpus);
    }

    /**
     * @param address of the value.
     * @param value to store.
     */
    public final void putByte(final long address, final byte value) {
        putByte(null, address, value);
    }

    /**
     * @param hint the slot that the caller occupies; another one, or null, is as none.
     * @param address of the value.
     * @param value to store.
     */
    public final void putByte(final Cpu hint, final long address, final byte value) {
        update(hint, address, BYTE, value, 0);
    }

    /**
     * @param address of the value.
     * @param value to store.
     */
    public final void putShort(final long address, final short value) {
        putShort(null, address, value);
    }

    /**
     * @param hint the slot that the caller occupies; another one, or null, is as none.
     * @param address of the value.
     * @param value to store.
     */
    public final void putShort(final Cpu hint, final long address, final short value) {
        if (crosses(address, Short.BYTES)) {
            storeCrossing(hint, address, Short.BYTES, value);
        } else {
            update(hint, address, SHORT, value, 0);
        }
    }

    /**
     * @param address of the value.
     * @param value to store.
     * @param order of its bytes.
     */
    public final void putShort(final long address, final short value, final ByteOrder order) {
        putShort(null, address, order == NATIVE ? value : Short.reverseBytes(value));
    }

    /**
     * @param address of the value.
     * @param value to store.
     */
    public final void putChar(final long address, final char value) {
        putChar(null, address, value);
    }

    /**
     * @param hint the slot that the caller occupies; another one, or null, is as none.
     * @param address of the value.
     * @param value to store.
     */
    public final void putChar(final Cpu hint, final long address, final char value) {
        if (crosses(address, Character.BYTES)) {
            storeCrossing(hint, address, Character.BYTES, value);
        } else {
            update(hint, address, SHORT, value, 0);
        }
    }

    /**
     * @param address of the value.
     * @param value to store.
     * @param order of its bytes.
     */
    public final void putChar(final long address, final char value, final ByteOrder order) {
        putChar(null, address, order == NATIVE ? value : Character.reverseBytes(value));
    }

    /**
     * @param address of the value.
     * @param value to store.
     */
    public final void putInt(final long address, final int value) {
        putInt(null, address, value);
    }

    /**
     * @param hint the slot that the caller occupies; another one, or null, is as none.
     * @param address of the value.
     * @param value to store.
     */
    public final void putInt(final Cpu hint, final long address, final int value) {
        if (crosses(address, Integer.BYTES)) {
            storeCrossing(hint, address, Integer.BYTES, value);
        } else {
            update(hint, address, INT, value, 0);
        }
    }

    /**
     * @param address of the value.
     * @param value to store.
     * @param order of its bytes.
     */
    public final void putInt(final long address, final int value, final ByteOrder order) {
        putInt(null, address, order == NATIVE ? value : Integer.reverseBytes(value));
    }

    /**
     * @param address of the value.
     * @param value to store.
     */
    public final void putLong(final long address, final long value) {
        putLong(null, address, value);
    }

    /**
     * @param hint the slot that the caller occupies; another one, or null, is as none.
     * @param address of the value.
     * @param value to store.
     */
    public final void putLong(final Cpu hint, final long address, final long value) {
        if (crosses(address, Long.BYTES)) {
            storeCrossing(hint, address, Long.BYTES, value);
        } else {
            update(hint, address, LONG, value, 0);
        }
    }

    /**
     * @param address of the value.
     * @param value to store.
     * @param order of its bytes.
     */
    public final void putLong(final long address, final long value, final ByteOrder order) {
        putLong(null, address, order == NATIVE ? value : Long.reverseBytes(value));
    }

    /**
     * @param address of the value.
     * @param value to store.
     */
    public final void putFloat(final long address, final float value) {
        putInt(null, address, Float.floatToRawIntBits(value));
    }

    /**
     * @param hint the slot that the caller occupies; another one, or null, is as none.
     * @param address of the value.
     * @param value to store.
     */
    public final void putFloat(final Cpu hint, final long address, final float value) {
        putInt(hint, address, Float.floatToRawIntBits(value));
    }

    /**
     * @param address of the value.
     * @param value to store.
     * @param order of its bytes.
     */
    public final void putFloat(final long address, final float value, final ByteOrder order) {
        putInt(address, Float.floatToRawIntBits(value), order);
    }

    /**
     * @param address of the value.
     * @param value to store.
     */
    public final void putDouble(final long address, final double value) {
        putLong(null, address, Double.doubleToRawLongBits(value));
    }

    /**
     * @param hint the slot that the caller occupies; another one, or null, is as none.
     * @param address of the value.
     * @param value to store.
     */
    public final void putDouble(final Cpu hint, final long address, final double value) {
        putLong(hint, address, Double.doubleToRawLongBits(value));
    }

    /**
     * @param address of the value.
     * @param value to store.
     * @param order of its bytes.
     */
    public final void putDouble(final long address, final double value, final ByteOrder order) {
        putLong(address, Double.doubleToRawLongBits(value), order);
    }
}
