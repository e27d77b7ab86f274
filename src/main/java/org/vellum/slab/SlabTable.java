package org.vellum.slab;

import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.SpinLock;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mem.Generations;
import org.vellum.mem.Pages;
import org.vellum.mem.Words;

/**
 * The records and state bytes of all slabs there can be, flat over the linear map: slab {@code n} is the memory from
 * {@code n * 32 KiB} on. 992 bytes a slab, 3.03 % of its memory; state bytes cost memory only where there are slabs.
 *
 * <pre>
 *   record, 32 bytes
 *   +---------+--------------------------------------------------+
 *   | word 0  | {@link SlabWord}                                          |  CAS
 *   | word 1  | limbo's link                                     |
 *   | word 2  | limbo's stamp                                    |
 *   | word 3  | divisor of the class; bits 16 to 31: generation  |  its creator, plain
 *   +---------+--------------------------------------------------+
 *
 *   state bytes: 960, the first ones used, as many as the class has objects, and up to a whole window NONE
 * </pre>
 *
 * <p>Records below {@link #limit()} are zeroed; it grows in steps as higher banks come into use. Nothing here is ever unmapped while this
 * object lives, so a free that comes late, or is wrong, looks at a table, not into nowhere.
 */
final class SlabTable {
    static final int ORDER = 3;
    static final int FRAMES = 1 << ORDER;
    /** What the frames of a slab are marked with, so that nobody else frees them; the room above uses other marks. */
    static final int FRAME_MARK = 0x80;
    static final int SHIFT = Pages.SHIFT + ORDER;
    static final int BYTES = 1 << SHIFT;
    static final int OFFSET_MASK = BYTES - 1;

    static final int MAX_OBJECTS = 960;
    static final int WINDOW = 32;

    static final byte FREE = 0;
    /** Of the first budget; the budget's number is added. */
    static final byte LIVE = 1;
    static final int MAX_LIVE = 250;
    static final byte DEFERRED = (byte)252;
    static final byte WAITING = (byte)253;
    static final byte NONE = (byte)255;

    static final int RECORD_WORDS = 4;
    static final int LINK = 1;
    static final int STAMP = 2;
    private static final int DIVISOR = 3;
    private static final int GENERATION_SHIFT = 16;
    private static final int RECORD_SHIFT = 5;

    /** Slabs whose records are zeroed together: one word of the summaries of {@link PartialSlabs}. */
    static final int STEP = 4096;

    private static final long HIGH_BITS = 0x8080_8080_8080_8080L;
    private static final long GATHER = 0x0102_0408_1020_4080L;

    final Words records;
    private final Words states;
    private final long recordsBase;
    private final long statesBase;
    private final SpinLock lock;
    private final int slabs;
    private final int firstGeneration = Generations.first();
    /** Volatile store in prepare(): the records below are zeroed; partner: whoever reads it before it looks at a record. */
    private volatile int limit;

    SlabTable(final Cpus cpus, final PhysicalMemory memory) {
        final long count = memory.physEnd() >>> SHIFT;
        if (count > Integer.MAX_VALUE - STEP) {
            throw new IllegalArgumentException("physEnd=" + memory.physEnd());
        }
        slabs = (int)count;
        records = Words.reserve(count * RECORD_WORDS);
        states = Words.reserve(count * MAX_OBJECTS / Long.BYTES);
        recordsBase = records.address(0);
        statesBase = states.address(0);
        lock = new SpinLock(cpus);
    }

    int slabs() {
        return slabs;
    }

    int limit() {
        return limit;
    }

