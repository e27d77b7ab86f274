package org.vellum.frame;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;

/** Who may have a run of frames: all that can become of it is decided by one word. */
public final class RunFreeStress {
    private static final int MARK = 5;
    private static final int OTHER_MARK = 6;

    private RunFreeStress() {
    }

    /** A run of two blocks. */
    @State
    public static class Run {
        private static final int FRAMES = 3;
        private static final int RING = 1 << 14;
        private static final Cpus CPUS = new Cpus(CpuOptions.forThisMachine().withCachedSlots(2).withMaxSlots(4));
        private static final FrameAllocator ALLOCATOR =
            new FrameAllocator(CPUS, new FrameOptions(320L << 20, 16L << 20));
        private static final AtomicInteger NEXT = new AtomicInteger();
        private static final long[] LIVE = new long[RING];
        private final int index = NEXT.getAndIncrement() & RING - 1;
        private final long frame = again(index);

        /** The harness also makes states that it does not run: what they took serves the next with their index. */
        private static long again(final int index) {
            while (LIVE[index] == 0) {
                // Not in the section, where nobody waits for a bank that the other thread is adding.
                if (!ALLOCATOR.grow(FRAMES)) {
                    throw new OutOfMemoryError("frames=" + ALLOCATOR.freeFrames() + " " + ALLOCATOR.exhaustionReason());
                }
                final Cpu cpu = CPUS.enter();
                LIVE[index] = Math.max(0, ALLOCATOR.allocateRun(cpu, FRAMES, MARK));
                cpu.exit();
            }
            return LIVE[index];
        }

        /** 1 if it freed the run, 0 if it was told that it cannot. */
        int free(final int mark) {
            final Cpu cpu = CPUS.enter();
            try {
                ALLOCATOR.freeRun(cpu, frame, mark);
                return 1;
            } catch (final IllegalStateException | IllegalArgumentException e) {
                // Free already, marked otherwise, or by now a part of a larger free block.
                return 0;
            } finally {
                cpu.exit();
            }
        }

        /** 1 if it has another mark now. */
        int mark() {
            return ALLOCATOR.table().compareAndSetMark(frame, 1, MARK, OTHER_MARK) ? 1 : 0;
        }

        /** 1 if it is shorter now, 0 if it was free. */
        int shrink() {
            final Cpu cpu = CPUS.enter();
            try {
                ALLOCATOR.shrinkRun(cpu, frame, 1);
                return 1;
            } catch (final IllegalStateException | IllegalArgumentException e) {
                return 0;
            } finally {
                cpu.exit();
            }
        }

        /**
         * How many of its frames are still allocated; frees those, so that the next state begins anew. If it was freed that is not for
         * this state to look at: it may be in the next one's run by now. What is left behind then, or free twice, shows there.
         */
        int settle(final boolean freed) {
            LIVE[index] = 0;
            if (freed) {
                return 0;
            }
            final FrameTable table = ALLOCATOR.table();
            int left = 0;
            for (long at = frame; at < frame + FRAMES; at++) {
                final long head = table.head(at);
                left += head >= frame && table.state(head) == FrameTable.ALLOCATED ? 1 : 0;
            }
            free(table.mark(frame));
            return left;
        }
    }

    /**
     * Two threads free one run. Would catch {@code FrameTable.claimMarked} without its CAS: its blocks would be in the buddy twice,
     * and then have two owners, so that later runs are freed by neither.
     */
    @JCStressTest
    @Outcome(id = {"1, 0, 0", "0, 1, 0"}, expect = ACCEPTABLE, desc = "one frees it, the other is told")
    @Outcome(expect = FORBIDDEN, desc = "both freed, or neither")
    public static class DoubleFree {
        /**
         * @param s the run.
         * @param r whether it freed.
         */
        @Actor
        public void one(final Run s, final III_Result r) {
            r.r1 = s.free(MARK);
        }

        /**
         * @param s the run.
         * @param r whether it freed.
         */
        @Actor
        public void two(final Run s, final III_Result r) {
            r.r2 = s.free(MARK);
        }

        /**
         * @param s the run.
         * @param r what is left of it.
         */
        @Arbiter
        public void settle(final Run s, final III_Result r) {
            r.r3 = s.settle(r.r1 + r.r2 != 0);
        }
    }

    /**
     * A change of the mark against a free by the old one: the way in which a room above says that an object is no longer free to go.
     * Would catch a claim that looks at the mark and then stores, or a mark that is stored and not compared: a run that its owner
     * has kept would be free.
     */
    @JCStressTest
    @Outcome(id = "1, 0, 0", expect = ACCEPTABLE, desc = "free first: there is no run to be marked")
    @Outcome(id = "0, 1, 3", expect = ACCEPTABLE, desc = "mark first: the free is told, the run whole")
    @Outcome(expect = FORBIDDEN, desc = "freed by a mark that it no longer had, or neither")
    public static class MarkAgainstFree {
        /**
         * @param s the run.
         * @param r whether it freed.
         */
        @Actor
        public void free(final Run s, final III_Result r) {
            r.r1 = s.free(MARK);
        }

        /**
         * @param s the run.
         * @param r whether it marked.
         */
        @Actor
        public void mark(final Run s, final III_Result r) {
            r.r2 = s.mark();
        }

        /**
         * @param s the run.
         * @param r what is left of it.
         */
        @Arbiter
        public void settle(final Run s, final III_Result r) {
            r.r3 = s.settle(r.r1 != 0);
        }
    }

    /**
     * A resize against a free, which is misuse, but must not tear the run. Would catch a resize that does not claim the first block:
     * the free would go by one length and the resize by another, and frames be free twice.
     */
    @JCStressTest
    @Outcome(id = "1, 0, 0", expect = ACCEPTABLE, desc = "free first: there is no run to be resized")
    @Outcome(id = "1, 1, 0", expect = ACCEPTABLE, desc = "resize, then free what is left")
    @Outcome(id = "0, 1, 1", expect = ACCEPTABLE, desc = "the free meets the resize and is told")
    @Outcome(expect = FORBIDDEN, desc = "neither, or frames of it are lost or free twice")
    public static class ResizeAgainstFree {
        /**
         * @param s the run.
         * @param r whether it freed.
         */
        @Actor
        public void free(final Run s, final III_Result r) {
            r.r1 = s.free(MARK);
        }

        /**
         * @param s the run.
         * @param r whether it made the run shorter.
         */
        @Actor
        public void shrink(final Run s, final III_Result r) {
            r.r2 = s.shrink();
        }

        /**
         * @param s the run.
         * @param r what is left of it.
         */
        @Arbiter
        public void settle(final Run s, final III_Result r) {
            r.r3 = s.settle(r.r1 != 0);
        }
    }
}
