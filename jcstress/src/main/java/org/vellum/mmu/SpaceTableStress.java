package org.vellum.mmu;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.vellum.Stagger;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.SpinLock;

/** Entries of an address space that two change at once. */
public final class SpaceTableStress {
    private SpaceTableStress() {
    }

    /**
     * A store is noted while the page is write-protected (RG3): whoever protects learns of it, or the store has to look again. Would catch
     * {@code SpaceTable.replaceNoFlush} by a load and a store, and {@code mark} by a store.
     */
    @JCStressTest
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "noted, then protected, which says so")
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "protected, then refused")
    @Outcome(expect = FORBIDDEN, desc = "the dirty bit was lost, or set on a page that is protected")
    @State
    public static class MarkAgainstProtect {
        private final Stagger stagger = new Stagger();
        private final TableCell cell = new TableCell(true);

        /** @param r whether the store was noted. */
        @Actor
        public void writer(final II_Result r) {
            stagger.one();
            final Cpu cpu = TableCell.CPUS.enter();
            final long seen = cell.table.get(cell.page);
            if (SpaceEntry.has(seen, SpaceEntry.WRITABLE)) {
                r.r1 = cell.table.mark(cell.page, seen, SpaceEntry.DIRTY) ? 1 : 0;
            }
            cpu.exit();
        }

        /** @param r whether the page was dirty until then; -1 if it is dirty now. */
        @Actor
        public void protector(final II_Result r) {
            stagger.other();
            final SpinLock lock = cell.lock();
            final long old = cell.table.replaceNoFlush(cell.page, cell.present(SpaceEntry.READABLE));
            lock.unlock();
            r.r2 = SpaceEntry.has(old, SpaceEntry.DIRTY) ? 1 : 0;
        }

        /** @param r for what is left. */
        @Arbiter
        public void settle(final II_Result r) {
            r.r2 = SpaceEntry.has(cell.table.get(cell.page), SpaceEntry.DIRTY) ? -1 : r.r2;
        }
    }

    /** Two first faults of one page: one frame. Would catch {@code setIfNone} without the page-table lock: both install theirs. */
    @JCStressTest
    @Outcome(id = {"1, 0, 1", "0, 1, 1"}, expect = ACCEPTABLE, desc = "one installed, the other gives its frame back")
    @Outcome(expect = FORBIDDEN, desc = "both, or none")
    @State
    public static class TwoFirstFaults {
        private final Stagger stagger = new Stagger(16);
        private final TableCell cell = new TableCell(false);

        private int fault(final long mine) {
            final SpinLock lock = cell.lock();
            final boolean installed = cell.table.setIfNone(cell.page, TableCell.swapped(mine));
            lock.unlock();
            return installed ? 1 : 0;
        }

        /** @param r whether it installed. */
        @Actor
        public void one(final III_Result r) {
            stagger.one();
            r.r1 = fault(7);
        }

        /** @param r whether it installed. */
        @Actor
        public void other(final III_Result r) {
            stagger.other();
            r.r2 = fault(8);
        }

        /** @param r how many entries there are, if the one is the winner's. */
        @Arbiter
        public void settle(final III_Result r) {
            final long slot = SpaceEntry.swapSlot(cell.table.get(cell.page));
            r.r3 = slot == (r.r1 == 1 ? 7 : 8) ? cell.table.used(cell.page) : -1;
        }
    }
}
