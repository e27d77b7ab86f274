package org.vellum.percpu;

import org.agrona.UnsafeApi;
import org.vellum.cpu.AffineSlots;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.mem.Words;
import org.vellum.mmu.PageTable;

/**
 * From a percpu pointer to each CPU's copy in native memory: the ground under access to copies.
 *
 * <p>Invariant: the copy of slot s is at {@code pointer + unitOffset(s)}, whatever the chunk. There are three ways to its native address, of
 * which an access takes the first that it can:
 * <ol>
 * <li>The first chunk is embedded, and its units lie at even distances in native memory: a multiplication, and no table. That is how contiguous
 * frames come, and the hot case; the load that it saves would stand between the slot's number and the copy, behind which all waits.</li>
 * <li>It is embedded, and its units lie anywhere: the slot's record has the native distance.</li>
 * <li>The pointer is of a mapped chunk: the unit offset is a multiplication, if units lie at even distances in Vellum's layout, or in the slot's
 * record, and the page table has the rest.</li>
 * </ol>
 *
 * <pre>
 *   record of a slot, 16 bytes
 *   +---------------------------------------------------------+--------------------------------------+
 *   | native distance: native address of a first chunk's copy | unit offset: Vellum address of any   |
 *   | − pointer                                               | chunk's copy − pointer               |
 *   +---------------------------------------------------------+--------------------------------------+
 * </pre>
 *
 * <p>Values are aligned to their width, so none crosses a page or a unit, and each access is atomic.
 */
abstract class CopyTranslation extends AffineSlots {
    /** What takes the place of a pointer that was freed: misaligned, so that the test which is made anyway finds it. */
    static final long CLOSED = -1;

    private static final int RECORD_SHIFT = 4;
    private static final int LONG_SHIFT = 3;
    private static final int INT_SHIFT = 2;

    private final PageTable table;
    private final Layout layout;
    private final Words records;
    private final long recordsBase;
    private final int slotMask;
    private final long firstBase;
    /** Of a unit of an embedded first chunk that is not even, else 0. */
    private final long unevenBytes;
    /** From a pointer into an even first chunk to slot 0's copy in native memory, and from a slot's to the next one's. */
    private final long evenDistance;
    private final long evenStride;
    /** Whether unit offsets are even: then they are multiples of a stride, which saves a load. */
    private final boolean unitsAreEven;
    /** That stride in bytes of the page table. */
    private final long entryStride;
    /** Of the last long in a unit of an even first chunk, counted in longs; -1 if it is not even, so that no place is below it. */
    private final long lastLong;
    /** The same counted in ints. */
    private final long lastInt;
    /** Holds the memory that the distances lead to, too: it must outlive whoever still adds when the memory is closed. */
    private final Pointers owner;

    /**
     * @param cpus the slots, of which those with caches have copies.
     * @param table of the window.
     * @param layout where units lie.
     * @param firstBase of the first chunk.
     * @param firstNative native address of each slot's unit in the first chunk, or null if that is mapped as all others are.
     * @param owner hands out the pointers; keeps that memory reachable.
     */
    CopyTranslation(
        final Cpus cpus, final PageTable table, final Layout layout, final long firstBase, final long[] firstNative,
        final Pointers owner) {
        super(cpus);
        this.table = table;
        this.layout = layout;
        this.firstBase = firstBase;
        this.owner = owner;
        final int slots = layout.slots();
        slotMask = slots - 1;
        assert slots == cpus.cachedSlots() : "slots=" + slots + " cachedSlots=" + cpus.cachedSlots();
        records = Words.reserve(2L * slots);
        recordsBase = records.address(0);
        for (int slot = 0; slot < slots; slot++) {
            records.putPlain(2L * slot, firstNative == null ? 0 : firstNative[slot] - firstBase);
            records.putPlain(2L * slot + 1, layout.unitOffset(slot));
        }
        evenDistance = records.getPlain(0);
        evenStride = strideOf(0, slots);
        entryStride = strideOf(1, slots) >> PageTable.ADDRESS_SHIFT;
        unitsAreEven = layout.unitOffset(0) == 0 && isEven(1, strideOf(1, slots), slots);
        final long firstBytes = firstNative == null ? 0 : layout.firstBytes();
        final boolean even = firstNative != null && isEven(0, evenStride, slots);
        unevenBytes = even ? 0 : firstBytes;
        lastLong = even ? (firstBytes >> LONG_SHIFT) - 1 : -1;
        lastInt = even ? (firstBytes >> INT_SHIFT) - 1 : -1;
        UnsafeApi.fullFence();
    }

    private long strideOf(final int word, final int slots) {
        return slots == 1 ? 0 : records.getPlain(2 + word) - records.getPlain(word);
    }

    private boolean isEven(final int word, final long stride, final int slots) {
        boolean even = true;
        for (int slot = 0; slot < slots; slot++) {
            even &= records.getPlain(2L * slot + word) == records.getPlain(word) + slot * stride;
        }
        return even;
    }

    /**
     * Where a slot's copy of a long is. Rotated, what is too low, too high or misaligned is too high: one test for all.
     *
     * @param slot below {@link #slots()}.
     */
    final long nativeLong(final int slot, final long pointer) {
        final long place = Long.rotateRight(pointer - firstBase, LONG_SHIFT);
        return (place | lastLong - place) >= 0 ? evenDistance + pointer + slot * evenStride : elsewhere(slot, pointer, Long.BYTES);
    }

    /** As {@link #nativeLong}, of an int. */
    final long nativeInt(final int slot, final long pointer) {
        final long place = Long.rotateRight(pointer - firstBase, INT_SHIFT);
        return (place | lastInt - place) >= 0 ? evenDistance + pointer + slot * evenStride : elsewhere(slot, pointer, Integer.BYTES);
    }

    private long elsewhere(final int slot, final long pointer, final int width) {
        if ((pointer & width - 1) != 0) {
            throw refuse(pointer, width);
        }
        final long offset = pointer - firstBase;
        if (offset >= 0 && offset < unevenBytes) {
            // Plain: written before anybody had this object.
            return UnsafeApi.getLong(recordsBase + ((long)slot << RECORD_SHIFT)) + pointer;
        }
        return table.writablePagesOn(pointer, unitsAreEven ? slot * entryStride : unitOffset(slot) >> PageTable.ADDRESS_SHIFT);
    }

    private static RuntimeException refuse(final long pointer, final int width) {
        return pointer == CLOSED ? new IllegalStateException("closed")
            : new IllegalArgumentException("misaligned: pointer=0x" + Long.toHexString(pointer) + " width=" + width);
    }

    /** The slot whose copy a slot works on: its own, if it has one. */
    final int slotOf(final Cpu cpu) {
        return cpu == null ? affineSlot() : cpu.index() & slotMask;
    }

    /** From a pointer to the Vellum address of a slot's copy. */
    final long unitOffset(final int slot) {
        return records.getPlain(2L * slot + 1);
    }

    /** Who hands out the pointers: with this, what is made of one needs no second field to free it. */
    final Pointers owner() {
        return owner;
    }

    final int slots() {
        return slotMask + 1;
    }

    final int cpuOf(final int slot) {
        return layout.cpuOf(slot);
    }

    /** The slot of a possible CPU. */
    final int slotOf(final int cpuId) {
        final int slot = layout.slotOf(cpuId);
        if (slot < 0) {
            throw new IllegalArgumentException("not a possible CPU: cpuId=" + cpuId);
        }
        return slot;
    }
}
