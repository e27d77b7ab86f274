package org.vellum.cpu;

import org.agrona.UnsafeApi;

/**
 * The base of classes whose hottest path begins with the caller's affine slot. It has what that takes in its own fields, which spares
 * such a path two loads, one behind the other.
 */
public abstract class AffineSlots {
    private final long cellsBase;
    private final long cellMask;
    private final Cpus cpus;

    /** @param cpus the slots; kept reachable, as the cells must be. */
    protected AffineSlots(final Cpus cpus) {
        this.cpus = cpus;
        cellsBase = cpus.cells.address(0);
        cellMask = cpus.options.cells() - 1;
    }

    /** @return the slots. */
    protected final Cpus cpus() {
        return cpus;
    }

    /**
     * The number of the calling thread's affine slot: where it will most likely be alone, without occupying it. Between the call and the
     * use the thread may be re-homed and others of its cell may be there, so what the number is used for must be right at any slot. Never
     * waits; costs three loads.
     *
     * @return the number, below {@link Cpus#cachedSlots()}, inside a section or out, and for every thread, whatever its id.
     * @throws IllegalStateException after {@link Cpus#close()}.
     */
    protected final int affineSlot() {
        final long id = ThreadIds.of(Thread.currentThread());
        // Opaque: any value that the cell has had is a slot; partner: the CAS of the cell in Displacement.
        final long cell = UnsafeApi.getLongOpaque(null, cellsBase + ((id & cellMask) << 3));
        return cell < SlotLayout.CELL_DISPLACED_ONE ? (int)cell : cpus.displacement().affineSlot(id);
    }
}
