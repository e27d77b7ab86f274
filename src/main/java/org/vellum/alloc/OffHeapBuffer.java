package org.vellum.alloc;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import org.agrona.concurrent.AtomicBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.vellum.vmap.VmapBuffer;

/**
 * Off-heap memory as an Agrona buffer that owns it: allocated with the buffer, freed by {@link #close()}.
 *
 * <p>Its {@link #capacity()} is what was asked for, to the byte. Where the memory is contiguous, it does what {@code UnsafeBuffer} does, at
 * its speed, and gives itself out as a {@link #byteBuffer()}, and as a native address to whoever wraps it. Where it is scattered,
 * it does what a {@link VmapBuffer} does, checks and limits included. Access makes no garbage. Closed, every method throws {@link
 * IllegalStateException}, but for {@link #close()}, {@link #equals} and {@link #toString()}.
 *
 * <p>It does not expand by itself ({@link #isExpandable()} is false): to grow may move the memory, under those who have wrapped the buffer
 * or took its byte buffer, so only the owner can know when that is right, and says so by {@link #resize(int)}.
 *
 * <p>A buffer that becomes unreachable without being closed leaks its memory.
 *
 * <h2>Threads</h2>
 * Access is as thread-safe as {@code UnsafeBuffer}'s: any thread, ordered by the ordered methods. The buffer itself is to be handed to
 * other threads safely: by a final or volatile field, a queue, a thread's start.
 *
 * <p>{@link #close()} may be called by any threads, even at once: exactly one frees. It does not wait for anybody, and
 * <b>access by another thread must be ordered with it by the user</b>: a join, a lock, a hand-over through a queue, a count
 * of users. What is ordered after the close throws. What is not may throw, and may as well reach memory that has become
 * another's; a loop may never see the close. Nothing that it does reaches outside this memory, and scattered memory faults. A section
 * around the access helps for scattered memory only, whose frames wait for a grace period in any case: contiguous memory may be
 * allocated again at once. The same goes for {@link #resize(int)}, and for all that was made of the buffer: byte
 * buffers, and buffers that wrap it.
 */
public final class OffHeapBuffer extends TextDelegate implements AutoCloseable {
    private static final int OPEN = 0;
    private static final int RESIZING = 1;
    private static final int CLOSED = 2;
    private static final VarHandle STATE;
    private static final VarHandle BYTE_BUFFER;

