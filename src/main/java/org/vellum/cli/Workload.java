package org.vellum.cli;

import java.util.List;
import org.vellum.Vellum;
import org.vellum.vmap.FlushPolicy;

/** What the columns of a table do: the same work under several policies, each with a memory of its own. */
interface Workload {
    /** The policies, in the order of the columns. */
    List<String> policies();

    /** The threads' work under one policy; a cell with fewer threads takes the first. */
    List<? extends Hammer> hammers(String policy);

    /** Share of the time of the cell just run that went into mapping and unmapping, or NaN if that is not measured. */
    double mapShare(List<? extends Hammer> hammers);

    /** Gives everything back, checks what can be checked, closes the memories. Returns whether every check held. */
    boolean finish(Console console);

    /** Addresses enough that a small memory does not measure the exhaustion of its window. */
    long MIN_WINDOW = 4L << 30;

    /** Opens the memory of one policy. */
    static Vellum open(final String policy, final long bytes) {
        return Vellum.builder().memory(bytes).window(Math.max(MIN_WINDOW, 4 * bytes & -(4L << 20)))
            .flushPolicy(policy.equals("eager") ? FlushPolicy.EAGER : FlushPolicy.LAZY).open();
    }
}
