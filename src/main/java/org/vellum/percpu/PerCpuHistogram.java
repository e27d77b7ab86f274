package org.vellum.percpu;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.vellum.cpu.Cpu;

/**
 * Counts of values, by buckets: each record adds 1 to a bucket of the caller's own copy. For times and sizes that many threads measure
 * all the time, and somebody looks at now and then; with {@link #forEachBucket} what was counted goes into an HdrHistogram, or anywhere:
 * <pre>   histogram.forEachBucket(hdr::recordValueWithCount);</pre>
 *
 * <h2>Buckets</h2>
 * Values below 2<sup>p</sup>, where p is the precision in bits, have buckets of their own. Above, each power of two is cut into
 * 2<sup>p</sup> buckets of equal width: a value is known to one part in 2<sup>p</sup>, and its middle stands for it, which is off by half of
 * that at most.
 *
 * <pre>
 *   p = 2:    0  1  2  3 | 4  5  6  7 | 8-9 10-11 12-13 14-15 | 16-19 20-23 24-27 28-31 | ...
 *   bucket    0  1  2  3   4  5  6  7   8   9     10    11      12    13    14    15
 * </pre>
 * With e = the position of the highest bit of v, from 2<sup>p</sup> on: bucket = (e − p + 1) · 2<sup>p</sup> + the p bits below the highest.
 *
 * <p>Each bucket is 8 bytes on every CPU, all in one allocation. Values beyond the highest are counted in the last bucket.
 *
 * <p>Thread safety: all methods may be called by any thread; none waits. After {@link #close} recording and reading are an
 * {@link IllegalStateException}; it must not be closed while others use it. One that is dropped without being closed keeps its bytes until the
 * memory is closed, which reports them as leaked.
 */
public final class PerCpuHistogram implements AutoCloseable {
    /** The most bits of precision; 3 decimal digits are 10 bits. */
    public static final int MAX_PRECISION_BITS = 12;

    private static final VarHandle POINTER;

    static {
        try {
            POINTER = MethodHandles.lookup().findVarHandle(PerCpuHistogram.class, "pointer", long.class);
        } catch (final ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final OwnCopy copies;
    private final long highest;
    private final int bits;
    private final int buckets;
    /** {@link Copies#CLOSED} in the end; plain elsewhere, since using and closing must not race. */
    private long pointer;

    /** Takes buckets. */
    @FunctionalInterface
    public interface BucketConsumer {
        /**
         * @param value the middle of the bucket, rounded down.
         * @param count how many values were recorded in it, at least 1.
         */
        void accept(long value, long count);
    }

    /**
     * An empty histogram. May wait outside sections, as {@link PercpuAllocator#allocate} does.
     *
     * @param percpu where its copies are.
     * @param highest the largest value that has a bucket of its own kind, at least 1; larger ones count as this.
     * @param precisionBits to one part in how many a value is known: 1 to {@link #MAX_PRECISION_BITS}, log2.
     * @throws IllegalArgumentException if one is out of range, or both together make more buckets than an allocation has room for.
     * @throws org.vellum.report.ExhaustedException if memory has run out.
     */
    public PerCpuHistogram(final PercpuAllocator percpu, final long highest, final int precisionBits) {
        this(percpu, highest, precisionBits, percpu.maxBytes());
    }

    /** Where an allocator's double will do. */
    PerCpuHistogram(final Pointers percpu, final long highest, final int precisionBits, final int maxBytes) {
        if (highest < 1) {
            throw new IllegalArgumentException("highest=" + highest);
        }
        if (precisionBits < 1 || precisionBits > MAX_PRECISION_BITS) {
            throw new IllegalArgumentException("precisionBits=" + precisionBits);
        }
        this.highest = highest;
        bits = precisionBits;
        buckets = bucketOf(highest) + 1;
        if (buckets > maxBytes / Long.BYTES) {
            throw new IllegalArgumentException("buckets=" + buckets + " of highest=" + highest + " precisionBits=" + precisionBits
                + ": at most " + maxBytes / Long.BYTES);
        }
        copies = percpu.access();
        pointer = percpu.allocate((long)buckets * Long.BYTES, Long.BYTES);
    }

    private int bucketOf(final long value) {
        final int above = Long.SIZE - Long.numberOfLeadingZeros(value >>> bits);
        // Of the second octave on the highest bit, which is in every number, is what counts the octaves.
        return above == 0 ? (int)value : (above - 1 << bits) + (int)(value >>> above - 1);
    }

    private long lowestOf(final int bucket) {
        final int octave = bucket >>> bits;
        return octave <= 1 ? bucket : (long)((bucket & (1 << bits) - 1) + (1 << bits)) << octave - 1;
    }

    private long middleOf(final int bucket) {
        final int octave = bucket >>> bits;
        return lowestOf(bucket) + (octave <= 1 ? 0 : (1L << octave - 1) - 1 >> 1);
    }

    private long pointerOf(final long value) {
        if (value < 0) {
            throw new IllegalArgumentException("value=" + value);
        }
        return pointerAt(bucketOf(Math.min(value, highest)));
    }

    private long pointerAt(final int bucket) {
        final long open = pointer;
        return open == Copies.CLOSED ? open : open + ((long)bucket << 3);
    }

    /**
     * @param value to count, at least 0.
     * @throws IllegalArgumentException if it is negative.
     */
    public void record(final long value) {
        copies.addLong(pointerOf(value), 1);
    }

    /**
     * @param cpu whose copy counts it: of the caller's last section, or null.
     * @param value to count, at least 0.
     * @throws IllegalArgumentException if it is negative.
     */
    public void record(final Cpu cpu, final long value) {
        copies.addLong(cpu, pointerOf(value), 1);
    }

    /** @return how many values were recorded; exact while nobody records. */
    public long count() {
        long count = 0;
        for (int bucket = 0; bucket < buckets; bucket++) {
            count += copies.sumLong(pointerAt(bucket));
        }
        return count;
    }

    /**
     * Tells what was recorded, in ascending order, without the empty buckets; exact while nobody records.
     *
     * @param consumer told of each bucket that has any, on this thread.
     */
    public void forEachBucket(final BucketConsumer consumer) {
        for (int bucket = 0; bucket < buckets; bucket++) {
            tell(bucket, copies.sumLong(pointerAt(bucket)), consumer);
        }
    }

    /**
     * {@link #forEachBucket}, and begins anew. What others record meanwhile is told of now or the next time, and so are the buckets behind the
     * one at which the consumer threw.
     *
     * @param consumer told of each bucket that has any, on this thread.
     */
    public void drain(final BucketConsumer consumer) {
        for (int bucket = 0; bucket < buckets; bucket++) {
            tell(bucket, copies.exchangeAllLong(pointerAt(bucket), 0), consumer);
        }
    }

    private void tell(final int bucket, final long count, final BucketConsumer consumer) {
        if (count != 0) {
            consumer.accept(Math.min(middleOf(bucket), highest), count);
        }
    }

    /** @return how many buckets there are; 8 bytes each on every CPU. */
    public int buckets() {
        return buckets;
    }

    /** Frees the copies. Again: nothing to do. */
    @Override
    public void close() {
        final long old = (long)POINTER.getAndSet(this, Copies.CLOSED);
        if (old != Copies.CLOSED) {
            copies.owner().free(old);
        }
    }
}