    static {
        try {
            final MethodHandles.Lookup lookup = MethodHandles.lookup();
            STATE = lookup.findVarHandle(OffHeapBuffer.class, "state", int.class);
            BYTE_BUFFER = lookup.findVarHandle(OffHeapBuffer.class, "byteBuffer", ByteBuffer.class);
        } catch (final ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final BufferMemory memory;
    private final long alignment;
    private long address;
    /**
     * Who may free or move the memory: whoever takes it from OPEN. Changed only by {@link #STATE}: compare-and-set from OPEN in close and
     * in resize, which are each other's partners, release back to OPEN at the end of a resize, for the next of either.
     */
    private int state;
    /** Made when first asked for, the same for all until a resize. Read (acquire) and set (compare-and-exchange) in byteBuffer. */
    private ByteBuffer byteBuffer;

    /**
     * Allocates.
     *
     * @param memory where from, and where back to.
     * @param capacity in bytes, at least 1.
     * @param alignment in bytes, a power of two; kept by every resize.
     * @param zeroed whether the content is to be zero, else it is undefined.
     * @throws IllegalArgumentException if the capacity or the alignment is out of range.
     * @throws org.vellum.report.ExhaustedException if memory has run out.
     */
    OffHeapBuffer(final BufferMemory memory, final int capacity, final long alignment, final boolean zeroed) {
        this.memory = memory;
        this.alignment = alignment;
        requirePositive(capacity);
        address = memory.allocate(capacity, alignment, zeroed);
        retarget(coverOrFree(address, capacity));
    }

    private static void requirePositive(final int capacity) {
        if (capacity <= 0) {
            throw new IllegalArgumentException("capacity=" + capacity);
        }
    }

    /** Memory that cannot be looked at, the heap being full, say, is nobody's: it goes back. */
    private AtomicBuffer coverOrFree(final long start, final int length) {
        AtomicBuffer cover = null;
        try {
            cover = cover(start, length);
            return cover;
        } finally {
            if (cover == null) {
                memory.free(start);
            }
        }
    }

    private AtomicBuffer cover(final long start, final int length) {
        if (!memory.isContiguous(start)) {
            return memory.view(start, length);
        }
        final UnsafeBuffer buffer = new UnsafeBuffer();
        memory.wrap(start, length, buffer);
        return buffer;
    }

    /**
     * Frees the memory. Closed already, by this thread or another: nothing to do.
     *
     * @throws IllegalStateException if another thread is resizing the buffer: it stays open; or if the manager that the memory is of
     *                               is closed, and the memory gone with it.
     */
    @Override
    public void close() {
        final int seen = (int)STATE.compareAndExchange(this, OPEN, CLOSED);
        if (seen == OPEN) {
            retarget(null);
            byteBuffer = null;
            memory.free(address);
        } else if (seen == RESIZING) {
            throw resizing();
        }
    }

    private static IllegalStateException resizing() {
        return new IllegalStateException("the buffer is being resized");
    }

    /**
     * {@link #resize(int, boolean)} without zeroing: what is added is undefined.
     *
     * @param newCapacity in bytes, at least 1.
     * @throws IllegalArgumentException if {@code newCapacity <= 0}.
     * @throws IllegalStateException if the buffer is closed, or being resized.
     * @throws org.vellum.report.ExhaustedException if memory has run out.
     */
    public void resize(final int newCapacity) {
        resize(newCapacity, false);
    }

    /**
     * Changes the capacity; the content up to the smaller capacity stays. The memory stays in place or moves, may become contiguous or
     * scattered, and byte buffers and buffers that wrap this one are to be made anew. If it throws, nothing has changed. (Only an error
     * of the JVM's in the middle, its heap being full, closes a buffer whose memory has moved by then.)
     *
     * @param newCapacity in bytes, at least 1.
     * @param zeroed whether what is added is to be zero, else it is undefined.
     * @throws IllegalArgumentException if {@code newCapacity <= 0}.
     * @throws IllegalStateException if the buffer is closed, or being resized.
     * @throws org.vellum.report.ExhaustedException if memory has run out.
     */
    public void resize(final int newCapacity, final boolean zeroed) {
        requirePositive(newCapacity);
        final int seen = (int)STATE.compareAndExchange(this, OPEN, RESIZING);
        if (seen != OPEN) {
            throw seen == CLOSED ? closed() : resizing();
        }
        try {
            final int before = capacity();
            if (newCapacity != before) {
                move(newCapacity);
                byteBuffer = null;
            }
            if (zeroed && newCapacity > before) {
                setMemory(before, newCapacity - before, (byte)0);
            }
        } finally {
            // Release: partner of the compare-and-exchange in close and resize. Closed if it lost its memory.
            STATE.setRelease(this, targetOrNull() == null ? CLOSED : OPEN);
        }
    }

    private void move(final int newCapacity) {
        if (alignment <= BufferMemory.MIN_ALIGNMENT) {
            address = memory.reallocate(address, newCapacity);
            // What it shows may be another's by now: rather nothing, should the next step fail.
            retarget(null);
            retarget(coverOrFree(address, newCapacity));
        } else {
            moveAligned(newCapacity);
        }
    }

    /** Reallocation knows of no alignment, and what it has moved cannot be had back. */
    private void moveAligned(final int newCapacity) {
        final long moved = memory.allocate(newCapacity, alignment, false);
        final AtomicBuffer cover = coverOrFree(moved, newCapacity);
        getBytes(0, cover, 0, Math.min(capacity(), newCapacity));
        final long before = address;
        address = moved;
        retarget(cover);
        memory.free(before);
    }

    /**
     * @return the Vellum address of index 0, until the next resize.
     * @throws IllegalStateException if the buffer is closed.
     */
    public long address() {
        target();
        return address;
    }

    /**
     * @return whether the memory is one piece of native memory, else its pages lie anywhere.
     * @throws IllegalStateException if the buffer is closed.
     */
    public boolean isContiguous() {
        return target() instanceof UnsafeBuffer;
    }

    // ---- what is behind it

    /**
     * The memory as a byte buffer: the same one each time until a resize, so duplicate it to have a position of one's own. It keeps
     * its bank alive, not its content: after the close that is another's.
     *
     * @return a slice of exactly this memory, big-endian as all new byte buffers are; null if the memory is scattered.
     * @throws IllegalStateException if the buffer is closed.
     */
    @Override
    public ByteBuffer byteBuffer() {
        if (!isContiguous()) {
            return null;
        }
        // Acquire: partner of the compare-and-exchange below, for the fields of a byte buffer are not final.
        final ByteBuffer seen = (ByteBuffer)BYTE_BUFFER.getAcquire(this);
        if (seen != null) {
            return seen;
        }
        final ByteBuffer made = memory.byteBuffer(address, capacity());
        final ByteBuffer other = (ByteBuffer)BYTE_BUFFER.compareAndExchange(this, null, made);
        return other == null ? made : other;
    }

    /**
     * @return null: there is no array behind it.
     * @throws IllegalStateException if the buffer is closed.
     */
    @Override
    public byte[] byteArray() {
        return target().byteArray();
    }

    /**
     * @return the native address of index 0.
     * @throws UnsupportedOperationException if the memory is scattered: it has no one native address.
     * @throws IllegalStateException if the buffer is closed.
     */
    @Override
    public long addressOffset() {
        return target().addressOffset();
    }

    /**
     * @return 0: {@link #byteBuffer()} begins where this does.
     * @throws IllegalStateException if the buffer is closed.
     */
    @Override
    public int wrapAdjustment() {
        target();
        return 0;
    }

    // ---- content

    /** Whether the other is an open OffHeapBuffer too, of the same length and content. A closed one equals only itself. */
    @Override
    public boolean equals(final Object other) {
        if (this == other) {
            return true;
        }
        if (!(other instanceof OffHeapBuffer that)) {
            return false;
        }
        final AtomicBuffer mine = targetOrNull();
        final AtomicBuffer theirs = that.targetOrNull();
        return mine != null && theirs != null && mine.capacity() == theirs.capacity() && compareTo(that) == 0;
    }

    /**
     * @return a hash of the content, the same as that of an {@code UnsafeBuffer} of the same content.
     * @throws IllegalStateException if the buffer is closed.
     */
    @Override
    public int hashCode() {
        return target().hashCode();
    }

    @Override
    public String toString() {
        final AtomicBuffer open = targetOrNull();
        return open == null ? "OffHeapBuffer{closed}" : "OffHeapBuffer{address=0x" + Long.toHexString(address) + ", capacity="
            + open.capacity() + ", contiguous=" + (open instanceof UnsafeBuffer) + '}';
    }
}
