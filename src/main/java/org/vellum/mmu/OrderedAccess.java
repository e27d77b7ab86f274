package org.vellum.mmu;

import org.agrona.UnsafeApi;
import org.vellum.frame.PhysicalMemory;

/**
 * Volatile, acquire, release, opaque and read-modify-write access by Vellum address. Across a page it is refused: two pages cannot
 * be changed as one. Misaligned within a page it does what the processor does.
 */
abstract class OrderedAccess extends PlainAccess {
    OrderedAccess(final PageTable table, final PhysicalMemory memory) {
        super(table, memory);
    }

    private long readableWhole(final long address, final int width) {
        if (crosses(address, width)) {
            throw CrossPage.refuse(address, width);
        }
        return readable(address);
    }

    private long writableWhole(final long address, final int width) {
        if (crosses(address, width)) {
            throw CrossPage.refuse(address, width);
        }
        return writable(address);
    }

    /**
     * @param address Vellum address of the value.
     * @return the value.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final int getIntVolatile(final long address) {
        return UnsafeApi.getIntVolatile(null, readableWhole(address, Integer.BYTES));
    }

    /**
     * @param address Vellum address of the value.
     * @return the value.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final int getIntAcquire(final long address) {
        return UnsafeApi.getIntAcquire(null, readableWhole(address, Integer.BYTES));
    }

    /**
     * @param address Vellum address of the value.
     * @return the value.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final int getIntOpaque(final long address) {
        return UnsafeApi.getIntOpaque(null, readableWhole(address, Integer.BYTES));
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final void putIntVolatile(final long address, final int value) {
        UnsafeApi.putIntVolatile(null, writableWhole(address, Integer.BYTES), value);
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final void putIntRelease(final long address, final int value) {
        UnsafeApi.putIntRelease(null, writableWhole(address, Integer.BYTES), value);
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final void putIntOpaque(final long address, final int value) {
        UnsafeApi.putIntOpaque(null, writableWhole(address, Integer.BYTES), value);
    }

    /**
     * Atomically, with the effects of a volatile read and write.
     *
     * @param address Vellum address of the value.
     * @param delta to add.
     * @return the value before.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final int getAndAddInt(final long address, final int delta) {
        return UnsafeApi.getAndAddInt(null, writableWhole(address, Integer.BYTES), delta);
    }

    /**
     * Atomically, with the effects of a volatile read and write.
     *
     * @param address Vellum address of the value.
     * @param value to store.
     * @return the value before.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final int getAndSetInt(final long address, final int value) {
        return UnsafeApi.getAndSetInt(null, writableWhole(address, Integer.BYTES), value);
    }

    /**
     * Atomically, with the effects of a volatile read and write.
     *
     * @param address Vellum address of the value.
     * @param expected the value it must have.
     * @param value to store then.
     * @return whether it was stored.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final boolean compareAndSetInt(final long address, final int expected, final int value) {
        return UnsafeApi.compareAndSetInt(null, writableWhole(address, Integer.BYTES), expected, value);
    }

    /**
     * @param address Vellum address of the value.
     * @return the value.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final long getLongVolatile(final long address) {
        return UnsafeApi.getLongVolatile(null, readableWhole(address, Long.BYTES));
    }

    /**
     * @param address Vellum address of the value.
     * @return the value.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final long getLongAcquire(final long address) {
        return UnsafeApi.getLongAcquire(null, readableWhole(address, Long.BYTES));
    }

    /**
     * @param address Vellum address of the value.
     * @return the value.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final long getLongOpaque(final long address) {
        return UnsafeApi.getLongOpaque(null, readableWhole(address, Long.BYTES));
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final void putLongVolatile(final long address, final long value) {
        UnsafeApi.putLongVolatile(null, writableWhole(address, Long.BYTES), value);
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final void putLongRelease(final long address, final long value) {
        UnsafeApi.putLongRelease(null, writableWhole(address, Long.BYTES), value);
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final void putLongOpaque(final long address, final long value) {
        UnsafeApi.putLongOpaque(null, writableWhole(address, Long.BYTES), value);
    }

    /**
     * Atomically, with the effects of a volatile read and write.
     *
     * @param address Vellum address of the value.
     * @param delta to add.
     * @return the value before.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final long getAndAddLong(final long address, final long delta) {
        return UnsafeApi.getAndAddLong(null, writableWhole(address, Long.BYTES), delta);
    }

    /**
     * Atomically, with the effects of a volatile read and write.
     *
     * @param address Vellum address of the value.
     * @param value to store.
     * @return the value before.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final long getAndSetLong(final long address, final long value) {
        return UnsafeApi.getAndSetLong(null, writableWhole(address, Long.BYTES), value);
    }

    /**
     * Atomically, with the effects of a volatile read and write.
     *
     * @param address Vellum address of the value.
     * @param expected the value it must have.
     * @param value to store then.
     * @return whether it was stored.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public final boolean compareAndSetLong(final long address, final long expected, final long value) {
        return UnsafeApi.compareAndSetLong(null, writableWhole(address, Long.BYTES), expected, value);
    }
}
