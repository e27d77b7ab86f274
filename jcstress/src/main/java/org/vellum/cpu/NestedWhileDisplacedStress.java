package org.vellum.cpu;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/**
 * Two threads of one cell over two slots: one of them is displaced and re-homes the cell at its exit, while the other enters
 * and nests at the slot that the cell named before. The bug it would catch: an enter that does not look at its cell again
 * after the CAS (B in {@link Cpus}), so that the nested enter follows the changed cell and occupies a second slot.
 */
@JCStressTest
@Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "each nested enter found its section, and all slots were left")
@Outcome(id = "0, ., .|., 0, .", expect = FORBIDDEN, desc = "two slots for one section")
@Outcome(expect = FORBIDDEN, desc = "a slot stayed occupied or a thread stayed counted")
@State
public class NestedWhileDisplacedStress {
    private static final CpuOptions OPTIONS = new CpuOptions(2, 2, 1, 1L << 32, 1, 1_000_000_000L);

    private final Cpus cpus = new Cpus(OPTIONS);

    /** @param r what the first thread found. */
    @Actor
    public void first(final III_Result r) {
        r.r1 = nest() & nest();
    }

    /** @param r what the second thread found. */
    @Actor
    public void second(final III_Result r) {
        r.r2 = nest() & nest();
    }

    /** @param r what is left when both have gone. */
    @Arbiter
    public void quiet(final III_Result r) {
        try {
            cpus.verifyQuiet();
            r.r3 = 1;
        } catch (final AssertionError e) {
            r.r3 = 0;
        }
    }

    private int nest() {
        final Cpu outer = cpus.enter();
        final Cpu nested = cpus.enter();
        nested.exit();
        outer.exit();
        return nested == outer ? 1 : 0;
    }
}
