package org.vellum.mmu;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.ReadOnlyBufferException;
import java.util.Objects;
import org.agrona.BufferUtil;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpus;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mem.Pages;

/**
 * Typed access by Vellum address, of the window or of the linear map: any range, beyond 2 GiB too, and no object a range.
 *
 * <p>Each access translates its address and checks it: that it is mapped, that its tag is of the generation mapped there,
 * and for a store, that the page is writable. Otherwise it throws a {@link org.vellum.report.PageFaultException} and changes nothing.
 * Checked against what was unmapped before it began; an access <em>in flight</em> while another thread unmaps needs a section
 * around it, of the caller.
 *
 * <p>Values may begin in one page and end in the next, for every width and order; they are not atomic then, and volatile,
 * acquire, release, opaque and read-modify-write access across a page is an {@link IllegalArgumentException}. Not crossing but
 * misaligned, they do what the processor does. Lengths and order are as in Agrona's buffers: native, unless said.
 *
 * <p>Bulk operations open sections of at most 1 MiB themselves, so they may wait for a slot where the caller is in none; see
 * {@link Cpus#enter()}. Nothing else here blocks or allocates. All methods may be called by any thread.
 */
public final class MappedAccess {
    private static final ByteOrder NATIVE = ByteOrder.nativeOrder();

    private final PageTable table;
    private final PhysicalMemory memory;
    private final BulkCopy bulk;
    private final PageTable.Elsewhere linear = this::linear;

    /** Takes the runs of a range. */
    @FunctionalInterface
    public interface RunConsumer {
        /**
         * @param nativeAddress of the first byte; valid until this method returns.
         * @param length bytes from there, 1 to 1 MiB.
         */
        void accept(long nativeAddress, int length);
    }

    /**
     * @param table the window.
     * @param memory the linear map, below the window; always writable, and its addresses bear no tag.
     * @param cpus whose sections protect bulk operations.
     */
    public MappedAccess(final PageTable table, final PhysicalMemory memory, final Cpus cpus) {
        if (memory.physEnd() > table.start()) {
            throw new IllegalArgumentException("physEnd=" + memory.physEnd() + " windowStart=" + table.start());
        }
        this.table = table;
        this.memory = memory;
        bulk = new BulkCopy(this, cpus);
    }

    PageTable table() {
        return table;
    }

    /**
     * Translates for a load. What is returned is valid to the end of the page, until the caller's section ends or while it owns
     * the mapping.
     *
     * @param address a Vellum address, tag included.
     * @return the native address.
     * @throws org.vellum.report.PageFaultException if it is not mapped or the tag is of another generation.
     */
    public long readable(final long address) {
        // The window first: it is the hot case.
        return table.readable(address, linear);
    }

    /**
     * Translates for a store. What is returned is valid to the end of the page, until the caller's section ends or while it owns
     * the mapping.
     *
     * @param address a Vellum address, tag included.
     * @return the native address.
     * @throws org.vellum.report.PageFaultException if it is not mapped, not writable, or of another generation.
     */
    public long writable(final long address) {
        return table.writable(address, linear);
    }

    long translate(final long address, final boolean write) {
        return write ? writable(address) : readable(address);
    }

    private long linear(final long address, final boolean write) {
        // A tagged address is far above the linear map: it is not found there.
        final long translated = memory.nativeAddressOrZero(address);
        if (translated == 0) {
            throw table.fault(address, write);
        }
        return translated;
    }

