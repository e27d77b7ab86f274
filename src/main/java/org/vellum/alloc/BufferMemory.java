package org.vellum.alloc;

import java.nio.ByteBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.vellum.vmap.VmapBuffer;

/**
 * What an {@link OffHeapBuffer} needs of an allocator. Sizes and alignments are in bytes, addresses are Vellum addresses.
 *
 * <p>Thread safety: any thread, for any memory; not concurrently for the same memory.
 */
interface BufferMemory {
    /** What every address is a multiple of, in bytes, also after {@link #reallocate}, which knows of no more. */
    int MIN_ALIGNMENT = 8;

    /**
     * @param size at least 1.
     * @param alignment a power of two.
     * @param zeroed whether the content is to be zero, else it is undefined.
     * @return the address of the first byte.
     * @throws IllegalArgumentException if the size or the alignment is out of range.
     * @throws org.vellum.report.ExhaustedException if memory has run out.
     */
    long allocate(long size, long alignment, boolean zeroed);

    /** @param address of live memory, which may be another's at once. */
    void free(long address);

    /**
     * Changes the size; the content up to the smaller size stays, what is added is undefined. If it throws, nothing has changed.
     *
     * @param address of live memory.
     * @param size at least 1.
     * @return the address of the first byte; if it is another than before, the memory before is free.
     * @throws org.vellum.report.ExhaustedException if memory has run out.
     */
    long reallocate(long address, long size);

    /**
     * @param address of live memory.
     * @return whether it is one piece of native memory, else its pages lie anywhere.
     */
    boolean isContiguous(long address);

    /**
     * @param address of live contiguous memory.
     * @param length at most its size.
     * @param buffer to be wrapped around it; keeps its bank alive.
     */
    void wrap(long address, int length, UnsafeBuffer buffer);

    /**
     * @param address of live scattered memory.
     * @param length at most its size.
     * @return a new view.
     */
    VmapBuffer view(long address, int length);

    /**
     * @param address of live contiguous memory.
     * @param length at most its size.
     * @return a new slice of its bank, which it keeps alive.
     */
    ByteBuffer byteBuffer(long address, int length);
}
