package org.vellum.cpu;

import org.vellum.mem.CacheLine;
import org.vellum.mem.Words;

/**
 * A sum that threads on many slots change all the time and few look at: the kernel's {@code percpu_counter}.
 *
 * <p>Each slot with caches gathers what its occupants add, and folds it into one shared word only when that exceeds a batch. So
 * {@link #estimate()} costs one load and is off by less than the batch times the slots; with a batch of 1 it is exact.
 *
 * <p>Thread safety: all methods may be called by any thread; none waits.
 */
public final class SlotCounter {
    private final int slots;
    private final long batch;
    private final Words parts;
    private final Words shared = Words.zeroed(2L * CacheLine.STRIDE_WORDS);

    /**
     * @param cpus the slots.
     * @param batch how much a slot may keep to itself, at least 1.
     */
    public SlotCounter(final Cpus cpus, final long batch) {
        if (batch < 1) {
            throw new IllegalArgumentException("batch=" + batch);
        }
        slots = cpus.cachedSlots();
        this.batch = batch;
        parts = Words.zeroed((long)slots * CacheLine.STRIDE_WORDS);
    }

    /**
     * @param cpu the slot that the caller occupies, or null.
     * @param delta what to add.
     */
    public void add(final Cpu cpu, final long delta) {
        if (cpu == null || !cpu.cached) {
            shared.getAndAdd(0, delta);
            return;
        }
        final long at = (long)cpu.index * CacheLine.STRIDE_WORDS;
        final long sum = parts.getPlain(at) + delta;
        if (sum >= batch || sum <= -batch) {
            // Opaque, as in sum(): who adds the parts up meanwhile may be off by one batch.
            parts.putOpaque(at, 0);
            shared.getAndAdd(0, sum);
        } else {
            parts.putOpaque(at, sum);
        }
    }

    /** @return the sum, off by less than the batch times the slots. */
    public long estimate() {
        return shared.getOpaque(0);
    }

    /** @return the sum; exact while nobody adds. */
    public long sum() {
        long sum = shared.getVolatile(0);
        for (int i = 0; i < slots; i++) {
            // Opaque: partner of add().
            sum += parts.getOpaque((long)i * CacheLine.STRIDE_WORDS);
        }
        return sum;
    }
}
