package org.vellum.cpu;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * Two threads and one slot. The bug it would catch: an exit that lets a later store of the section sink below the word's
 * change to idle, or an enter whose loads rise above it; the next occupant then loses a plain increment, and per-CPU state is
 * anybody's.
 */
@JCStressTest
@Outcome(id = {"1, 2", "2, 1"}, expect = ACCEPTABLE, desc = "one after the other: the second sees what the first wrote")
@Outcome(id = {"1, -1", "-1, 1"}, expect = ACCEPTABLE, desc = "one found the slot busy and stayed out")
@Outcome(expect = FORBIDDEN, desc = "both inside at once, or an increment was lost")
@State
public class SlotOccupancyStress {
    private final Cpus cpus = new Cpus(OneSlot.OPTIONS);
    private int counter;

    /** @param r what the first thread saw. */
    @Actor
    public void first(final II_Result r) {
        r.r1 = count();
    }

    /** @param r what the second thread saw. */
    @Actor
    public void second(final II_Result r) {
        r.r2 = count();
    }

    private int count() {
        final Cpu cpu = cpus.tryEnter();
        if (cpu == null) {
            return -1;
        }
        final int seen = ++counter;
        cpu.exit();
        return seen;
    }

    private static final class OneSlot {
        static final CpuOptions OPTIONS =
            new CpuOptions(1, 1, 1, 1L << 32, 1, 0);
    }
}
