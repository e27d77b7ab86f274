package org.vellum.cpu;

import java.util.function.Consumer;
import java.util.function.IntFunction;

/**
 * One object for each slot that carries caches; its fields are plain, and belong to whoever occupies the slot.
 *
 * @param <T> the state of one slot. Instances written on hot paths should keep those words off-heap or padded: the
 *            objects of two slots may lie side by side.
 */
public final class PerCpu<T> {
    private final T[] state;

    /**
     * @param cpus the slots.
     * @param make called once for each slot that carries caches, with its index.
     */
    @SuppressWarnings("unchecked")
    public PerCpu(final Cpus cpus, final IntFunction<? extends T> make) {
        state = (T[])new Object[cpus.cachedSlots()];
        for (int i = 0; i < state.length; i++) {
            state[i] = make.apply(i);
        }
    }

    /**
     * @param cpu a slot that the caller occupies.
     * @return its state, or null if the slot carries no caches.
     */
    public T get(final Cpu cpu) {
        return cpu.cached ? state[cpu.index] : null;
    }

    /**
     * Looks at the state of all slots from outside: only words written with an ordering may be read there.
     *
     * @param reader called for each slot's state.
     */
    public void forEachUnoccupied(final Consumer<? super T> reader) {
        for (final T t : state) {
            reader.accept(t);
        }
    }
}
