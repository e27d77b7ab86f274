package org.vellum.mapram;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.vellum.mem.Words;
import org.vellum.report.Listener;
import org.vellum.vmap.VmapWorld;

/** The record of a block: made whole, retired once, pooled once. */
public final class BlockLifeStress {
    private BlockLifeStress() {
    }

    /**
     * RV6: a purge leaves the block while the last unmap arrives elsewhere. Would catch {@code Blocks.add} deciding from a load of the word
     * beside its addition: both see it complete and the block is in the pool twice, or neither does and it is lost.
     */
    @JCStressTest
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "whoever adds last retires it: once, and it comes back")
    @Outcome(expect = FORBIDDEN, desc = "retired twice, or never")
    @State
    public static class DoublePurge {
        private static final VmapWorld WORLD = new VmapWorld(64, VmapBlock.PAGES);
        private final Blocks blocks = new Blocks(WORLD.space, WORLD.epochs, Listener.SILENT);

        /** Leaves the block with all but two pages dirty. */
        @Actor
        public void purger() {
            blocks.add(null, 0, VmapBlock.LEFT + VmapBlock.PAGES - 2);
        }

        /** Unmaps the last two pages, one by one. */
        @Actor
        public void unmapper() {
            blocks.add(null, 0, 1);
            blocks.add(null, 0, 1);
        }

        /** @param r how often it was retired, and whether it is in the pool. */
        @Arbiter
        public void settle(final II_Result r) {
            for (int i = 0; i < 1000 && blocks.limboBytes() != 0; i++) {
                blocks.poll(true);
            }
            r.r1 = (int)blocks.retired.get();
            r.r2 = (int)blocks.pooled();
        }
    }

    /** Broken on purpose: adds, then looks, in two steps. Seen to fail on JDK 17, x86: 1.9 of 11.2 million samples. */
    @JCStressTest
    @Outcome(id = {"1, 0", "0, 1"}, expect = ACCEPTABLE, desc = "one finds it complete")
    @Outcome(id = "1, 1", expect = ACCEPTABLE_INTERESTING, desc = "both find it complete: retired twice")
    @State
    public static class BrokenTwinAddThenLook {
        private static final Words WORDS = Words.zeroed(1L << 18);
        private static final AtomicLong NEXT = new AtomicLong();
        private final long word = NEXT.getAndIncrement() & (1L << 18) - 1;

        /** The word begins anew. */
        public BrokenTwinAddThenLook() {
            WORDS.putVolatile(word, 0);
        }

        /** @param r whether it would retire. */
        @Actor
        public void purger(final II_Result r) {
            r.r1 = add(VmapBlock.LEFT + VmapBlock.PAGES - 1);
        }

        /** @param r whether it would retire. */
        @Actor
        public void unmapper(final II_Result r) {
            r.r2 = add(1);
        }

        private int add(final long delta) {
            WORDS.getAndAdd(word, delta);
            return VmapBlock.isComplete(WORDS.getVolatile(word)) ? 1 : 0;
        }
    }

    /**
     * RV3: two threads take blocks, from the pool or fresh from the window, and retire them again. Would catch a block that appears
     * before its record is set ({@code Blocks.create}, {@code Blocks.Recycle}), one handed out twice, and a range given back
     * while somebody takes it.
     */
    @JCStressTest
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "two whole blocks, different ones")
    @Outcome(id = {"1, 3", "3, 1"}, expect = ACCEPTABLE, desc = "the other was preempted with all blocks in its hands")
    @Outcome(expect = FORBIDDEN, desc = "a block with default fields (0), or one block twice (2)")
    @State
    public static class Creation {
        private static final VmapWorld WORLD = new VmapWorld(64, 1 << 14);
        private static final Blocks BLOCKS = new Blocks(WORLD.space, WORLD.epochs, Listener.SILENT);
        private static final AtomicIntegerArray TAKEN = new AtomicIntegerArray((1 << 14) / VmapBlock.PAGES);

        /** @param r 1 if the block was whole and nobody else's. */
        @Actor
        public void taker(final II_Result r) {
            r.r1 = takeAndRetire();
        }

        /** @param r as above. */
        @Actor
        public void taker2(final II_Result r) {
            BLOCKS.giveBackPooled();
            r.r2 = takeAndRetire();
        }

        private static int takeAndRetire() {
            long block = BLOCKS.take();
            for (int i = 0; i < 1000 && block == BlockPool.NONE; i++) {
                BLOCKS.poll(true);
                block = BLOCKS.take();
            }
            if (block == BlockPool.NONE) {
                return 3;
            }
            if (!TAKEN.compareAndSet((int)block, 0, 1)) {
                return 2;
            }
            final int whole = whole(block);
            TAKEN.set((int)block, 0);
            BLOCKS.add(null, block, VmapBlock.LEFT + VmapBlock.PAGES);
            return whole;
        }

        private static int whole(final long block) {
            final long at = block * VmapBlock.STRIDE_WORDS;
            final long word = BLOCKS.records.getOpaque(at);
            return BLOCKS.records.getOpaque(at + VmapBlock.AREA) != 0 && VmapBlock.generation(word) > 0
                && !VmapBlock.isLeft(word) && VmapBlock.dirty(word) == 0 && BLOCKS.tag(block) != 0 ? 1 : 0;
        }
    }

    /**
     * The pool: one thread pops while the other pops two and pushes the first again. Would catch {@link BlockPool} without its count
     * of pops: the slow pop's CAS then installs a stale link, and a block is in the pool and in somebody's hands.
     */
    @JCStressTest
    @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "each block is in one place")
    @Outcome(expect = FORBIDDEN, desc = "a block was lost, or is in two places")
    @State
    public static class Pool {
        private final Words records = VmapBlock.records(3);
        private final BlockPool pool = new BlockPool(records);
        private long popped = BlockPool.NONE;
        private long kept = BlockPool.NONE;

        /** Three blocks. */
        public Pool() {
            pool.push(2);
            pool.push(1);
            pool.push(0);
        }

        /** Pops. */
        @Actor
        public void slow() {
            popped = pool.pop();
        }

        /** Pops two and pushes the first again. */
        @Actor
        public void quick() {
            final long first = pool.pop();
            kept = pool.pop();
            pool.push(first);
        }

        /** @param r how often each block was found. */
        @Arbiter
        public void settle(final III_Result r) {
            final int[] found = new int[3];
            found[(int)popped]++;
            found[(int)kept]++;
            for (int i = 0; i < 4; i++) {
                final long block = pool.pop();
                if (block != BlockPool.NONE) {
                    found[(int)block]++;
                }
            }
            r.r1 = found[0];
            r.r2 = found[1];
            r.r3 = found[2];
        }
    }
}
