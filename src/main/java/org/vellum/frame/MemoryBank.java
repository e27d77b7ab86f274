package org.vellum.frame;

import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;
import org.agrona.UnsafeApi;
import org.agrona.concurrent.UnsafeBuffer;
import org.vellum.mem.Pages;

/**
 * A power of two of frames that come and go together: one direct buffer, page-aligned, with one Agrona buffer over it.
 *
 * <p>Views handed out by {@link #buffer()} and {@link #slice} are real buffers: the collector keeps the memory while
 * one of them is reachable, so a bank that was ever exported is never released natively, only dropped.
 */
public final class MemoryBank {
    /** Bits of {@link #status}: exported is set by whoever takes a view, released by whoever gives the bank back. */
    private static final int EXPORTED = 1;
    private static final int RELEASED = 2;

    private final int number;
    private final int order;
    private final ByteBuffer original;
    private final ByteBuffer aligned;
    private final UnsafeBuffer buffer;

    /** One word, so that "export" and "release natively" cannot both succeed: whichever CAS comes first decides. */
    private final AtomicInteger status = new AtomicInteger();

    /**
     * @param number of the bank, from 1.
     * @param order log2 of its frames.
     * @throws OutOfMemoryError if the JVM's direct memory is exhausted.
     */
    MemoryBank(final int number, final int order) {
        final int bytes = Pages.SIZE << order;
        this.number = number;
        this.order = order;
        // Sliced by hand: only the original can be released natively, and Agrona's aligned allocation hides it.
        original = ByteBuffer.allocateDirect(bytes + Pages.SIZE);
        final int skip = (int)-new UnsafeBuffer(original).addressOffset() & Pages.OFFSET_MASK;
        aligned = original.slice(skip, bytes);
        buffer = new UnsafeBuffer(aligned);
        assert (nativeBase() & Pages.OFFSET_MASK) == 0 : "base=" + Long.toHexString(nativeBase());
    }

    /** @return the number of this bank, from 1; its linear addresses begin at number × bytes of a bank. */
    public int number() {
        return number;
    }

    /** @return the native address of its first byte, page-aligned; not to be used once the bank is released. */
    public long nativeBase() {
        return buffer.addressOffset();
    }

    /** @return the number of its first frame. */
    public long firstFrame() {
        return (long)number << order;
    }

    /** @return how many frames it has. */
    public long frames() {
        return 1L << order;
    }

    /**
     * The bank as one large Agrona buffer. Marks it exported for good: its memory then lives as long as any view.
     *
     * @return the buffer, the same each time; whoever uses it answers for the frames it writes to.
     * @throws IllegalStateException if the bank has been released.
     */
    public UnsafeBuffer buffer() {
        export();
        return buffer;
    }

    /**
     * A part of the bank as a buffer of its own. Marks the bank exported for good.
     *
     * @param offset of the first byte within the bank.
     * @param length in bytes.
     * @return a new slice, big-endian as all new byte buffers.
     * @throws IndexOutOfBoundsException if it would reach beyond the bank.
     * @throws IllegalStateException if the bank has been released.
     */
    public ByteBuffer slice(final int offset, final int length) {
        final ByteBuffer slice = aligned.slice(offset, length);
        export();
        return slice;
    }

    /** @return whether a view was ever handed out. */
    public boolean exported() {
        return (status.get() & EXPORTED) != 0;
    }

    private void export() {
        int seen = status.get();
        while (seen != EXPORTED) {
            if ((seen & RELEASED) != 0) {
                throw new IllegalStateException("bank=" + number + " has been released");
            }
            // CAS: partner of the one in release().
            seen = status.compareAndSet(seen, EXPORTED) ? EXPORTED : status.get();
        }
    }

    /**
     * Gives the memory back: at once if no view was ever handed out, else when the collector finds none.
     *
     * @return whether it was given back at once.
     */
    boolean release() {
        // CAS: partner of the one in export(): from here on no view can be taken.
        if (status.compareAndSet(0, RELEASED)) {
            UnsafeApi.invokeCleaner(original);
            return true;
        }
        status.compareAndSet(EXPORTED, EXPORTED | RELEASED);
        return false;
    }

    @Override
    public String toString() {
        return "MemoryBank[" + number + "]";
    }
}
