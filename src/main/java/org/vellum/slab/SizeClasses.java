package org.vellum.slab;

/**
 * The sizes that objects of slabs come in.
 *
 * <pre>
 *    32   40   48   56   64   72   80   88   96  104  112  128
 *   144  160  176  192  208  224  256  288  320  352  400  448  512
 *   544  608  688  784  896 1024 1088 1232 1408 1600 1792 2048
 *  2336 2656 2896 3184 3584 4096 4656 5312 5904 6464 7376 8192
 * </pre>
 *
 * Each is at most 8/7 of the size after the one before, so a request above 64 bytes wastes at most 12.5 % of its object; within that
 * they are few, since a slot keeps a slab of each, and divide a slab with little left over (10 % at worst, mostly below 3 %). All are
 * multiples of 8, from 128 bytes on of 16; every power of two is one, so every alignment up to a page has a class.
 */
public final class SizeClasses {
    /** log2 of {@link #MAX_SIZE}. */
    public static final int MAX_SIZE_SHIFT = 13;

    /** Bytes of the largest object. */
    public static final int MAX_SIZE = 1 << MAX_SIZE_SHIFT;

    /** Bytes that every object is aligned to. */
    public static final int MIN_ALIGNMENT = 8;

    private static final int[] SIZES = {
        32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 128,
        144, 160, 176, 192, 208, 224, 256, 288, 320, 352, 400, 448, 512,
        544, 608, 688, 784, 896, 1024, 1088, 1232, 1408, 1600, 1792, 2048,
        2336, 2656, 2896, 3184, 3584, 4096, 4656, 5312, 5904, 6464, 7376, 8192,
    };

    /** How many classes there are; they are numbered from 0. */
    public static final int COUNT = SIZES.length;

    private static final int GRANULE_SHIFT = 3;

    /** The class of each number of granules of 8 bytes. */
    private static final byte[] BY_GRANULES = byGranules();

    /**
     * For each class its size in the low half and {@code 2^32 / size}, rounded up, in the high half, by which an offset within a slab is
     * divided: exact for offsets below {@code 2^32 / size}, which all are. Bits 16 to 31 are 0, for {@link SlabTable} to use.
     */
    private static final long[] DIVISORS = divisors();

    private SizeClasses() {
    }

    private static byte[] byGranules() {
        final byte[] classes = new byte[(MAX_SIZE >>> GRANULE_SHIFT) + 1];
        int sizeClass = 0;
        for (int granules = 0; granules < classes.length; granules++) {
            while (SIZES[sizeClass] < granules << GRANULE_SHIFT) {
                sizeClass++;
            }
            classes[granules] = (byte)sizeClass;
        }
        return classes;
    }

    private static long[] divisors() {
        final long[] divisors = new long[SIZES.length];
        for (int i = 0; i < SIZES.length; i++) {
            divisors[i] = ((1L << Integer.SIZE) + SIZES[i] - 1) / SIZES[i] << Integer.SIZE | SIZES[i];
        }
        return divisors;
    }

    /**
     * @param size in bytes, 1 to {@link #MAX_SIZE}.
     * @return the class of the smallest objects that hold it.
     */
    public static int of(final int size) {
        return BY_GRANULES[size + (1 << GRANULE_SHIFT) - 1 >>> GRANULE_SHIFT];
    }

    /**
     * @param size in bytes, 1 to {@link #MAX_SIZE}.
     * @param alignment in bytes, a power of two up to {@link #MAX_SIZE}.
     * @return the class of the smallest objects that hold the size and are all so aligned.
     */
    public static int of(final int size, final int alignment) {
        int sizeClass = of(size);
        while ((SIZES[sizeClass] & alignment - 1) != 0) {
            sizeClass++;
        }
        return sizeClass;
    }

    /**
     * @param sizeClass its number.
     * @return bytes of its objects.
     */
    public static int size(final int sizeClass) {
        return SIZES[sizeClass];
    }

    /**
     * @param sizeClass its number.
     * @return how many of its objects a slab has.
     */
    public static int objects(final int sizeClass) {
        return Math.min(SlabTable.BYTES / SIZES[sizeClass], SlabTable.MAX_OBJECTS);
    }

    /**
     * How many objects of a slab that has no owner must be free before it is worth being found: a sixteenth, so that looking for them
     * costs no more than a few loads each.
     */
    static int worthwhile(final int sizeClass) {
        return Math.max(1, objects(sizeClass) >>> 4);
    }

    /** What {@link #index} and {@link #sizeOf} take apart. */
    static long divisor(final int sizeClass) {
        return DIVISORS[sizeClass];
    }

    /** The object that an offset within the slab lies in. */
    static int index(final long divisor, final int offset) {
        return (int)(offset * (divisor >>> Integer.SIZE) >>> Integer.SIZE);
    }

    static int sizeOf(final long divisor) {
        return (int)divisor & 0xFFFF;
    }
}
