package org.vellum.slab;

import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.mem.CacheLine;
import org.vellum.mem.Words;

/**
 * The slab that each slot hands objects out of at present, one of each class, unpacked.
 *
 * <pre>
 *   record of one slot and class, one cache line
 *   +-------+-----------------------------------------------------------------------------+
 *   | free  | objects of the window that are free and were not handed out, as bits        |
 *   | first | Vellum address of the window's first object, tag included                   |
 *   | state | native address of its state byte                                            |
 *   | size  | of an object, in bytes                                                      |
 *   | slab  | its number + 1; 0 = none                                                    |
 *   | left  | windows left in this round of the slab                                      |
 *   | found | objects found in this round                                                 |
 *   +-------+-----------------------------------------------------------------------------+
 * </pre>
 *
 * All of it belongs to whoever occupies the slot: plain words. Bits are of FREE objects, which stay FREE until they are handed
 * out, so forgetting them loses nothing.
 */
final class CurrentSlabs {
    private static final int FREE = 0;
    private static final int FIRST = 8;
    private static final int STATE = 16;
    private static final int SIZE = 24;
    private static final int SLAB = 32;
    private static final int LEFT = 40;
    private static final int FOUND = 48;

    /** A record a class, and one more, so that the records of one class are not all in the same set of a cache. */
    private static final int SLOT_BYTES = (SizeClasses.COUNT + 2) / 2 * CacheLine.STRIDE_BYTES;

    /** A window that yields a quarter of its objects is looked at again rather than left. */
    private static final int GOOD_YIELD_SHIFT = 2;

    private final Cpus cpus;
    private final SlabTable table;
    private final Slabs slabs;
    private final Words words;
    private final long base;

    CurrentSlabs(final Cpus cpus, final Slabs slabs) {
        this.cpus = cpus;
        this.slabs = slabs;
        table = slabs.table;
        words = Words.zeroed((long)cpus.cachedSlots() * SLOT_BYTES / Long.BYTES);
        base = words.address(0);
    }

    private long record(final int slot, final int sizeClass) {
        return record(base, slot, sizeClass);
    }

    /** The record of a slot and class; static, so that the hot path needs none of this object's fields. */
    static long record(final long base, final int slot, final int sizeClass) {
        return base + (long)slot * SLOT_BYTES + ((long)sizeClass << 6);
    }

    /** Native address of the records, valid while this object lives. */
    long base() {
        return base;
    }

    private static long get(final long record, final int word) {
        return UnsafeApi.getLong(record + word);
    }

    private static void put(final long record, final int word, final long value) {
        UnsafeApi.putLong(record + word, value);
    }

    /** The objects that can be handed out at once, as bits. */
    static long free(final long record) {
        return get(record, FREE);
    }

    /**
     * Hands out the first of them.
     *
     * @param record of the slot that the caller occupies.
     * @param free what {@link #free} says, not 0.
     * @param live its state byte.
     * @return its address.
     */
    static long take(final long record, final long free, final byte live) {
        final int object = Long.numberOfTrailingZeros(free);
        put(record, FREE, free & free - 1);
        // Plain: FREE is the owner's. Whoever frees the object learns of it from whoever it was handed to.
        UnsafeApi.putByte(get(record, STATE) + object, live);
        return get(record, FIRST) + object * get(record, SIZE);
    }

    /**
     * Hands out an object when there is none at hand.
     *
     * @param cpu the slot that the caller occupies.
     * @param live its state byte.
     * @return its address, or 0 if there is none and no frames for any.
     */
    long takeSlowly(final Cpu cpu, final int sizeClass, final byte live) {
        return cpu.carriesCaches() ? takeRefilled(cpu, record(cpu.index(), sizeClass), sizeClass, live)
            : takeUncached(cpu, sizeClass, live);
    }

    private long takeRefilled(final Cpu cpu, final long record, final int sizeClass, final byte live) {
        return refill(cpu, record, sizeClass) ? take(record, get(record, FREE), live) : 0;
    }

    private boolean refill(final Cpu cpu, final long record, final int sizeClass) {
        while (get(record, SLAB) == 0 || !lookAgain(record, sizeClass) && !nextWindow(record, sizeClass)) {
            leave(cpu, record);
            int slab = slabs.claim(sizeClass);
            if (slab == Slabs.NONE) {
                slab = slabs.create(cpu, sizeClass);
                if (slab == Slabs.NONE) {
                    return false;
                }
                // A watermark's callback may have allocated here, on this slot, meanwhile.
                leave(cpu, record);
            }
            adopt(record, slab, sizeClass);
        }
        return true;
    }

    private void adopt(final long record, final int slab, final int sizeClass) {
        final int objects = SizeClasses.objects(sizeClass);
        put(record, SIZE, SizeClasses.size(sizeClass));
        put(record, LEFT, SlabTable.windows(objects));
        put(record, FOUND, 0);
        put(record, SLAB, slab + 1L);
        lookAt(record, slab, 0);
    }

