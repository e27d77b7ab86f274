package org.vellum.space;

import java.util.Locale;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** A space that takes ranges away as the row says. */
@State(Scope.Benchmark)
public class UnmapRow extends SpaceMemory {
    /** Slice by slice, or all of it under the space's lock; both gather in the same batches. */
    @Param({"preemptible", "atomic"})
    public String policy;

    @Override
    protected UnmapPolicy policy() {
        return UnmapPolicy.valueOf(policy.toUpperCase(Locale.ROOT));
    }
}
