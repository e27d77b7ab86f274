package org.vellum;

import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.vellum.vmap.FlushPolicy;

/** One memory under the eager policy, the baseline: a global lock, and a flush of its own at each unmap. */
@State(Scope.Benchmark)
public class EagerMemory extends LazyMemory {
    @Override
    protected VellumBuilder builder() {
        return super.builder().flushPolicy(FlushPolicy.EAGER);
    }
}
