package org.vellum.alloc;

import java.util.SplittableRandom;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.LongAdder;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.infra.BenchmarkParams;

/**
 * Of all allocations, 95 % are freed after a thousand further ones, and 5 % stay: they replace a random one of those that stayed
 * before. A small buffer that stays among many that go is what fragments memory. Sizes are of {@link SizeHistogram}.
 *
 * <p>An iteration first allocates in this way until 128 MiB in all threads together stay, then is measured, then lets all short-lived
 * ones go: the peak is over. Now {@code reservedToLive} is what the allocator says it holds, for those that do not say the
 * process's resident memory, ÷ the bytes asked for that live; {@code residentToLive} is the resident memory ÷ the same, for
 * every row. Both are means over the iterations. Both count from the start of the trial, with the heap touched beforehand; some megabytes
 * of compiled code are in the second, and whole banks, which are zeroed when they are added. Peer {@code floor} allocates nothing.
 *
 * <p>Run: {@code java -jar jmh/target/benchmarks.jar '\.MixedLifetimeBenchmark\.' -t 2}.
 */
@Fork(value = 1, jvmArgs = {"-Xms768m", "-Xmx768m", "-XX:+AlwaysPreTouch", "-XX:MaxDirectMemorySize=4g"})
public class MixedLifetimeBenchmark extends PeerBenchmark {
    private static final long LIVE_BYTES = 128L << 20;
    private static final int SHORT_LIVED = 1024;
    /** Of a thread, if it is the only one: the mean size is 1.6 KiB. */
    private static final int LONG_LIVED_AT_MOST = 1 << 17;
    private static final int LONG_LIVED_PERCENT = 5;
    /** Long enough that the processor's predictors do not learn it. */
    private static final int SEQUENCE = 1 << 17;
    private static final long SEED = 42;

    /** What all threads share. */
    @State(Scope.Benchmark)
    public static class Peak {
        private final LongAdder liveBytes = new LongAdder();
        private PeerAllocator allocator;
        private long reservedBefore;
        private long residentBefore;
        private CyclicBarrier passed;
        /** Written by the barrier's action, read behind the barrier. */
        private double reservedToLive;
        private double residentToLive;

        /**
         * @param row    of the trial.
         * @param params of the trial.
         */
        @Setup(Level.Trial)
        public void open(final PeerRow row, final BenchmarkParams params) {
            allocator = row.allocator;
            passed = new CyclicBarrier(params.getThreads(), this::measure);
            reservedBefore = allocator.reservedBytes();
            residentBefore = ResidentMemory.bytes();
        }

        /** Waits until all threads have let their short-lived buffers go, and what lives then was measured. */
        private void pass(final long bytes) {
            liveBytes.add(bytes);
            try {
                passed.await();
            } catch (final InterruptedException | BrokenBarrierException e) {
                throw new IllegalStateException("a thread did not reach the end of the iteration", e);
            }
        }

        private void measure() {
            final double live = liveBytes.sumThenReset();
            reservedToLive = (allocator.reservedBytes() - reservedBefore) / live;
            residentToLive = (ResidentMemory.bytes() - residentBefore) / live;
        }
    }

    /** What JMH shows besides the time: the share of one thread and iteration, for JMH adds them up. */
    @AuxCounters(AuxCounters.Type.EVENTS)
    @State(Scope.Thread)
    public static class Ratios {
        /** What the allocator holds ÷ what lives. */
        public double reservedToLive;
        /** What the process got from the system ÷ what lives. */
        public double residentToLive;
    }

    /** A thread and its buffers: in the table first those that go, then those that stay. */
    public static class Caller extends PeerUser {
        private final int[] sizes = SizeHistogram.draw(new SplittableRandom(SEED), SEQUENCE);
        private final boolean[] stays = new boolean[SEQUENCE];
        /** As fractions of what stays, of 2³². */
        private final int[] victims = new int[SEQUENCE];
        private final int[] longLivedSizes = new int[LONG_LIVED_AT_MOST];
        private Peak peak;
        private Ratios ratios;
        private int threads;
        private double shares;
        private int longLived;
        private long longLivedBytes;
        private int next;
        private int oldest;

        /** Draws once, the same for every row. */
        public Caller() {
            final SplittableRandom random = new SplittableRandom(SEED + 1);
            for (int i = 0; i < SEQUENCE; i++) {
                stays[i] = random.nextInt(100) < LONG_LIVED_PERCENT;
                victims[i] = random.nextInt();
            }
        }

        /**
         * @param shared by all threads.
         * @param shown  of this thread.
         * @param params of the trial.
         */
        @Setup(Level.Trial)
        public void share(final Peak shared, final Ratios shown, final BenchmarkParams params) {
            peak = shared;
            ratios = shown;
            threads = params.getThreads();
            shares = (double)threads * params.getMeasurement().getCount() * Math.max(1, params.getForks());
        }

        @Override
        int slots() {
            return SHORT_LIVED + LONG_LIVED_AT_MOST;
        }

        @Override
        void fill() {
            longLived = 0;
            longLivedBytes = 0;
            for (int slot = 0; slot < SHORT_LIVED; slot++) {
                peer.allocate(slot, sizes[slot]);
            }
            while (longLivedBytes < LIVE_BYTES / threads) {
                final int index = next++ & SEQUENCE - 1;
                if (stays[index]) {
                    keep(longLived++, sizes[index]);
                } else {
                    replaceOldest(sizes[index]);
                }
            }
        }

        @Override
        void drain() {
            for (int slot = 0; slot < SHORT_LIVED; slot++) {
                peer.free(slot);
            }
            peer.pause();
            peak.pass(longLivedBytes);
            ratios.reservedToLive = peak.reservedToLive / shares;
            ratios.residentToLive = peak.residentToLive / shares;
            for (int i = 0; i < longLived; i++) {
                peer.free(SHORT_LIVED + i);
            }
        }

        private int step() {
            final int index = next++ & SEQUENCE - 1;
            if (stays[index]) {
                final int victim = (int)((victims[index] & 0xFFFF_FFFFL) * longLived >>> Integer.SIZE);
                peer.free(SHORT_LIVED + victim);
                longLivedBytes -= longLivedSizes[victim];
                keep(victim, sizes[index]);
            } else {
                replaceOldest(sizes[index]);
            }
            return index;
        }

        private void keep(final int number, final int size) {
            peer.allocate(SHORT_LIVED + number, size);
            longLivedSizes[number] = size;
            longLivedBytes += size;
        }

        private void replaceOldest(final int size) {
            final int slot = oldest++ & SHORT_LIVED - 1;
            peer.free(slot);
            peer.allocate(slot, size);
        }
    }

    /**
     * One buffer less and one more.
     *
     * @param caller of this thread.
     * @return where in the sequence.
     */
    @Benchmark
    public int step(final Caller caller) {
        return caller.step();
    }
}
