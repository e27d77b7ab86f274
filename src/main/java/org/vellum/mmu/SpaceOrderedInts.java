package org.vellum.mmu;

import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;

/**
 * Volatile, release, opaque and read-modify-write access to ints by address of a space, and volatile stores of what is narrower. In a section, as
 * plain stores; across a page it is refused: two pages cannot be changed as one. Misaligned within a page it does what the processor does.
 */
abstract class SpaceOrderedInts extends SpaceStores {
    private static final Update BYTE_VOLATILE = (at, value, none) -> {
        UnsafeApi.putByteVolatile(null, at, (byte)value);
        return 0;
    };
    private static final Update SHORT_VOLATILE = (at, value, none) -> {
        UnsafeApi.putShortVolatile(null, at, (short)value);
        return 0;
    };
    private static final Update VOLATILE = (at, value, none) -> {
        UnsafeApi.putIntVolatile(null, at, (int)value);
        return 0;
    };
    private static final Update RELEASE = (at, value, none) -> {
        UnsafeApi.putIntRelease(null, at, (int)value);
        return 0;
    };
    private static final Update OPAQUE = (at, value, none) -> {
        UnsafeApi.putIntOpaque(null, at, (int)value);
        return 0;
    };
    private static final Update ADD = (at, delta, none) -> UnsafeApi.getAndAddInt(null, at, (int)delta);
    private static final Update SET = (at, value, none) -> UnsafeApi.getAndSetInt(null, at, (int)value);
    private static final Update COMPARE_AND_SET =
        (at, expected, value) -> UnsafeApi.compareAndSetInt(null, at, (int)expected, (int)value) ? 1 : 0;
    private static final Update COMPARE_AND_EXCHANGE =
        (at, expected, value) -> UnsafeApi.compareAndExchangeInt(null, at, (int)expected, (int)value);

    SpaceOrderedInts(final SpaceTable table, final SpaceFaults faults, final Cpus cpus) {
        super(table, faults, cpus);
    }

    /**
     * @param address of the value.
     * @param value to store.
     */
    public final void putByteVolatile(final long address, final byte value) {
        update(null, address, BYTE_VOLATILE, value, 0);
    }

    /**
     * @param address of the value.
     * @param value to store.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final void putShortVolatile(final long address, final short value) {
        update(null, whole(address, Short.BYTES), SHORT_VOLATILE, value, 0);
    }

    /**
     * @param address of the value.
     * @param value to store.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final void putCharVolatile(final long address, final char value) {
        update(null, whole(address, Character.BYTES), SHORT_VOLATILE, value, 0);
    }

    /**
     * @param address of the value.
     * @param value to store.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final void putIntVolatile(final long address, final int value) {
        putIntVolatile(null, address, value);
    }

    /**
     * @param hint the slot that the caller occupies; another one, or null, is as none.
     * @param address of the value.
     * @param value to store.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final void putIntVolatile(final Cpu hint, final long address, final int value) {
        update(hint, whole(address, Integer.BYTES), VOLATILE, value, 0);
    }

    /**
     * @param address of the value.
     * @param value to store.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final void putIntRelease(final long address, final int value) {
        putIntRelease(null, address, value);
    }

    /**
     * @param hint the slot that the caller occupies; another one, or null, is as none.
     * @param address of the value.
     * @param value to store.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final void putIntRelease(final Cpu hint, final long address, final int value) {
        update(hint, whole(address, Integer.BYTES), RELEASE, value, 0);
    }

    /**
     * @param address of the value.
     * @param value to store.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final void putIntOpaque(final long address, final int value) {
        putIntOpaque(null, address, value);
    }

    /**
     * @param hint the slot that the caller occupies; another one, or null, is as none.
     * @param address of the value.
     * @param value to store.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final void putIntOpaque(final Cpu hint, final long address, final int value) {
        update(hint, whole(address, Integer.BYTES), OPAQUE, value, 0);
    }

    /**
     * Atomically, with the effects of a volatile read and write.
     *
     * @param address of the value.
     * @param delta to add.
     * @return the value before.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final int getAndAddInt(final long address, final int delta) {
        return getAndAddInt(null, address, delta);
    }

    /**
     * Atomically, with the effects of a volatile read and write.
     *
     * @param hint the slot that the caller occupies; another one, or null, is as none.
     * @param address of the value.
     * @param delta to add.
     * @return the value before.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final int getAndAddInt(final Cpu hint, final long address, final int delta) {
        return (int)update(hint, whole(address, Integer.BYTES), ADD, delta, 0);
    }

    /**
     * Atomically, with the effects of a volatile read and write.
     *
     * @param address of the value.
     * @param value to store.
     * @return the value before.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final int getAndSetInt(final long address, final int value) {
        return getAndSetInt(null, address, value);
    }

    /**
     * Atomically, with the effects of a volatile read and write.
     *
     * @param hint the slot that the caller occupies; another one, or null, is as none.
     * @param address of the value.
     * @param value to store.
     * @return the value before.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final int getAndSetInt(final Cpu hint, final long address, final int value) {
        return (int)update(hint, whole(address, Integer.BYTES), SET, value, 0);
    }

    /**
     * Atomically, with the effects of a volatile read and write.
     *
     * @param address of the value.
     * @param expected the value it must have.
     * @param value to store then.
     * @return whether it was stored.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final boolean compareAndSetInt(final long address, final int expected, final int value) {
        return compareAndSetInt(null, address, expected, value);
    }

    /**
     * Atomically, with the effects of a volatile read and write.
     *
     * @param hint the slot that the caller occupies; another one, or null, is as none.
     * @param address of the value.
     * @param expected the value it must have.
     * @param value to store then.
     * @return whether it was stored.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final boolean compareAndSetInt(final Cpu hint, final long address, final int expected, final int value) {
        return update(hint, whole(address, Integer.BYTES), COMPARE_AND_SET, expected, value) != 0;
    }

    /**
     * Atomically, with the effects of a volatile read and write.
     *
     * @param address of the value.
     * @param expected the value it must have.
     * @param value to store then.
     * @return the value before: the expected one if it was stored.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final int compareAndExchangeInt(final long address, final int expected, final int value) {
        return compareAndExchangeInt(null, address, expected, value);
    }

    /**
     * Atomically, with the effects of a volatile read and write.
     *
     * @param hint the slot that the caller occupies; another one, or null, is as none.
     * @param address of the value.
     * @param expected the value it must have.
     * @param value to store then.
     * @return the value before: the expected one if it was stored.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final int compareAndExchangeInt(final Cpu hint, final long address, final int expected, final int value) {
        return (int)update(hint, whole(address, Integer.BYTES), COMPARE_AND_EXCHANGE, expected, value);
    }
}
