package org.vellum.mmu;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.util.Objects;
import org.agrona.BufferUtil;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.vellum.cpu.Cpus;
import org.vellum.frame.PhysicalMemory;

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
 * {@link Cpus#enter()}. Between two memories they go through an array of their own, and where the other buffer expands, that
 * allocates. Nothing else here blocks or allocates. All methods may be called by any thread.
 */
public final class MappedAccess extends OrderedAccess {
    private final BulkCopy bulk;

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
     * @param memory the linear map, below the window; always writable; what its tags mean {@link LinearTags} knows.
     * @param cpus whose sections protect bulk operations.
     */
    public MappedAccess(final PageTable table, final PhysicalMemory memory, final Cpus cpus) {
        super(table, memory);
        bulk = new BulkCopy(this, cpus);
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
        } else if (target instanceof ScatteredBuffer) {
            bulk.require(address, length, false);
            HeapPieces.copy(length, (done, between, bytes) -> {
                getBytes(address + done, between, 0, bytes);
                target.putBytes(index + (int)done, between, 0, bytes);
            });
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
        } else if (source instanceof ScatteredBuffer) {
            bulk.require(address, length, true);
            HeapPieces.copy(length, (done, between, bytes) -> {
                source.getBytes(index + (int)done, between, 0, bytes);
                putBytes(address + done, between, 0, bytes);
            });
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
            bulk.require(address, length, true);
            other.bulk.require(source, length, false);
            HeapPieces.copy(length, (done, between, bytes) -> {
                other.bulk.get(source + done, between, BufferUtil.ARRAY_BASE_OFFSET, bytes);
                bulk.put(address + done, between, BufferUtil.ARRAY_BASE_OFFSET, bytes);
            });
        }
    }

    static byte[] arrayOf(final ByteBuffer buffer) {
        return buffer.isDirect() ? null : BufferUtil.array(buffer);
    }

    static long baseOf(final ByteBuffer buffer) {
        return buffer.isDirect() ? BufferUtil.address(buffer)
            : BufferUtil.ARRAY_BASE_OFFSET + BufferUtil.arrayOffset(buffer);
    }
}
