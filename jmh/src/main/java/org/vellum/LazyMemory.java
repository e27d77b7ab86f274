package org.vellum;

import java.io.IOException;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.vellum.vmap.FlushPolicy;

/**
 * One memory for all threads of a trial, under the policy to use; what was measured is verified afterwards.
 *
 * <p>JMH counts that walk's garbage as the last iteration's: under {@code -prof gc} look at the others.
 */
@State(Scope.Benchmark)
public class LazyMemory {
    /** Enough for each benchmark here at some dozens of threads; banks come on demand. */
    private static final long BYTES = 512L << 20;
    /**
     * What a machine with a few gigabytes of memory would have by default: addresses are what a thread uses up while another
     * one, preempted in a section, holds up their reuse. The table behind them is taken as it is used.
     */
    private static final long WINDOW_BYTES = 32L << 30;

    /** The memory, open while benchmarks run. */
    public Vellum vellum;

    /** @return how the memory is built; subclasses change it. */
    protected VellumBuilder builder() {
        return Vellum.builder().memory(BYTES).window(WINDOW_BYTES).flushPolicy(FlushPolicy.LAZY);
    }

    /** Opens it; the setups of subclasses come after. */
    @Setup(Level.Trial)
    public void open() {
        vellum = builder().open();
    }

    /**
     * Gives back, and checks, what subclasses have put into the memory. Here, and not where threads end, because those end while one of
     * them is here already.
     *
     * @throws IOException if a file is in the way.
     */
    protected void finish() throws IOException {
    }

    /**
     * A figure that broken structures produced is worth nothing.
     *
     * @throws IOException as {@link #finish}.
     */
    @TearDown(Level.Trial)
    public void verify() throws IOException {
        finish();
        vellum.quiesce();
        vellum.verify();
        vellum.close();
    }
}
