package org.vellum.percpu;

import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.mem.Words;
import org.vellum.mmu.PageTable;
import org.vellum.report.ExhaustedException;

/**
 * From a percpu pointer to each CPU's copy: the ground under own-copy operations, and access to all copies by CPU id.
 *
 * <p>Invariant: the copy of slot s is at {@code pointer + unitOffset(s)}, whatever the chunk. Of the first chunk, if it is embedded, that is
 * plain memory at a fixed distance from the pointer, which is known without a look into any table but the one of distances; of all other
 * chunks it is an address of the window, and the page table knows.
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
abstract class Copies {
    private static final int RECORD_SHIFT = 4;
    private static final int LONG_SHIFT = 3;
    private static final int INT_SHIFT = 2;

    final Cpus cpus;
    private final PageTable table;
    private final int[] cpuOfSlot;
    private final Words records;
    private final long recordsBase;
    private final int slotMask;
    private final long firstBase;
    /** Of the last long in a unit of the first chunk, counted in longs; -1 if that is not embedded, so that no place is below it. */
    private final long lastLong;
    /** The same counted in ints. */
    private final long lastInt;
    /** Holds the memory that the distances lead to: it must outlive whoever still adds when the memory is closed. */
    private final Object memory;

    /**
     * @param cpus the slots, of which those with caches have copies.
     * @param table of the window.
     * @param cpuOfSlot the id of each slot's CPU.
     * @param unitOffsets of each slot's unit, in bytes from the lowest.
     * @param firstBase of the first chunk.
     * @param unitBytes of a unit.
     * @param firstNative native address of each slot's unit in the first chunk, or null if that is mapped as all others are.
     * @param memory where those are; kept reachable.
     */
    Copies(
        final Cpus cpus, final PageTable table, final int[] cpuOfSlot, final long[] unitOffsets, final long firstBase,
        final long unitBytes, final long[] firstNative, final Object memory) {
        this.cpus = cpus;
        this.table = table;
        this.cpuOfSlot = cpuOfSlot.clone();
        this.firstBase = firstBase;
        this.memory = memory;
        slotMask = cpus.cachedSlots() - 1;
        assert cpuOfSlot.length == slotMask + 1 : "slots=" + cpuOfSlot.length + " cachedSlots=" + cpus.cachedSlots();
        records = Words.reserve(2L * cpuOfSlot.length);
        recordsBase = records.address(0);
        for (int slot = 0; slot < cpuOfSlot.length; slot++) {
            records.putPlain(2L * slot, firstNative == null ? 0 : firstNative[slot] - firstBase);
            records.putPlain(2L * slot + 1, unitOffsets[slot]);
        }
        lastLong = firstNative == null ? -1 : (unitBytes >> LONG_SHIFT) - 1;
        lastInt = firstNative == null ? -1 : (unitBytes >> INT_SHIFT) - 1;
        UnsafeApi.fullFence();
    }

    /**
     * Where a slot's copy of a long is. Rotated, what is too low, too high or misaligned is too high: one test for all.
     *
     * @param slot any number; only the bits that number slots with copies count.
     */
    final long nativeLong(final int slot, final long pointer) {
        final long place = Long.rotateRight(pointer - firstBase, LONG_SHIFT);
        final long record = recordsBase + ((long)(slot & slotMask) << RECORD_SHIFT);
        // Plain: written before anybody had this object.
        return (place | lastLong - place) >= 0 ? UnsafeApi.getLong(record) + pointer : mapped(record, pointer, Long.BYTES);
    }

    /** As {@link #nativeLong}, of an int. */
    final long nativeInt(final int slot, final long pointer) {
        final long place = Long.rotateRight(pointer - firstBase, INT_SHIFT);
        final long record = recordsBase + ((long)(slot & slotMask) << RECORD_SHIFT);
        // Plain: written before anybody had this object.
        return (place | lastInt - place) >= 0 ? UnsafeApi.getLong(record) + pointer : mapped(record, pointer, Integer.BYTES);
    }

    private long mapped(final long record, final long pointer, final int width) {
        if ((pointer & width - 1) != 0) {
            throw new IllegalArgumentException("misaligned: pointer=0x" + Long.toHexString(pointer) + " width=" + width);
        }
        return table.writable(UnsafeApi.getLong(record + Long.BYTES) + pointer);
    }

    private long unitOffset(final int slot) {
        return records.getPlain(2L * slot + 1);
    }

    final int slots() {
        return cpuOfSlot.length;
    }

    /** The slot of a possible CPU. */
    private int slotOf(final int cpuId) {
        // Ids are most often the slots' numbers.
        if (cpuId >= 0 && cpuId < cpuOfSlot.length && cpuOfSlot[cpuId] == cpuId) {
            return cpuId;
        }
        for (int slot = 0; slot < cpuOfSlot.length; slot++) {
            if (cpuOfSlot[slot] == cpuId) {
                return slot;
            }
        }
        throw new IllegalArgumentException("not a possible CPU: cpuId=" + cpuId);
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
        final Cpu cpu = cpus.current();
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
            consumer.accept(cpuOfSlot[slot], pointer + unitOffset(slot));
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
