package org.vellum.percpu;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.vellum.cpu.Cpu;

/**
 * A sum to which many threads add and few look: like {@link java.util.concurrent.atomic.LongAdder}, but off-heap, 8 bytes a CPU wherever
 * threads have met or not, so that there can be hundreds of thousands. Beyond that it is one small object; who has no use for it calls
 * {@link OwnCopy#addLong(long, long)} with a pointer of 8 bytes, which is all it does.
 *
 * <h2>With a batch</h2>
 * {@link #sum()} looks at every CPU's copy. A counter with a batch keeps a shared word besides: a copy that has reached the batch, up
 * or down, is emptied into it, and {@link #estimate()} is one load, off by less than the batch times the CPUs, and by what is just being
 * added or emptied. Emptying writes what all adders read, so a batch should be large enough to make it rare.
 *
 * <pre>
 *   add:  a1  own copy += delta → v                          sum:  s1  shared
 *         a2  |v| ≥ batch:  own copy := 0 → w                      s2  each copy
 *         a3                shared += w
 * </pre>
 * Every step is an atomic read-modify-write, so what was added is in one copy or in w, in one thread's hands, or in shared: nothing is lost
 * or counted twice. A sum that goes on between a2 and a3 of another thread misses w, one that has done s1 before a3 and s2 behind a2, too:
 * like LongAdder's, it is exact while nobody adds. Two threads of one copy may both find it full; the second empties what is there then,
 * perhaps 0.
 *
 * <p>Thread safety: all methods may be called by any thread; none waits. After {@link #close} adding and summing are an
 * {@link IllegalStateException}; it must not be closed while others use it: their next addition could be somebody else's memory.
 */
public final class PerCpuCounter implements AutoCloseable {
    private static final VarHandle SHARED;
    private static final VarHandle POINTER;

    static {
        try {
            final MethodHandles.Lookup lookup = MethodHandles.lookup();
            SHARED = lookup.findVarHandle(PerCpuCounter.class, "shared", long.class);
            POINTER = lookup.findVarHandle(PerCpuCounter.class, "pointer", long.class);
        } catch (final ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Pointers percpu;
    private final OwnCopy copies;
    /** 0: no batch. */
    private final int batch;
    /** {@link Copies#CLOSED} in the end; plain elsewhere, since using and closing must not race. */
    private long pointer;
    /** What copies have been emptied into. */
    private volatile long shared;

    private PerCpuCounter(final Pointers percpu, final int batch) {
        this.percpu = percpu;
        this.batch = batch;
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
        this((Pointers)percpu, 0);
    }

    /**
     * A counter at 0 with a batch.
     *
     * @param percpu where its copies are.
     * @param batch what a copy may reach before it is emptied, 1 up to the largest int; a batch of 1 makes the estimate exact.
     * @throws IllegalArgumentException if it is less than 1.
     * @throws org.vellum.report.ExhaustedException if memory has run out.
     */
    public PerCpuCounter(final PercpuAllocator percpu, final int batch) {
        this((Pointers)percpu, requireBatch(batch));
    }

    /** Where an allocator's double will do. */
    static PerCpuCounter of(final Pointers percpu, final int batch) {
        return new PerCpuCounter(percpu, batch == 0 ? 0 : requireBatch(batch));
    }

    private static int requireBatch(final int batch) {
        if (batch < 1) {
            throw new IllegalArgumentException("batch=" + batch);
        }
        return batch;
    }

    /** Adds 1. */
    public void increment() {
        add(1);
    }

    /** Takes 1 off. */
    public void decrement() {
        add(-1);
    }

    /** @param delta what to add, modulo 2<sup>64</sup>; with a batch, what does not overflow a long together with it. */
    public void add(final long delta) {
        if (batch == 0) {
            copies.addLong(pointer, delta);
        } else {
            addBatched(null, delta);
        }
    }

    /**
     * @param cpu whose copy: of the caller's last section, or null.
     * @param delta what to add, as {@link #add(long)}.
     */
    public void add(final Cpu cpu, final long delta) {
        if (batch == 0) {
            copies.addLong(cpu, pointer, delta);
        } else {
            addBatched(cpu, delta);
        }
    }

    private void addBatched(final Cpu cpu, final long delta) {
        final long taken = copies.addTakeLong(cpu, pointer, delta, batch);
        if (taken != 0) {
            // Volatile, behind the emptying: partner of sum(), which looks here first.
            SHARED.getAndAdd(this, taken);
        }
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
        return (long)SHARED.getAndSet(this, 0L) + copies.exchangeAllLong(pointer, 0);
    }

    /**
     * @return the sum, off by less than the batch times the CPUs, and by what is being added; one load. Without a batch it is {@link #sum()}.
     */
    public long estimate() {
        return batch == 0 ? sum() : shared;
    }

    /** Frees the copies. Again: nothing to do. */
    @Override
    public void close() {
        final long old = (long)POINTER.getAndSet(this, Copies.CLOSED);
        if (old != Copies.CLOSED) {
            percpu.free(old);
        }
    }

    @Override
    public String toString() {
        return "PerCpuCounter[" + (pointer == Copies.CLOSED ? "closed" : Long.toString(sum())) + "]";
    }
}
