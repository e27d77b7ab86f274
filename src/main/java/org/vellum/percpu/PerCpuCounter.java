package org.vellum.percpu;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.vellum.cpu.Cpu;

/**
 * A sum to which many threads add and few look: like {@link java.util.concurrent.atomic.LongAdder}, but off-heap, 8 bytes a CPU whether or not
 * threads have met there, so that there can be hundreds of thousands. Beyond that it is one small object; who has no use for it calls
 * {@link OwnCopy#addLong(long, long)} with a pointer of 8 bytes, which is all it does. For a sum that is looked at often there is
 * {@link PerCpuBatchCounter}.
 *
 * <p>Thread safety: all methods may be called by any thread; none waits. After {@link #close} adding and summing are an
 * {@link IllegalStateException}; it must not be closed while others use it: their next addition could be somebody else's memory. One that is
 * dropped without being closed keeps its bytes until the memory is closed, which reports them as leaked.
 */
public final class PerCpuCounter implements AutoCloseable {
    private static final VarHandle POINTER;

    static {
        try {
            POINTER = MethodHandles.lookup().findVarHandle(PerCpuCounter.class, "pointer", long.class);
        } catch (final ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final OwnCopy copies;
    /** {@link Copies#CLOSED} in the end; plain elsewhere, since using and closing must not race. */
    private long pointer;

    /** Where an allocator's double will do. */
    PerCpuCounter(final Pointers percpu) {
        copies = percpu.access();
        pointer = percpu.allocate(Long.BYTES, Long.BYTES);
    }

    /**
     * A counter at 0. May wait outside sections, as {@link PercpuAllocator#allocate} does.
     *
     * @param percpu where its copies are.
     * @throws org.vellum.report.ExhaustedException if memory has run out.
     */
    public PerCpuCounter(final PercpuAllocator percpu) {
        this((Pointers)percpu);
    }

    /** Adds 1. */
    public void increment() {
        add(1);
    }

    /** Takes 1 off. */
    public void decrement() {
        add(-1);
    }

    /** @param delta what to add, modulo 2<sup>64</sup>. */
    public void add(final long delta) {
        copies.addLong(pointer, delta);
    }

    /**
     * @param cpu whose copy: of the caller's last section, or null.
     * @param delta what to add, modulo 2<sup>64</sup>.
     */
    public void add(final Cpu cpu, final long delta) {
        copies.addLong(cpu, pointer, delta);
    }

    /** @return the sum; exact while nobody adds. */
    public long sum() {
        return copies.sumLong(pointer);
    }

    /**
     * Takes the sum and begins anew. What others add meanwhile is in this sum or in the next.
     *
     * @return the sum.
     */
    public long sumThenReset() {
        return copies.exchangeAllLong(pointer, 0);
    }

    /** Frees the copies. Again: nothing to do. */
    @Override
    public void close() {
        final long old = (long)POINTER.getAndSet(this, Copies.CLOSED);
        if (old != Copies.CLOSED) {
            copies.owner().free(old);
        }
    }

    @Override
    public String toString() {
        return "PerCpuCounter[" + (pointer == Copies.CLOSED ? "closed" : Long.toString(sum())) + "]";
    }
}