    private static boolean crosses(final long address, final int width) {
        return (address & Pages.OFFSET_MASK) > Pages.SIZE - width;
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
     */
    public byte getByte(final long address) {
        return UnsafeApi.getByte(readable(address));
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     */
    public void putByte(final long address, final byte value) {
        UnsafeApi.putByte(writable(address), value);
    }

    /**
     * @param address Vellum address of the value.
     * @return the value.
     */
    public short getShort(final long address) {
        return crosses(address, Short.BYTES)
            ? (short)CrossPage.get(this, address, Short.BYTES) : UnsafeApi.getShort(readable(address));
    }

    /**
     * @param address Vellum address of the value.
     * @param order of its bytes.
     * @return the value.
     */
    public short getShort(final long address, final ByteOrder order) {
        final short value = getShort(address);
        return order == NATIVE ? value : Short.reverseBytes(value);
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     */
    public void putShort(final long address, final short value) {
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
    public void putShort(final long address, final short value, final ByteOrder order) {
        putShort(address, order == NATIVE ? value : Short.reverseBytes(value));
    }

    /**
     * @param address Vellum address of the value.
     * @return the value.
     */
    public char getChar(final long address) {
        return crosses(address, Character.BYTES)
            ? (char)CrossPage.get(this, address, Character.BYTES) : UnsafeApi.getChar(readable(address));
    }

    /**
     * @param address Vellum address of the value.
     * @param order of its bytes.
     * @return the value.
     */
    public char getChar(final long address, final ByteOrder order) {
        final char value = getChar(address);
        return order == NATIVE ? value : Character.reverseBytes(value);
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     */
    public void putChar(final long address, final char value) {
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
    public void putChar(final long address, final char value, final ByteOrder order) {
        putChar(address, order == NATIVE ? value : Character.reverseBytes(value));
    }

    /**
     * @param address Vellum address of the value.
     * @return the value.
     */
    public int getInt(final long address) {
        return crosses(address, Integer.BYTES)
            ? (int)CrossPage.get(this, address, Integer.BYTES) : UnsafeApi.getInt(readable(address));
    }

    /**
     * @param address Vellum address of the value.
     * @param order of its bytes.
     * @return the value.
     */
    public int getInt(final long address, final ByteOrder order) {
        final int value = getInt(address);
        return order == NATIVE ? value : Integer.reverseBytes(value);
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     */
    public void putInt(final long address, final int value) {
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
    public void putInt(final long address, final int value, final ByteOrder order) {
        putInt(address, order == NATIVE ? value : Integer.reverseBytes(value));
    }

    /**
     * @param address Vellum address of the value.
     * @return the value.
     */
    public long getLong(final long address) {
        return crosses(address, Long.BYTES)
            ? CrossPage.get(this, address, Long.BYTES) : UnsafeApi.getLong(readable(address));
    }

    /**
     * @param address Vellum address of the value.
     * @param order of its bytes.
     * @return the value.
     */
    public long getLong(final long address, final ByteOrder order) {
        final long value = getLong(address);
        return order == NATIVE ? value : Long.reverseBytes(value);
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     */
    public void putLong(final long address, final long value) {
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
    public void putLong(final long address, final long value, final ByteOrder order) {
        putLong(address, order == NATIVE ? value : Long.reverseBytes(value));
    }

    /**
     * @param address Vellum address of the value.
     * @return the value.
     */
    public float getFloat(final long address) {
        return Float.intBitsToFloat(getInt(address));
    }

    /**
     * @param address Vellum address of the value.
     * @param order of its bytes.
     * @return the value.
     */
    public float getFloat(final long address, final ByteOrder order) {
        return Float.intBitsToFloat(getInt(address, order));
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     */
    public void putFloat(final long address, final float value) {
        putInt(address, Float.floatToRawIntBits(value));
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     * @param order of its bytes.
     */
    public void putFloat(final long address, final float value, final ByteOrder order) {
        putInt(address, Float.floatToRawIntBits(value), order);
    }

    /**
     * @param address Vellum address of the value.
     * @return the value.
     */
    public double getDouble(final long address) {
        return Double.longBitsToDouble(getLong(address));
    }

    /**
     * @param address Vellum address of the value.
     * @param order of its bytes.
     * @return the value.
     */
    public double getDouble(final long address, final ByteOrder order) {
        return Double.longBitsToDouble(getLong(address, order));
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     */
    public void putDouble(final long address, final double value) {
        putLong(address, Double.doubleToRawLongBits(value));
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     * @param order of its bytes.
     */
    public void putDouble(final long address, final double value, final ByteOrder order) {
        putLong(address, Double.doubleToRawLongBits(value), order);
    }

    /**
     * @param address Vellum address of the value.
     * @return the value.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public int getIntVolatile(final long address) {
        return UnsafeApi.getIntVolatile(null, readableWhole(address, Integer.BYTES));
    }

    /**
     * @param address Vellum address of the value.
     * @return the value.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public int getIntAcquire(final long address) {
        return UnsafeApi.getIntAcquire(null, readableWhole(address, Integer.BYTES));
    }

    /**
     * @param address Vellum address of the value.
     * @return the value.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public int getIntOpaque(final long address) {
        return UnsafeApi.getIntOpaque(null, readableWhole(address, Integer.BYTES));
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public void putIntVolatile(final long address, final int value) {
        UnsafeApi.putIntVolatile(null, writableWhole(address, Integer.BYTES), value);
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public void putIntRelease(final long address, final int value) {
        UnsafeApi.putIntRelease(null, writableWhole(address, Integer.BYTES), value);
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public void putIntOpaque(final long address, final int value) {
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
    public int getAndAddInt(final long address, final int delta) {
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
    public int getAndSetInt(final long address, final int value) {
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
    public boolean compareAndSetInt(final long address, final int expected, final int value) {
        return UnsafeApi.compareAndSetInt(null, writableWhole(address, Integer.BYTES), expected, value);
    }

    /**
     * @param address Vellum address of the value.
     * @return the value.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public long getLongVolatile(final long address) {
        return UnsafeApi.getLongVolatile(null, readableWhole(address, Long.BYTES));
    }

    /**
     * @param address Vellum address of the value.
     * @return the value.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public long getLongAcquire(final long address) {
        return UnsafeApi.getLongAcquire(null, readableWhole(address, Long.BYTES));
    }

    /**
     * @param address Vellum address of the value.
     * @return the value.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public long getLongOpaque(final long address) {
        return UnsafeApi.getLongOpaque(null, readableWhole(address, Long.BYTES));
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public void putLongVolatile(final long address, final long value) {
        UnsafeApi.putLongVolatile(null, writableWhole(address, Long.BYTES), value);
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public void putLongRelease(final long address, final long value) {
        UnsafeApi.putLongRelease(null, writableWhole(address, Long.BYTES), value);
    }

    /**
     * @param address Vellum address of the value.
     * @param value to store.
     * @throws IllegalArgumentException if it crosses a page.
     */
    public void putLongOpaque(final long address, final long value) {
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
    public long getAndAddLong(final long address, final long delta) {
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
    public long getAndSetLong(final long address, final long value) {
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
    public boolean compareAndSetLong(final long address, final long expected, final long value) {
        return UnsafeApi.compareAndSetLong(null, writableWhole(address, Long.BYTES), expected, value);
    }

    /**
     * @param address Vellum address of the first byte.
     * @param target to copy to.
     * @param offset in {@code target}, in bytes.
     * @param length in bytes.
     */
    public void getBytes(final long address, final byte[] target, final int offset, final int length) {
        Objects.checkFromIndexSize(offset, length, target.length);
        bulk.get(address, target, BufferUtil.ARRAY_BASE_OFFSET + offset, length);
    }

    /**
     * @param address Vellum address of the first byte.
     * @param target to copy to; may be a mapped view. If it is expandable, it expands.
     * @param index in {@code target}.
     * @param length in bytes.
     */
    public void getBytes(final long address, final MutableDirectBuffer target, final int index, final int length) {
        if (target instanceof MappedRange view) {
            view.boundsCheck(index, length);
            view.access().copyFrom(view.address() + index, this, address, length);
        } else {
            bulk.require(address, length, false);
            if (target.isExpandable()) {
                target.setMemory(index, length, (byte)0);
            } else if (DirectBuffer.SHOULD_BOUNDS_CHECK) {
                target.boundsCheck(index, length);
            }
            bulk.get(address, target.byteArray(), target.addressOffset() + index, length);
            Reference.reachabilityFence(target);
        }
    }

    /**
     * @param address Vellum address of the first byte.
     * @param target to copy to, heap or direct; its position and limit stay as they are.
     * @param offset in {@code target}, in bytes from its start.
     * @param length in bytes.
     */
    public void getBytes(final long address, final ByteBuffer target, final int offset, final int length) {
        Objects.checkFromIndexSize(offset, length, target.capacity());
        if (target.isReadOnly()) {
            throw new ReadOnlyBufferException();
        }
        bulk.get(address, arrayOf(target), baseOf(target) + offset, length);
        Reference.reachabilityFence(target);
    }

    /**
     * @param address Vellum address of the first byte.
     * @param source to copy from.
     * @param offset in {@code source}, in bytes.
     * @param length in bytes.
     */
    public void putBytes(final long address, final byte[] source, final int offset, final int length) {
        Objects.checkFromIndexSize(offset, length, source.length);
        bulk.put(address, source, BufferUtil.ARRAY_BASE_OFFSET + offset, length);
    }

    /**
     * @param address Vellum address of the first byte.
     * @param source to copy from; may be a mapped view.
     * @param index in {@code source}.
     * @param length in bytes.
     */
    public void putBytes(final long address, final DirectBuffer source, final int index, final int length) {
        if (DirectBuffer.SHOULD_BOUNDS_CHECK) {
            source.boundsCheck(index, length);
        }
        if (source instanceof MappedRange view) {
            copyFrom(address, view.access(), view.address() + index, length);
        } else {
            bulk.put(address, source.byteArray(), source.addressOffset() + index, length);
            Reference.reachabilityFence(source);
        }
    }

    /**
     * @param address Vellum address of the first byte.
     * @param source to copy from, heap or direct; its position and limit stay as they are.
     * @param offset in {@code source}, in bytes from its start.
     * @param length in bytes.
     */
    public void putBytes(final long address, final ByteBuffer source, final int offset, final int length) {
        Objects.checkFromIndexSize(offset, length, source.capacity());
        bulk.put(address, arrayOf(source), baseOf(source) + offset, length);
        Reference.reachabilityFence(source);
    }

    /**
     * @param address Vellum address of the first byte.
     * @param length in bytes.
     * @param value for each byte.
     */
    public void setMemory(final long address, final long length, final byte value) {
        bulk.set(address, length, value);
    }

    /**
     * Copies between mapped ranges. They may overlap: what arrives is what the source held before. (Only by address: where two
     * addresses map one frame, the order of the bytes' moves is not defined.)
     *
     * @param source Vellum address of the first byte to read.
     * @param target Vellum address of the first byte to write.
     * @param length in bytes.
     */
    public void copyMemory(final long source, final long target, final long length) {
        bulk.copy(source, target, length);
    }

    /**
     * Hands out a range as native memory, run by run, each in a section: for checksums and I/O without a copy.
     *
     * @param address Vellum address of the first byte.
     * @param length in bytes.
     * @param consumer takes each run; it may read, and must not wait.
     */
    public void forEachRun(final long address, final long length, final RunConsumer consumer) {
        bulk.forEachRun(address, length, consumer);
    }

    /**
     * Translates every page of a range for stores, so that several stores can be all or nothing.
     *
     * @param address Vellum address of the first byte.
     * @param length in bytes.
     * @throws org.vellum.report.PageFaultException at the first byte that cannot be stored to.
     */
    public void requireWritable(final long address, final long length) {
        bulk.require(address, length, true);
    }

    private void copyFrom(final long address, final MappedAccess other, final long source, final int length) {
        if (other == this) {
            bulk.copy(source, address, length);
        } else {
            // Two memories: their addresses do not compare, but neither do their frames overlap.
            bulk.require(address, length, true);
            final long[] done = {address};
            other.forEachRun(source, length, (run, bytes) -> {
                bulk.put(done[0], null, run, bytes);
                done[0] += bytes;
            });
        }
    }

    private static byte[] arrayOf(final ByteBuffer buffer) {
        return buffer.isDirect() ? null : BufferUtil.array(buffer);
    }

    private static long baseOf(final ByteBuffer buffer) {
        return buffer.isDirect() ? BufferUtil.address(buffer)
            : BufferUtil.ARRAY_BASE_OFFSET + BufferUtil.arrayOffset(buffer);
    }
}
