package org.vellum.percpu;

import org.agrona.UnsafeApi;
import org.vellum.cpu.AffineSlots;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.mem.Words;
import org.vellum.mmu.PageTable;
import org.vellum.report.ExhaustedException;

/**
 * From a percpu pointer to each CPU's copy: the ground under own-copy operations, and access to all copies by CPU id.
 *
 * <p>Invariant: the copy of slot s is at {@code pointer + unitOffset(s)}, whatever the chunk. There are three ways to its native address, of
 * which an access takes the first that it can:
 * <ol>
 * <li>The first chunk is embedded, and its units lie at even distances in native memory: a multiplication, and no table. That is how contiguous
 * frames come, and the hot case; the load that it saves would stand between the slot's number and the copy, behind which all waits.</li>
 * <li>It is embedded, and its units lie anywhere: the slot's record has the native distance.</li>
 * <li>The pointer is of a mapped chunk: the slot's record has the unit offset, and the page table the rest.</li>
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
abstract class Copies extends AffineSlots {
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
    private final long firstBytes;
    /** What the two below it are made of, if the units are even. */
    private final long evenDistance;
    private final long evenStride;
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
    Copies(
        final Cpus cpus, final PageTable table, final Layout layout, final long firstBase, final long[] firstNative,
        final Pointers owner) {
        super(cpus);
        this.table = table;
        this.layout = layout;
        this.firstBase = firstBase;
        this.owner = owner;
        firstBytes = firstNative == null ? 0 : layout.firstBytes();
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
        evenStride = slots == 1 ? 0 : records.getPlain(2) - evenDistance;
        final boolean even = firstNative != null && isEven(slots);
        lastLong = even ? (firstBytes >> LONG_SHIFT) - 1 : -1;
        lastInt = even ? (firstBytes >> INT_SHIFT) - 1 : -1;
        UnsafeApi.fullFence();
    }

    private boolean isEven(final int slots) {
        boolean even = true;
        for (int slot = 0; slot < slots; slot++) {
            even &= records.getPlain(2L * slot) == evenDistance + slot * evenStride;
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
        // Plain: written before anybody had this object.
        final long record = recordsBase + ((long)slot << RECORD_SHIFT);
        final long offset = pointer - firstBase;
        return offset >= 0 && offset < firstBytes ? UnsafeApi.getLong(record) + pointer
            : table.writable(UnsafeApi.getLong(record + Long.BYTES) + pointer);
    }

    private static RuntimeException refuse(final long pointer, final int width) {
        return pointer == CLOSED ? new IllegalStateException("closed")
            : new IllegalArgumentException("misaligned: pointer=0x" + Long.toHexString(pointer) + " width=" + width);
    }

    /** The slot whose copy a slot works on: its own, if it has one. */
    final int slotOf(final Cpu cpu) {
        return cpu == null ? affineSlot() : cpu.index() & slotMask;
    }

    private long unitOffset(final int slot) {
        return records.getPlain(2L * slot + 1);
    }

    /** Who hands out the pointers: with this, what is made of one needs no second field to free it. */
    final Pointers owner() {
        return owner;
    }

    final int slots() {
        return slotMask + 1;
    }

    private int slotOf(final int cpuId) {
        final int slot = layout.slotOf(cpuId);
        if (slot < 0) {
            throw new IllegalArgumentException("not a possible CPU: cpuId=" + cpuId);
        }
        return slot;
    }

    /**
     * Where a CPU's copy is. Any address of an allocation gives the same for its bytes, since units are contiguous in Vellum's layout.
     *
     * @param pointer of a live allocation, or into one.
     * @param cpuId of a possible CPU.
     * @return the Vellum address of its copy; what is done with it meets the own-copy operations of others.
     * @throws IllegalArgumentException if there is no such CPU.
     */
    public final long address(final long pointer, final int cpuId) {
        return pointer + unitOffset(slotOf(cpuId));
    }

    /**
     * Where the copy of the caller's CPU is: of the slot that it occupies. Nobody else occupies that until the section ends; but own-copy
     * operations need no section, so plain changes are safe only if whoever else changes this allocation occupies a slot too.
     *
     * @param pointer of a live allocation, or into one.
     * @return the Vellum address of the copy; the caller's until its section ends.
     * @throws IllegalStateException outside a section.
     * @throws ExhaustedException if so many sections are open that the caller's slot has no copy of its own. Own-copy operations
     *     work there, too.
     */
    public final long thisCpuAddress(final long pointer) {
        final Cpu cpu = cpus().current();
        if (cpu == null) {
            throw new IllegalStateException("outside a section: pointer=0x" + Long.toHexString(pointer));
        }
        if (!cpu.carriesCaches()) {
            throw new ExhaustedException(ExhaustedException.Resource.SLOTS, "slot=" + cpu.index() + " has no copy of its own: only "
                + slots() + " have, and when it was entered, they were all occupied");
        }
        return pointer + unitOffset(cpu.index());
    }

    /**
     * @param pointer of a live long, aligned.
     * @param cpuId of a possible CPU.
     * @return what its copy holds; a volatile read.
     * @throws IllegalArgumentException if there is no such CPU, or the pointer is misaligned.
     */
    public final long getLong(final long pointer, final int cpuId) {
        return UnsafeApi.getLongVolatile(null, nativeLong(slotOf(cpuId), pointer));
    }

    /**
     * @param pointer of a live int, aligned.
     * @param cpuId of a possible CPU.
     * @return what its copy holds; a volatile read.
     * @throws IllegalArgumentException if there is no such CPU, or the pointer is misaligned.
     */
    public final int getInt(final long pointer, final int cpuId) {
        return UnsafeApi.getIntVolatile(null, nativeInt(slotOf(cpuId), pointer));
    }

    /**
     * Adds up all copies, one after the other: exact while nobody changes them, else some state that each of them had meanwhile.
     *
     * @param pointer of a live long, aligned.
     * @return the sum, modulo 2<sup>64</sup>.
     * @throws IllegalArgumentException if the pointer is misaligned.
     */
    public final long sumLong(final long pointer) {
        long sum = 0;
        for (int slot = 0; slot <= slotMask; slot++) {
            // Volatile: partner of the read-modify-writes in OwnCopy, whose order on one copy it sees.
            sum += UnsafeApi.getLongVolatile(null, nativeLong(slot, pointer));
        }
        return sum;
    }

    /**
     * {@link #sumLong}, with every copy exchanged as it is looked at.
     *
     * @param value what all copies hold then, as far as nobody adds to them.
     */
    final long exchangeAllLong(final long pointer, final long value) {
        long sum = 0;
        for (int slot = 0; slot <= slotMask; slot++) {
            sum += UnsafeApi.getAndSetLong(null, nativeLong(slot, pointer), value);
        }
        return sum;
    }

    /**
     * Adds up all copies, as {@link #sumLong}.
     *
     * @param pointer of a live int, aligned.
     * @return the sum, modulo 2<sup>32</sup>: right for a sum that fits, even if the copies wrapped.
     * @throws IllegalArgumentException if the pointer is misaligned.
     */
    public final int sumInt(final long pointer) {
        int sum = 0;
        for (int slot = 0; slot <= slotMask; slot++) {
            // Volatile: as in sumLong.
            sum += UnsafeApi.getIntVolatile(null, nativeInt(slot, pointer));
        }
        return sum;
    }

    /** Takes the copies of all CPUs. */
    @FunctionalInterface
    public interface CopyConsumer {
        /**
         * @param cpuId of a possible CPU.
         * @param address the Vellum address of its copy.
         */
        void accept(int cpuId, long address);
    }

    /**
     * Visits the copies of all possible CPUs, each once.
     *
     * @param pointer of a live allocation, or into one.
     * @param consumer called for each, on this thread.
     */
    public final void forEachCpu(final long pointer, final CopyConsumer consumer) {
        for (int slot = 0; slot <= slotMask; slot++) {
            consumer.accept(layout.cpuOf(slot), pointer + unitOffset(slot));
        }
    }

    /**
     * Moves what a CPU's copy holds into another CPU's: for whoever retires one. What others add meanwhile is not lost; whoever sums up
     * between the two steps misses what is on its way.
     *
     * @param pointer of a live long, aligned.
     * @param fromCpu id of the CPU whose copy becomes 0.
     * @param toCpu id of the CPU whose copy gets it.
     * @return how much was moved.
     * @throws IllegalArgumentException if there is no such CPU, or the pointer is misaligned; nothing has changed.
     */
    public final long foldLong(final long pointer, final int fromCpu, final int toCpu) {
        final long to = nativeLong(slotOf(toCpu), pointer);
        final long moved = UnsafeApi.getAndSetLong(null, nativeLong(slotOf(fromCpu), pointer), 0);
        UnsafeApi.getAndAddLong(null, to, moved);
        return moved;
    }

    /**
     * Moves what a CPU's copy holds into another CPU's, as {@link #foldLong}.
     *
     * @param pointer of a live int, aligned.
     * @param fromCpu id of the CPU whose copy becomes 0.
     * @param toCpu id of the CPU whose copy gets it, modulo 2<sup>32</sup>.
     * @return how much was moved.
     * @throws IllegalArgumentException if there is no such CPU, or the pointer is misaligned; nothing has changed.
     */
    public final int foldInt(final long pointer, final int fromCpu, final int toCpu) {
        final long to = nativeInt(slotOf(toCpu), pointer);
        final int moved = UnsafeApi.getAndSetInt(null, nativeInt(slotOf(fromCpu), pointer), 0);
        UnsafeApi.getAndAddInt(null, to, moved);
        return moved;
    }
}
