package org.vellum.cli;

import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.report.ExhaustedException;
import org.vellum.vmap.VmapBuffer;

/**
 * What one thread of a cell does again and again. Each policy is a class with a loop of its own, so that the compiler sees one
 * receiver in it; the call of {@link #batch()} is the only one that is not, once in {@link #BATCH} operations.
 *
 * <p>Thread safety: used by one thread at a time; the crew's start and join order what different threads do with it.
 */
abstract class Hammer {
    static final int BATCH = 64;

    final Vellum memory;
    final Cpus cpus;
    /**
     * Made by each thread that works, in its own part of the heap: it is written at each mapping, and beside what another
     * thread reads it would measure the cache line that both share.
     */
    VmapBuffer view;
    /** The slot of the last section, as a hint for the next. Written only when it changes, for the same reason. */
    private Cpu hint;

    private long operations;
    private long nanos;

    Hammer(final Vellum memory) {
        this.memory = memory;
        cpus = memory.cpus();
        view = memory.view();
    }

    final Cpu hint() {
        return hint;
    }

    final void hint(final Cpu cpu) {
        if (hint != cpu) {
            hint = cpu;
        }
    }

    /** On the thread that will work, before the clock starts. */
    void prepare() {
    }

    /** Does {@link #BATCH} operations. */
    abstract void batch();

    /** On the thread that has worked, after its time. */
    void check() {
    }

    /** What is done when a batch found no room. Inside a section nobody may wait for addresses in limbo; here one may. */
    void relieve(final ExhaustedException exhaustion) {
        memory.synchronize();
    }

    /** Forgets the figures of the last cell. */
    void reset() {
        operations = 0;
        nanos = 0;
    }

    /** Works until told to stop; whoever starts late or ends late is measured for as long as it worked. */
    final void run(final Stop stop) {
        hint = cpus.enter();
        hint.exit();
        view = memory.view();
        prepare();
        final long start = System.nanoTime();
        long done = 0;
        while (!stop.requested()) {
            try {
                batch();
                done += BATCH;
            } catch (final ExhaustedException e) {
                // The time counts.
                relieve(e);
            }
        }
        nanos += System.nanoTime() - start;
        operations += done;
        check();
    }

    /** Operations of this cell. */
    final long operations() {
        return operations;
    }

    /** Nanoseconds in this cell. */
    final long nanos() {
        return nanos;
    }
}
