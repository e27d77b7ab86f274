package org.vellum.gather;

import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mem.CacheLine;
import org.vellum.mem.Words;

/**
 * A batch a slot that gathers what small unmaps leave: it is retired when it is full, so that four pages do not cost a batch, nor a flush,
 * of their own. What is in it was cleared before it came in, so the stamp that it gets in the end covers all of it.
 *
 * <p>What is in open batches is neither free nor in limbo; it is bounded by {@code most} frames a slot, and {@link #retireAll} takes it from
 * the idle ones.
 */
final class OpenBatches {
    private static final long NO_BATCH = 0;

    private final Cpus cpus;
    private final FrameBatches batches;
    private final int most;
    /** For each slot its batch, or 0. Plain words of the slot's occupant; others peek. */
    private final Words open;

    OpenBatches(final Cpus cpus, final FrameBatches batches, final int most) {
        this.cpus = cpus;
        this.batches = batches;
        this.most = most;
        open = Words.zeroed((long)cpus.cachedSlots() * CacheLine.STRIDE_WORDS);
    }

    private static long at(final int slot) {
        return (long)slot * CacheLine.STRIDE_WORDS;
    }

    /**
     * Adds a frame whose entry is cleared. By the slot's occupant.
     *
     * @return false if the slot carries no caches, or there is no memory for a batch.
     */
    boolean add(final Cpu cpu, final long frame) {
        if (cpu == null || !cpu.carriesCaches()) {
            return false;
        }
        long batch = open.getPlain(at(cpu.index()));
        if (batch == NO_BATCH) {
            batch = batches.allocate(cpu);
            if (batch == PhysicalMemory.NO_FRAME) {
                return false;
            }
            open.putOpaque(at(cpu.index()), batch);
        }
        batches.add(batch, frame);
        if (batches.count(batch) >= most) {
            retire(cpu);
            // As much comes back as goes, while the caches still have it: or small unmaps would go through all that limbo may hold.
            batches.releaseOwn(cpu);
        }
        return true;
    }

    /** By the slot's occupant; whether there was a batch. */
    private boolean retire(final Cpu cpu) {
        final long batch = open.getPlain(at(cpu.index()));
        if (batch == NO_BATCH) {
            return false;
        }
        open.putOpaque(at(cpu.index()), NO_BATCH);
        batches.retire(cpu, batch);
        return true;
    }

    /** Retires the batches of all slots that are idle, or the caller's own; how many. Never waits. */
    int retireAll() {
        int retired = 0;
        for (int i = 0; i < cpus.usedCachedSlots(); i++) {
            // Opaque: a peek; decided again by an occupant.
            if (open.getOpaque(at(i)) != NO_BATCH) {
                final Cpu own = cpus.current();
                final Cpu cpu = own != null && own.index() == i ? cpus.enter(own) : cpus.tryVisit(i);
                if (cpu != null) {
                    try {
                        retired += retire(cpu) ? 1 : 0;
                    } finally {
                        cpu.exit();
                    }
                }
            }
        }
        return retired;
    }

    /** How many slots have one now. */
    int count() {
        int count = 0;
        for (int i = 0; i < cpus.usedCachedSlots(); i++) {
            count += open.getOpaque(at(i)) != NO_BATCH ? 1 : 0;
        }
        return count;
    }
}
