package org.vellum.gather;

import java.util.function.BooleanSupplier;

/** Lets tests of the rooms above have no memory for batches. */
public final class GatherFailures {
    private GatherFailures() {
    }

    /** Whether each allocation of a batch from now on shall fail; null for none. */
    public static void failBatches(final Gathers gathers, final BooleanSupplier failing) {
        gathers.batches.failing = failing;
    }
}
