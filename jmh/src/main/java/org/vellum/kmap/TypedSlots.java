package org.vellum.kmap;

import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mmu.PageTable;

/**
 * {@code kmap_atomic} as it was: one place for each slot of a CPU and each type, and no check of anything. Two users of one type on one
 * call chain get one address, and the first one's stores go into the second one's frame.
 *
 * <p>Unmapping clears nothing, as in kernels without {@code CONFIG_DEBUG_HIGHMEM}: the place is overwritten by its next user.
 */
final class TypedSlots implements AtomicKmap {
    private static final int TYPES = KmType.values().length;

    private final PhysicalMemory memory;
    private final Cpus cpus;
    private final PageTable table;

    /** @param vellum whose frames are mapped; its own kmap is not used. */
    TypedSlots(final Vellum vellum) {
        memory = vellum.frames().memory();
        cpus = vellum.cpus();
        table = BaselineWindow.open(vellum, (long)cpus.maxSlots() * TYPES);
    }

    @Override
    public long kmapAtomic(final long frame, final KmType type) {
        final Cpu cpu = cpus.enter();
        final long place = (long)cpu.index() * TYPES + type.ordinal();
        table.set(place, BaselineWindow.entry(memory, frame));
        return table.addressOf(place);
    }

    @Override
    public void kunmapAtomic(final long address, final KmType type) {
        cpus.cpu((int)(table.pageOf(address) / TYPES)).exit();
    }
}