    /** Places the record at a window, with no bits. */
    private void lookAt(final long record, final int slab, final int window) {
        final long tag = SlabWord.tag(table.wordOpaque(slab));
        put(record, FREE, 0);
        put(record, STATE, table.stateAddress(slab, window * SlabTable.WINDOW));
        put(record, FIRST, tag + ((long)slab << SlabTable.SHIFT) + window * SlabTable.WINDOW * get(record, SIZE));
    }

    private boolean lookAgain(final long record, final int sizeClass) {
        final long bits = SlabTable.freeBits(get(record, STATE)) & 0xFFFF_FFFFL;
        final int size = Math.min(SizeClasses.objects(sizeClass), SlabTable.WINDOW);
        if (bits == 0 || Long.bitCount(bits) < size >>> GOOD_YIELD_SHIFT) {
            return false;
        }
        put(record, FREE, bits);
        return true;
    }

    /** Goes on to a window that has free objects; false once a round of the slab has not been worthwhile. */
    private boolean nextWindow(final long record, final int sizeClass) {
        final int objects = SizeClasses.objects(sizeClass);
        final int windows = SlabTable.windows(objects);
        final int slab = (int)get(record, SLAB) - 1;
        final int first = (int)(get(record, STATE) - table.stateAddress(slab, 0));
        int window = first / SlabTable.WINDOW;
        while (true) {
            if (get(record, LEFT) == 0) {
                if (get(record, FOUND) < SizeClasses.worthwhile(sizeClass)) {
                    return false;
                }
                put(record, LEFT, windows);
                put(record, FOUND, 0);
            }
            window = window + 1 == windows ? 0 : window + 1;
            lookAt(record, slab, window);
            final long bits = SlabTable.freeBits(get(record, STATE)) & 0xFFFF_FFFFL;
            put(record, LEFT, get(record, LEFT) - 1);
            put(record, FOUND, get(record, FOUND) + Long.bitCount(bits));
            if (bits != 0) {
                put(record, FREE, bits);
                return true;
            }
        }
    }

    private void leave(final Cpu cpu, final long record) {
        final long slab = get(record, SLAB);
        if (slab != 0) {
            put(record, SLAB, 0);
            put(record, FREE, 0);
            slabs.leave(cpu, (int)slab - 1);
        }
    }

    /** Hands out an object without a current slab, for slots that carry no caches. */
    private long takeUncached(final Cpu cpu, final int sizeClass, final byte live) {
        int slab = slabs.claim(sizeClass);
        while (true) {
            if (slab == Slabs.NONE) {
                slab = slabs.create(cpu, sizeClass);
            }
            if (slab == Slabs.NONE) {
                return 0;
            }
            final long address = takeFirst(slab, sizeClass, live);
            slabs.leave(cpu, slab);
            if (address != 0) {
                return address;
            }
            // Counted free twice, and full: the next one.
            slab = slabs.claim(sizeClass);
        }
    }

    private long takeFirst(final int slab, final int sizeClass, final byte live) {
        for (int window = 0; window < SlabTable.windows(SizeClasses.objects(sizeClass)); window++) {
            final long first = table.stateAddress(slab, window * SlabTable.WINDOW);
            final int bits = SlabTable.freeBits(first);
            if (bits != 0) {
                final int bit = Integer.numberOfTrailingZeros(bits);
                // Plain: as in take().
                UnsafeApi.putByte(first + bit, live);
                return SlabWord.tag(table.wordOpaque(slab)) + ((long)slab << SlabTable.SHIFT)
                    + (long)(window * SlabTable.WINDOW + bit) * SizeClasses.size(sizeClass);
            }
        }
        return 0;
    }

    /**
     * Leaves all current slabs of a slot.
     *
     * @param cpu that slot, which the caller occupies.
     * @return how many those were.
     */
    int drain(final Cpu cpu) {
        int count = 0;
        for (int sizeClass = 0; cpu.carriesCaches() && sizeClass < SizeClasses.COUNT; sizeClass++) {
            final long record = record(cpu.index(), sizeClass);
            if (get(record, SLAB) != 0) {
                leave(cpu, record);
                count++;
            }
        }
        return count;
    }

    /** Whether a slot has no current slab: a peek by anyone, for who decides whether a visit is worth it. */
    boolean isIdle(final int slot) {
        for (int sizeClass = 0; sizeClass < SizeClasses.COUNT; sizeClass++) {
            if (slabOf(slot, sizeClass) != Slabs.NONE) {
                return false;
            }
        }
        return true;
    }

    /** The current slab of a slot as seen by anyone, or {@link Slabs#NONE}. */
    int slabOf(final int slot, final int sizeClass) {
        // Opaque: a peek; the occupant's stores are plain.
        return (int)UnsafeApi.getLongOpaque(null, record(slot, sizeClass) + SLAB) - 1;
    }

    /** The bits of a slot's window; for the walker of a quiet system. */
    long freeOf(final int slot, final int sizeClass) {
        return get(record(slot, sizeClass), FREE);
    }

    long stateOf(final int slot, final int sizeClass) {
        return get(record(slot, sizeClass), STATE);
    }

    int slots() {
        return cpus.cachedSlots();
    }
}
