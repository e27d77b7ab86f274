package org.vellum.mmu;

import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;

/**
 * Volatile, release, opaque and read-modify-write access to longs by address of a space: as for ints.
 */
abstract class SpaceOrderedLongs extends SpaceOrderedInts {
    private static final Update VOLATILE = (at, value, none) -> {
        UnsafeApi.putLongVolatile(null, at, value);
        return 0;
    };
    private static final Update RELEASE = (at, value, none) -> {
        UnsafeApi.putLongRelease(null, at, value);
        return 0;
    };
    private static final Update OPAQUE = (at, value, none) -> {
        UnsafeApi.putLongOpaque(null, at, value);
        return 0;
    };
    private static final Update ADD = (at, delta, none) -> UnsafeApi.getAndAddLong(null, at, delta);
    private static final Update SET = (at, value, none) -> UnsafeApi.getAndSetLong(null, at, value);
    private static final Update COMPARE_AND_SET =
        (at, expected, value) -> UnsafeApi.compareAndSetLong(null, at, expected, value) ? 1 : 0;
    private static final Update COMPARE_AND_EXCHANGE =
        (at, expected, value) -> UnsafeApi.compareAndExchangeLong(null, at, expected, value);

    SpaceOrderedLongs(final SpaceTable table, final SpaceFaults faults, final Cpus cpus) {
        super(table, faults, cpus);
    }

    /**
     * @param address of the value.
     * @param value to store.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final void putLongVolatile(final long address, final long value) {
        putLongVolatile(null, address, value);
    }

    /**
     * @param hint the slot that the caller occupies; another one, or null, is as none.
     * @param address of the value.
     * @param value to store.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final void putLongVolatile(final Cpu hint, final long address, final long value) {
        update(hint, whole(address, Long.BYTES), VOLATILE, value, 0);
    }

    /**
     * @param address of the value.
     * @param value to store.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final void putLongRelease(final long address, final long value) {
        putLongRelease(null, address, value);
    }

    /**
     * @param hint the slot that the caller occupies; another one, or null, is as none.
     * @param address of the value.
     * @param value to store.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final void putLongRelease(final Cpu hint, final long address, final long value) {
        update(hint, whole(address, Long.BYTES), RELEASE, value, 0);
    }

    /**
     * @param address of the value.
     * @param value to store.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final void putLongOpaque(final long address, final long value) {
        putLongOpaque(null, address, value);
    }

    /**
     * @param hint the slot that the caller occupies; another one, or null, is as none.
     * @param address of the value.
     * @param value to store.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final void putLongOpaque(final Cpu hint, final long address, final long value) {
        update(hint, whole(address, Long.BYTES), OPAQUE, value, 0);
    }

    /**
     * Atomically, with the effects of a volatile read and write.
     *
     * @param address of the value.
     * @param delta to add.
     * @return the value before.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final long getAndAddLong(final long address, final long delta) {
        return getAndAddLong(null, address, delta);
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
    public final long getAndAddLong(final Cpu hint, final long address, final long delta) {
        return update(hint, whole(address, Long.BYTES), ADD, delta, 0);
    }

    /**
     * Atomically, with the effects of a volatile read and write.
     *
     * @param address of the value.
     * @param value to store.
     * @return the value before.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final long getAndSetLong(final long address, final long value) {
        return getAndSetLong(null, address, value);
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
    public final long getAndSetLong(final Cpu hint, final long address, final long value) {
        return update(hint, whole(address, Long.BYTES), SET, value, 0);
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
    public final boolean compareAndSetLong(final long address, final long expected, final long value) {
        return compareAndSetLong(null, address, expected, value);
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
    public final boolean compareAndSetLong(final Cpu hint, final long address, final long expected, final long value) {
        return update(hint, whole(address, Long.BYTES), COMPARE_AND_SET, expected, value) != 0;
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
    public final long compareAndExchangeLong(final long address, final long expected, final long value) {
        return compareAndExchangeLong(null, address, expected, value);
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
    public final long compareAndExchangeLong(final Cpu hint, final long address, final long expected, final long value) {
        return update(hint, whole(address, Long.BYTES), COMPARE_AND_EXCHANGE, expected, value);
    }
}
