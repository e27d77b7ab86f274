package org.vellum.cpu;

import org.agrona.UnsafeApi;

/**
 * A numbered slot, occupied by at most one thread at a time.
 *
 * <p>{@link Cpus#enter()} returns the slot that the caller occupies until it calls {@link #exit()} as often as it entered.
 * Between the two, the caller may use the per-CPU state of this slot with plain loads and stores, and whatever it
 * translates stays valid. Kept beyond that, a {@code Cpu} is a <em>hint</em> for a later {@link Cpus#enter(Cpu)} by the same
 * thread: one table look-up less if the thread still belongs there, harmless if not.
 *
 * <p>One object a slot for the life of its {@link Cpus}: entering makes no garbage.
 */
public final class Cpu implements AutoCloseable {
    final Cpus cpus;
    final int index;
    final long record;
    final boolean cached;

    /**
     * Who occupies the slot, or did last. Written by the occupant after its CAS, only when it changes, and left behind at
     * exit: the steady state must not pay the collector's store barrier. Believed only where its id matches the word.
     */
    volatile Thread occupant;

    Cpu(final Cpus cpus, final int index, final long record, final boolean cached) {
        this.cpus = cpus;
        this.index = index;
        this.record = record;
        this.cached = cached;
    }

    /** @return the number of this slot, from 0. */
    public int index() {
        return index;
    }

    /** @return whether this slot carries per-CPU caches; slots grown under pressure only announce. */
    public boolean carriesCaches() {
        return cached;
    }

    /**
     * Where eight words of this slot are, on a cache line that nobody scans: plain, 0 at first, and the occupant's. One room keeps
     * its hottest state there; at present that is {@code mapram}.
     *
     * @return the native address of the first; valid while this slot's {@link Cpus} is reachable.
     */
    public long ownWords() {
        return record + SlotLayout.OWN * Long.BYTES;
    }

    /**
     * Where one more word of this slot is: plain, 0 at first, and the occupant's, or of a {@linkplain Cpus#onForcedExit sweeper} that has
     * found it dead. {@code kmap} keeps there how many maps keep the slot.
     *
     * @return its native address; valid while this slot's {@link Cpus} is reachable.
     */
    public long mapWord() {
        return record + SlotLayout.MAPS * Long.BYTES;
    }

    /**
     * Tells the occupants of a slot apart, for words that outlive their sections.
     *
     * @return the calling occupant's id in the high half, and 0 in the low one; 0 for one whose id does not fit. Meaningless to all others.
     */
    public long occupantBits() {
        // Opaque: the caller's own CAS has put it there.
        return UnsafeApi.getLongOpaque(null, record) & ~SlotLayout.EPOCH_MASK;
    }

    /**
     * Leaves the innermost section that the calling thread opened on this slot. Never waits.
     *
     * @throws IllegalStateException if the calling thread does not occupy this slot; nothing is changed.
     */
    public void exit() {
        cpus.exit(this);
    }

    /** Same as {@link #exit()}, for try-with-resources. */
    @Override
    public void close() {
        cpus.exit(this);
    }

    @Override
    public String toString() {
        return "Cpu[" + index + "]";
    }
}
