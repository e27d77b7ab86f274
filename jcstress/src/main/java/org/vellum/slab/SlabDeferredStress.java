package org.vellum.slab;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.Arrays;
import org.agrona.UnsafeApi;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.vellum.Stagger;
import org.vellum.cpu.Cpu;

/** Deferred frees. */
public final class SlabDeferredStress {
    private SlabDeferredStress() {
    }

    /** An object that is published, in a slab whose grace period for another object has ended. */
    @State
    public static class Published {
        private static final long OLD = 0x0102030405060708L;
        /** How long a reader waits for the writer to have handed out again before it looks. */
        private static final long MOST_NANOS = 200_000;
        private final SlabCell cell = SlabCell.take();
        private final long[] objects = cell.fullSlab();
        private final long[] handedOut = new long[2];
        private volatile long published = objects[1];
        private volatile boolean replaced;

        /** Defers the other one's free, and lets its epoch end. */
        public Published() {
            cell.write(published, OLD);
            final Cpu cpu = cell.visit(0);
            cell.slabs.freeDeferred(cpu, objects[0]);
            cpu.exit();
            cell.epochs.advanceFrom(cell.epochs.now());
        }

        int read() {
            // Not the slot that the writer allocates on, or it would wait for this section.
            final Cpu cpu = cell.visit(1);
            try {
                final long address = published;
                if (address == 0) {
                    return 0;
                }
                final long at = cell.nativeAddress(address);
                final long end = System.nanoTime() + MOST_NANOS;
                while (!replaced && System.nanoTime() < end) {
                    Thread.onSpinWait();
                }
                return UnsafeApi.getLongOpaque(null, at) == OLD ? 1 : 2;
            } finally {
                cpu.exit();
            }
        }

        void replace() {
            final long address = published;
            published = 0;
            cell.slabs.freeDeferred(null, address);
            cell.slabs.poll();
            cell.slabs.poll();
            for (int i = 0; i < handedOut.length; i++) {
                handedOut[i] = cell.allocate(0);
                cell.write(handedOut[i], ~OLD);
            }
            replaced = true;
        }
    }

    /**
     * A reader in its section against a free that joins a slab in limbo. Would catch {@code DeferredFrees.release} making DEFERRED objects
     * free at once, under the stamp of those before.
     */
    @JCStressTest
    @Outcome(id = {"0, 1", "1, 1"}, expect = ACCEPTABLE, desc = "not there any more, or the old content to the end of the section")
    @Outcome(expect = FORBIDDEN, desc = "handed out under a reader, or lost")
    public static class AgainstReader {
        /**
         * @param s the object.
         * @param r what it saw.
         */
        @Actor
        public void reader(final Published s, final II_Result r) {
            r.r1 = s.read();
        }

        /** @param s the object. */
        @Actor
        public void writer(final Published s) {
            s.replace();
        }

        /**
         * @param s the object.
         * @param r whether everything is back.
         */
        @Arbiter
        public void settle(final Published s, final II_Result r) {
            final boolean whole = s.cell.slabsLeft() > 0;
            r.r2 = s.cell.settle(s.objects[2], s.objects[3], s.handedOut[0], s.handedOut[1]) & (whole ? 1 : 0);
        }
    }

    /** A slab that is nobody's, with a live object, and one whose grace period has ended: the next pass is its last. */
    @State
    public static class LastPass {
        private final SlabCell cell = SlabCell.take();
        /** The pass ends a microsecond after the poll begins. */
        private final Stagger stagger = new Stagger(2_048);
        /** A hundred or so: between the look at the first one and the end of the pass lies time. */
        private final long[] objects = cell.fullSlab(SizeClasses.of(256));

        /** Leaves the slab, frees all but the first and the last, and defers the last; its first pass makes that WAITING. */
        public LastPass() {
            cell.drain(0);
            cell.free(Arrays.copyOfRange(objects, 1, objects.length - 1));
            cell.slabs.freeDeferred(null, objects[objects.length - 1]);
            while (cell.slabs.poll() == 0) {
                Thread.onSpinWait();
            }
            cell.epochs.advanceFrom(cell.epochs.now());
        }
    }

    /**
     * A thread without a slot defers the last free, while another makes the last pass. The one may find the mark set that the other takes off, or
     * set it when its object is free already. Would catch {@code DeferredFrees.release} that does not look again after it has taken
     * the mark off (p4), and {@code Slabs.release} that overwrites a mark.
     */
    @JCStressTest
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "nothing is lost")
    @Outcome(expect = FORBIDDEN, desc = "an object waits for ever, or the slab is lost")
    public static class MarkAgainstPoll {
        /** @param s the slab. */
        @Actor
        public void one(final LastPass s) {
            s.stagger.one();
            s.cell.slabs.freeDeferred(null, s.objects[0]);
        }

        /** @param s the slab. */
        @Actor
        public void two(final LastPass s) {
            s.stagger.other();
            s.cell.slabs.poll();
        }

        /**
         * @param s the slab.
         * @param r whether it is whole, and everything comes back.
         */
        @Arbiter
        public void settle(final LastPass s, final II_Result r) {
            r.r1 = s.cell.slabsLeft() >= 0 ? 1 : 0;
            r.r2 = s.cell.settle();
        }
    }
}
