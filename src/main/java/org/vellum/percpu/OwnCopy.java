package org.vellum.percpu;

import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.StackReserve;
import org.vellum.mmu.PageTable;

/**
 * Own-copy operations: the kernel's {@code this_cpu_add} and its relatives.
 *
 * <p>Each is one atomic read-modify-write of one aligned word, the copy of the caller's {@linkplain org.vellum.cpu.AffineSlots affine slot}; so no
 * section is needed, and no lease. Usually nobody else works on that copy, and its cache line stays with the caller's processor: that is
 * what is gained over one shared word. It is not what makes it right: threads may share a slot, and one may be re-homed between finding its
 * slot and changing the copy, but two changes of one copy are ordered, whoever makes them, and none is lost. What is right is therefore what
 * holds for all copies together: the sum.
 *
 * <p>The overloads that take a {@link Cpu} change the copy of that slot, whether or not the caller occupies it: a thread that keeps the
 * {@code Cpu} of its last section saves the look-up. Any slot will do, that of another thread, too; a slot without caches stands for one with,
 * and null for no guess.
 *
 * <p>All operations have the effects of a volatile read and write; none waits or allocates; any thread may call them, inside a section or
 * out. Pointers are those of live allocations, or lead into one; where nothing is mapped they fault
 * ({@link org.vellum.report.PageFaultException}), but beyond its allocation one may meet another. One that is misaligned is an
 * {@link IllegalArgumentException}. After the memory is closed
 * those without a {@code Cpu} are an {@link IllegalStateException}; those with one, and sums and folds, fault, or meet what the first chunk's memory
 * holds then, which stays as long as this object is reachable. Numbers are Java's: ints are signed, and wrap by themselves, without a carry
 * into their neighbours; an int that is given for a long is extended with its sign, so that an unsigned one must be made a long by
 * {@link Integer#toUnsignedLong} first, and negated afterwards.
 */
public final class OwnCopy extends Copies {
    /** See {@link CopyTranslation}. */
    OwnCopy(
        final Cpus cpus, final PageTable table, final Layout layout, final long firstBase, final long[] firstNative,
        final Pointers owner) {
        super(cpus, table, layout, firstBase, firstNative, owner);
    }

    /**
     * The way to the copies of all chunks that are congruent to a first one.
     *
     * @param first the first chunk; must not be closed before the slots are.
     * @param below the rooms.
     * @param owner hands out the pointers, and holds on to both.
     */
    static OwnCopy of(final FirstChunk first, final Foundation below, final Pointers owner) {
        final Layout layout = first.layout();
        final long[] natives = first.embedded() ? new long[layout.slots()] : null;
        for (int slot = 0; natives != null && slot < natives.length; slot++) {
            natives[slot] = first.nativeUnit(slot);
        }
        return new OwnCopy(below.cpus(), below.space().table(), layout, first.base(), natives, owner);
    }

    /**
     * Adds to the own copy.
     *
     * @param pointer of a live long, aligned.
     * @param delta what to add.
     */
    public void addLong(final long pointer, final long delta) {
        UnsafeApi.getAndAddLong(null, nativeLong(affineSlot(), pointer), delta);
    }

    /**
     * Adds to the own copy.
     *
     * @param cpu whose copy, or null for the caller's own.
     * @param pointer of a live long, aligned.
     * @param delta what to add.
     */
    public void addLong(final Cpu cpu, final long pointer, final long delta) {
        UnsafeApi.getAndAddLong(null, nativeLong(slotOf(cpu), pointer), delta);
    }

    /**
     * Adds to the own copy.
     *
     * @param pointer of a live long, aligned.
     * @param delta what to add.
     * @return what the copy holds then.
     */
    public long addReturnLong(final long pointer, final long delta) {
        return UnsafeApi.getAndAddLong(null, nativeLong(affineSlot(), pointer), delta) + delta;
    }

    /**
     * Adds to the own copy.
     *
     * @param cpu whose copy, or null for the caller's own.
     * @param pointer of a live long, aligned.
     * @param delta what to add.
     * @return what the copy holds then.
     */
    public long addReturnLong(final Cpu cpu, final long pointer, final long delta) {
        return UnsafeApi.getAndAddLong(null, nativeLong(slotOf(cpu), pointer), delta) + delta;
    }

    /**
     * Exchanges what the own copy holds.
     *
     * @param pointer of a live long, aligned.
     * @param value to store.
     * @return what the copy held.
     */
    public long exchangeLong(final long pointer, final long value) {
        return UnsafeApi.getAndSetLong(null, nativeLong(affineSlot(), pointer), value);
    }

    /**
     * Exchanges what the own copy holds.
     *
     * @param cpu whose copy, or null for the caller's own.
     * @param pointer of a live long, aligned.
     * @param value to store.
     * @return what the copy held.
     */
    public long exchangeLong(final Cpu cpu, final long pointer, final long value) {
        return UnsafeApi.getAndSetLong(null, nativeLong(slotOf(cpu), pointer), value);
    }

