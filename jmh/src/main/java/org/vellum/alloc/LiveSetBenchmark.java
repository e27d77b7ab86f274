package org.vellum.alloc;

import java.util.SplittableRandom;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/**
 * Frees a random one of the calling thread's live buffers and allocates and touches another in its place, of a size from {@link SizeHistogram}.
 *
 * <p>Peer {@code floor} draws and touches, always the same memory. Run: {@code java -jar jmh/target/benchmarks.jar '\.LiveSetBenchmark\.' -t 2 -prof gc}.
 */
public class LiveSetBenchmark extends PeerBenchmark {
    /** A thread and its live buffers. */
    public static class Caller extends PeerUser {
        /** Long enough that the processor's predictors do not learn it. */
        private static final int SEQUENCE = 1 << 17;
        private static final long SEED = 42;

        @Param({"128", "8192"})
        int live;
        private final int[] victims = new int[SEQUENCE];
        private final int[] sizes;
        private int next;

        /** Draws once, the same for every row. */
        public Caller() {
            sizes = SizeHistogram.draw(new SplittableRandom(SEED), SEQUENCE);
        }

        @Override
        int slots() {
            return live;
        }

        @Override
        void fill() {
            final SplittableRandom random = new SplittableRandom(SEED);
            for (int i = 0; i < SEQUENCE; i++) {
                victims[i] = random.nextInt(live);
            }
            for (int slot = 0; slot < live; slot++) {
                peer.allocate(slot, sizes[slot]);
            }
        }

        @Override
        void drain() {
            for (int slot = 0; slot < live; slot++) {
                peer.free(slot);
            }
        }

        private int replace() {
            final int index = next++ & SEQUENCE - 1;
            final int slot = victims[index];
            peer.free(slot);
            peer.allocate(slot, sizes[index]);
            return slot;
        }
    }

    /**
     * @param caller of this thread.
     * @return which one was replaced.
     */
    @Benchmark
    public int replace(final Caller caller) {
        return caller.replace();
    }
}
