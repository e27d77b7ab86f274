package org.vellum.space;

import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.vellum.LazyMemory;
import org.vellum.VellumBuilder;

/** One memory with one address space for all threads of a trial; both are verified afterwards. */
@State(Scope.Benchmark)
public class SpaceMemory extends LazyMemory {
    private static final long BYTES = 1L << 30;
    private static final long SPACE_BYTES = 64L << 30;

    /** The space, open while benchmarks run. */
    public AddressSpace space;

    /** @return how the space takes ranges away; subclasses change it. */
    protected UnmapPolicy policy() {
        return UnmapPolicy.PREEMPTIBLE;
    }

    /** @return bytes of memory. */
    protected long memoryBytes() {
        return BYTES;
    }

    @Override
    protected VellumBuilder builder() {
        return super.builder().memory(memoryBytes());
    }

    /** Makes the space. */
    @Setup(Level.Trial)
    public void create() {
        space = vellum.spaces().create(SpaceOptions.of(SPACE_BYTES).withPolicy(policy()));
    }

    /** Lets frames that were unmapped be free for those who fault next, as far as sections of others allow. */
    final void settle() {
        vellum.synchronize();
        vellum.spaces().poll();
    }

    @Override
    protected void finish() {
        space.verify();
        space.close();
    }
}
