package org.vellum.percpu;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.vellum.cpu.Cpu;

/**
 * A sum to which many threads add and at which many look: {@link #estimate()} is one load, off by less than the batch times the CPUs, and by what
 * is just being added. The kernel's {@code percpu_counter}. Where nobody looks often, {@link PerCpuCounter} costs less.
 *
 * <p>A copy that has reached the batch, up or down, is emptied into a shared word. That word lies beside what all adders read, so a batch
 * should be large enough to make it rare.
 *
 * <pre>
 *   add:  a1  own copy += delta → v                          sum:  s1  shared
 *         a2  |v| ≥ batch:  that copy := 0 → w                     s2  each copy
 *         a3                shared += w
 * </pre>
 * Every step is an atomic read-modify-write, so what was added is in one copy, or in w, in one thread's hands, or in shared: nothing is lost
 * or counted twice. A sum that comes to a copy between a2 and a3, or to shared before a3 and to the copy behind a2, misses w: like LongAdder's
 * it is exact while nobody adds. Two threads of one copy may both find it full; the second takes what is there then, perhaps 0.
 *
 * <p>Thread safety: all methods may be called by any thread; none waits. After {@link #close} adding and summing are an
 * {@link IllegalStateException}; it must not be closed while others use it: their next addition could be somebody else's memory. One that is
 * dropped without being closed keeps its bytes until the memory is closed, which reports them as leaked.
 */
public final class PerCpuBatchCounter implements AutoCloseable {
    private static final VarHandle SHARED;
    private static final VarHandle POINTER;

    static {
        try {
            final MethodHandles.Lookup lookup = MethodHandles.lookup();
            SHARED = lookup.findVarHandle(PerCpuBatchCounter.class, "shared", long.class);
            POINTER = lookup.findVarHandle(PerCpuBatchCounter.class, "pointer", long.class);
        } catch (final ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final OwnCopy copies;
    private final int batch;
    /** {@link Copies#CLOSED} in the end; plain elsewhere, since using and closing must not race. */
    private long pointer;
    /** What copies have been emptied into. */
    private volatile long shared;

    /** Where an allocator's double will do. */
    PerCpuBatchCounter(final Pointers percpu, final int batch) {
        if (batch < 1) {
            throw new IllegalArgumentException("batch=" + batch);
        }
        this.batch = batch;
        copies = percpu.access();
        pointer = percpu.allocate(Long.BYTES, Long.BYTES);
    }

    /**
     * A counter at 0. May wait outside sections, as {@link PercpuAllocator#allocate} does.
     *
     * @param percpu where its copies are.
     * @param batch what a copy may reach before it is emptied, 1 up to the largest int; a batch of 1 makes the estimate exact.
     * @throws IllegalArgumentException if it is less than 1.
     * @throws org.vellum.report.ExhaustedException if memory has run out.
     */
    public PerCpuBatchCounter(final PercpuAllocator percpu, final int batch) {
        this((Pointers)percpu, batch);
    }

    /** @param delta what to add, modulo 2<sup>64</sup>; together with a batch it should fit a long. */
    public void add(final long delta) {
        add(null, delta);
    }

    /**
     * @param cpu whose copy: of the caller's last section, or null.
     * @param delta what to add, as {@link #add(long)}.
     */
    public void add(final Cpu cpu, final long delta) {
        final long taken = copies.addTakeLong(cpu, pointer, delta, batch);
        if (taken != 0) {
            // Volatile, behind the emptying: partner of sum(), which looks here first.
            SHARED.getAndAdd(this, taken);
        }
    }

    /** @return the sum, off by less than the batch times the CPUs, and by what is being added or emptied; one load. */
    public long estimate() {
        return shared;
    }

    /** @return the sum; exact while nobody adds. */
    public long sum() {
        // Volatile, before the copies: a copy emptied meanwhile is missed, not counted twice.
        return shared + copies.sumLong(pointer);
    }

    /**
     * Takes the sum and begins anew. What others add meanwhile is in this sum or in the next.
     *
     * @return the sum.
     */
    public long sumThenReset() {
        // First what makes sure that it can be done; a copy that is emptied in between comes to shared, and is in this sum or in the next.
        final long taken = copies.exchangeAllLong(pointer, 0);
        return (long)SHARED.getAndSet(this, 0L) + taken;
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
        return "PerCpuBatchCounter[" + (pointer == Copies.CLOSED ? "closed" : Long.toString(sum())) + "]";
    }
}
