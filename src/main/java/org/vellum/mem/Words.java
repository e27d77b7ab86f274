package org.vellum.mem;

import java.lang.ref.Cleaner;
import java.util.function.Consumer;
import org.agrona.UnsafeApi;

/**
 * A fixed array of 64-bit words in native memory, whose accessors name their memory ordering.
 *
 * <p>The words live as long as this object is reachable; the collector releases them afterwards, so a late reader that
 * still holds the object never touches unmapped memory. Indexes are checked by assertions only: they are computed by
 * Vellum, never handed in by a user.
 *
 * <p>Reserving is cheap and lazy: the operating system backs a page at its first write. {@link #zero} is therefore the
 * moment at which metadata begins to cost memory.
 */
public final class Words {
    private static final Cleaner CLEANER = Cleaner.create();

    /** Told of every reservation; null but in tests that count what an operation writes. */
    static volatile Consumer<Words> observer;

    private final long base;
    private final long length;

    private Words(final long base, final long length) {
        this.base = base;
        this.length = length;
    }

    /**
     * Reserves {@code length} words whose content is undefined, aligned to {@link CacheLine#STRIDE_BYTES}.
     *
     * @param length how many words, at least 1.
     * @return the words.
     * @throws OutOfMemoryError if the C library refuses.
     */
    public static Words reserve(final long length) {
        if (length < 1 || length > Long.MAX_VALUE / 16) {
            throw new IllegalArgumentException("length=" + length);
        }
        final long raw = UnsafeApi.allocateMemory(length * Long.BYTES + CacheLine.STRIDE_BYTES);
        final long base = (raw + CacheLine.STRIDE_BYTES - 1) & -CacheLine.STRIDE_BYTES;
        final Words words = new Words(base, length);
        CLEANER.register(words, () -> UnsafeApi.freeMemory(raw));
        final Consumer<Words> told = observer;
        if (told != null) {
            told.accept(words);
        }
        return words;
    }

    /**
     * Reserves {@code length} words and sets them to zero.
     *
     * @param length how many words, at least 1.
     * @return the words.
     */
    public static Words zeroed(final long length) {
        final Words words = reserve(length);
        words.zero(0, length);
        return words;
    }

    /** @return how many words there are. */
    public long length() {
        return length;
    }

    /**
     * The native address of a word, for code whose inner loop cannot afford the index arithmetic.
     *
     * @param index of the word, up to and including {@link #length()}.
     * @return the address; valid while this object is reachable.
     */
    public long address(final long index) {
        assert index >= 0 && index <= length : "index=" + index + " length=" + length;
        return base + (index << 3);
    }

    /**
     * Sets words to zero with plain stores; the caller publishes them.
     *
     * @param from first word.
     * @param count how many.
     */
    public void zero(final long from, final long count) {
        assert from >= 0 && count >= 0 && from + count <= length : "from=" + from + " count=" + count;
        UnsafeApi.setMemory(base + (from << 3), count << 3, (byte)0);
    }

    public long getPlain(final long index) {
        return UnsafeApi.getLong(checked(index));
    }

    public long getOpaque(final long index) {
        return UnsafeApi.getLongOpaque(null, checked(index));
    }

    public long getAcquire(final long index) {
        return UnsafeApi.getLongAcquire(null, checked(index));
    }

    public long getVolatile(final long index) {
        return UnsafeApi.getLongVolatile(null, checked(index));
    }

    public void putPlain(final long index, final long value) {
        UnsafeApi.putLong(checked(index), value);
    }

    public void putOpaque(final long index, final long value) {
        UnsafeApi.putLongOpaque(null, checked(index), value);
    }

    public void putRelease(final long index, final long value) {
        UnsafeApi.putLongRelease(null, checked(index), value);
    }

    public void putVolatile(final long index, final long value) {
        UnsafeApi.putLongVolatile(null, checked(index), value);
    }

    public boolean compareAndSet(final long index, final long expected, final long value) {
        return UnsafeApi.compareAndSetLong(null, checked(index), expected, value);
    }

    public long getAndAdd(final long index, final long delta) {
        return UnsafeApi.getAndAddLong(null, checked(index), delta);
    }

    public long getAndSet(final long index, final long value) {
        return UnsafeApi.getAndSetLong(null, checked(index), value);
    }

    private long checked(final long index) {
        assert index >= 0 && index < length : "index=" + index + " length=" + length;
        return base + (index << 3);
    }
}