    /**
     * Zeroes the records up to that of a slab, and what else goes with them.
     *
     * @param partial zeroed alongside.
     * @return false if another thread has not finished doing so in time.
     */
    boolean prepare(final int slab, final PartialSlabs partial) {
        if (slab < limit) {
            return true;
        }
        if (!lock.acquire()) {
            return false;
        }
        try {
            final int from = limit;
            if (slab >= from) {
                final int to = Math.min(slabs, (slab / STEP + 1) * STEP);
                records.zero((long)from * RECORD_WORDS, (long)(to - from) * RECORD_WORDS);
                partial.zero(from, to);
                limit = to;
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Native address of a slab's record, whose first word is the slab's. */
    long recordAddress(final long slab) {
        return recordAddress(recordsBase, slab);
    }

    /** The same for who keeps the base, {@code recordAddress(0)}, at hand. */
    static long recordAddress(final long base, final long slab) {
        return base + (slab << RECORD_SHIFT);
    }

    /** Opaque: tells the slab's generation and class, which nobody changes while an object of it is live; a stale address may meet any word. */
    static long wordOpaqueAt(final long record) {
        return UnsafeApi.getLongOpaque(null, record);
    }

    /** f2 of the package documentation; partner: l1, in compareAndSetWord(). */
    static long wordVolatileAt(final long record) {
        return UnsafeApi.getLongVolatile(null, record);
    }

    long wordOpaque(final int slab) {
        return wordOpaqueAt(recordAddress(slab));
    }

    long wordVolatile(final int slab) {
        return wordVolatileAt(recordAddress(slab));
    }

    /** Volatile both ways; l1 of the package documentation; partner: f2, in wordVolatileAt(). */
    boolean compareAndSetWord(final int slab, final long expected, final long word) {
        return UnsafeApi.compareAndSetLong(null, recordAddress(slab), expected, word);
    }

    /** By the only one who may change it: its creator, or who has claimed it empty. Volatile, as the compare-and-sets are. */
    void putWordVolatile(final int slab, final long word) {
        UnsafeApi.putLongVolatile(null, recordAddress(slab), word);
    }

    /**
     * Begins the next generation of slabs here; by the owner of the frames, before the slab's word is published.
     *
     * @return its number.
     */
    int begin(final int slab, final int sizeClass) {
        final long at = (long)slab * RECORD_WORDS + DIVISOR;
        final long last = records.getPlain(at) >>> GENERATION_SHIFT & 0xFFFF;
        final long generation = last == 0 ? firstGeneration : last % Generations.COUNT + 1;
        records.putPlain(at, SizeClasses.divisor(sizeClass) | generation << GENERATION_SHIFT);
        return (int)generation;
    }

    /**
     * How offsets within a slab are divided: beside the slab's word, so that a free need not wait for the class to know it. Plain: published
     * with the word, and unchanged while an object of the slab is live.
     */
    static long divisorAt(final long record) {
        return UnsafeApi.getLong(record + DIVISOR * Long.BYTES);
    }

    /** Native address of an object's state byte. */
    long stateAddress(final int slab, final int object) {
        return stateAddress(statesBase, slab, object);
    }

    /** The same for who keeps the base, {@code stateAddress(0, 0)}, at hand. */
    static long stateAddress(final long base, final long slab, final int object) {
        return base + slab * MAX_OBJECTS + object;
    }

    /** Makes all objects free, and what is left of the last window none. By the slab's creator, before it is published. */
    void clearStates(final int slab, final int objects) {
        final long first = stateAddress(slab, 0);
        UnsafeApi.setMemory(first, objects, FREE);
        UnsafeApi.setMemory(first + objects, windows(objects) * WINDOW - objects, NONE);
    }

    static int windows(final int objects) {
        return (objects + WINDOW - 1) / WINDOW;
    }

    /**
     * The free objects of a window, as bits.
     *
     * @param first address of its first state byte.
     */
    static int freeBits(final long first) {
        return freeBitsOfEight(first) | freeBitsOfEight(first + 8) << 8
            | freeBitsOfEight(first + 16) << 16 | freeBitsOfEight(first + 24) << 24;
    }

    private static int freeBitsOfEight(final long first) {
        // Acquire: what was done to the objects comes before; partner: the CAS of a state byte in SlabAllocator.free.
        final long bytes = UnsafeApi.getLongAcquire(null, first);
        final long zeroes = ~((bytes & ~HIGH_BITS) + ~HIGH_BITS | bytes) & HIGH_BITS;
        return (int)((zeroes >>> 7) * GATHER >>> 56);
    }

    /** How many objects are free. */
    int countFree(final int slab, final int objects) {
        int count = 0;
        for (int window = 0; window < windows(objects); window++) {
            count += Integer.bitCount(freeBits(stateAddress(slab, window * WINDOW)));
        }
        return count;
    }
}