    /**
     * Exchanges what the own copy holds, if it is what is expected.
     *
     * @param pointer of a live long, aligned.
     * @param expected what the copy must hold.
     * @param value to store then.
     * @return what the copy held: {@code expected} if the value was stored.
     */
    public long compareExchangeLong(final long pointer, final long expected, final long value) {
        return UnsafeApi.compareAndExchangeLong(null, nativeLong(affineSlot(), pointer), expected, value);
    }

    /**
     * Exchanges what the own copy holds, if it is what is expected.
     *
     * @param cpu whose copy, or null for the caller's own.
     * @param pointer of a live long, aligned.
     * @param expected what the copy must hold.
     * @param value to store then.
     * @return what the copy held: {@code expected} if the value was stored.
     */
    public long compareExchangeLong(final Cpu cpu, final long pointer, final long expected, final long value) {
        return UnsafeApi.compareAndExchangeLong(null, nativeLong(slotOf(cpu), pointer), expected, value);
    }

    /**
     * Adds to the own copy.
     *
     * @param pointer of a live int, aligned.
     * @param delta what to add.
     */
    public void addInt(final long pointer, final int delta) {
        UnsafeApi.getAndAddInt(null, nativeInt(affineSlot(), pointer), delta);
    }

    /**
     * Adds to the own copy.
     *
     * @param cpu whose copy, or null for the caller's own.
     * @param pointer of a live int, aligned.
     * @param delta what to add.
     */
    public void addInt(final Cpu cpu, final long pointer, final int delta) {
        UnsafeApi.getAndAddInt(null, nativeInt(slotOf(cpu), pointer), delta);
    }

    /**
     * Adds to the own copy.
     *
     * @param pointer of a live int, aligned.
     * @param delta what to add.
     * @return what the copy holds then.
     */
    public int addReturnInt(final long pointer, final int delta) {
        return UnsafeApi.getAndAddInt(null, nativeInt(affineSlot(), pointer), delta) + delta;
    }

    /**
     * Adds to the own copy.
     *
     * @param cpu whose copy, or null for the caller's own.
     * @param pointer of a live int, aligned.
     * @param delta what to add.
     * @return what the copy holds then.
     */
    public int addReturnInt(final Cpu cpu, final long pointer, final int delta) {
        return UnsafeApi.getAndAddInt(null, nativeInt(slotOf(cpu), pointer), delta) + delta;
    }

    /**
     * Exchanges what the own copy holds.
     *
     * @param pointer of a live int, aligned.
     * @param value to store.
     * @return what the copy held.
     */
    public int exchangeInt(final long pointer, final int value) {
        return UnsafeApi.getAndSetInt(null, nativeInt(affineSlot(), pointer), value);
    }

    /**
     * Exchanges what the own copy holds.
     *
     * @param cpu whose copy, or null for the caller's own.
     * @param pointer of a live int, aligned.
     * @param value to store.
     * @return what the copy held.
     */
    public int exchangeInt(final Cpu cpu, final long pointer, final int value) {
        return UnsafeApi.getAndSetInt(null, nativeInt(slotOf(cpu), pointer), value);
    }

    /**
     * Exchanges what the own copy holds, if it is what is expected.
     *
     * @param pointer of a live int, aligned.
     * @param expected what the copy must hold.
     * @param value to store then.
     * @return what the copy held: {@code expected} if the value was stored.
     */
    public int compareExchangeInt(final long pointer, final int expected, final int value) {
        return UnsafeApi.compareAndExchangeInt(null, nativeInt(affineSlot(), pointer), expected, value);
    }

    /**
     * Exchanges what the own copy holds, if it is what is expected.
     *
     * @param cpu whose copy, or null for the caller's own.
     * @param pointer of a live int, aligned.
     * @param expected what the copy must hold.
     * @param value to store then.
     * @return what the copy held: {@code expected} if the value was stored.
     */
    public int compareExchangeInt(final Cpu cpu, final long pointer, final int expected, final int value) {
        return UnsafeApi.compareAndExchangeInt(null, nativeInt(slotOf(cpu), pointer), expected, value);
    }

    /**
     * Adds to the own copy of a long, and takes what it holds if that is a batch, up or down: one look-up for both, so that it is the
     * copy added to which is emptied.
     *
     * @return what was taken, 0 if the copy is below the batch.
     */
    long addTakeLong(final Cpu cpu, final long pointer, final long delta, final long batch) {
        final long copy = nativeLong(slotOf(cpu), pointer);
        final long sum = UnsafeApi.getAndAddLong(null, copy, delta) + delta;
        return sum >= batch || sum <= -batch ? take(copy) : 0;
    }

    private static long take(final long copy) {
        // What is taken is in nobody's sum until the caller has put it elsewhere: not on a stack that may have no room for that.
        StackReserve.ensureOperation();
        return UnsafeApi.getAndSetLong(null, copy, 0);
    }
}
