package org.vellum.percpu;

import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.StackReserve;
import org.vellum.mmu.PageTable;
import org.vellum.report.ExhaustedException;

/** Access to the copies of all CPUs: by id, and all together. */
abstract class Copies extends CopyTranslation {
    /** See {@link CopyTranslation}. */
    Copies(
        final Cpus cpus, final PageTable table, final Layout layout, final long firstBase, final long[] firstNative,
        final Pointers owner) {
        super(cpus, table, layout, firstBase, firstNative, owner);
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
        for (int slot = 0; slot < slots(); slot++) {
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
        // What the first copies held would be lost if a later one were not come to.
        StackReserve.ensureOperation();
        long sum = 0;
        for (int slot = 0; slot < slots(); slot++) {
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
        for (int slot = 0; slot < slots(); slot++) {
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
        for (int slot = 0; slot < slots(); slot++) {
            consumer.accept(cpuOf(slot), pointer + unitOffset(slot));
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
        StackReserve.ensureOperation();
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
        StackReserve.ensureOperation();
        final long to = nativeInt(slotOf(toCpu), pointer);
        final int moved = UnsafeApi.getAndSetInt(null, nativeInt(slotOf(fromCpu), pointer), 0);
        UnsafeApi.getAndAddInt(null, to, moved);
        return moved;
    }
}
