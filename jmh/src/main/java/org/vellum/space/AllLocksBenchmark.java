package org.vellum.space;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.vellum.lock.AllLocks;
import org.vellum.lock.LockRank;
import org.vellum.lock.SleepingLock;
import org.vellum.mem.Pages;

/**
 * First stores to pages, while somebody else takes 1,000 sleeping locks together, keeps them for a while, and gives them back, again and
 * again: percentiles of that ÷ those of {@code idle}, which has nobody else.
 *
 * <p>Run: {@code java -jar jmh/target/benchmarks.jar '\.AllLocksBenchmark\.'}.
 */
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsPrepend = "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class AllLocksBenchmark {
    private static final int LOCKS = 1_000;
    private static final long HELD_NANOS = 1_000_000;

    /** The locks, and who takes them. */
    @State(Scope.Benchmark)
    public static class Taker extends SpaceMemory {
        /** What else is going on. */
        @Param({"idle", "held"})
        public String others;

        private Thread thread;

        /** Begins. */
        @Setup(Level.Trial)
        public void start() {
            if (others.equals("held")) {
                final List<SleepingLock> locks = new ArrayList<>();
                for (int i = 0; i < LOCKS; i++) {
                    locks.add(new SleepingLock(vellum.cpus(), i % 2 == 0 ? LockRank.FILE_MAPPING : LockRank.ANON, "lock " + i));
                }
                final AllLocks all = new AllLocks(vellum.cpus());
                thread = new Thread(() -> take(all, locks), "all-locks");
                thread.setDaemon(true);
                thread.start();
            }
        }

        private static void take(final AllLocks all, final List<SleepingLock> locks) {
            try {
                while (true) {
                    try (AllLocks.Held held = all.take(locks)) {
                        LockSupport.parkNanos(held, HELD_NANOS);
                    }
                }
            } catch (final InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        /**
         * Ends.
         *
         * @throws InterruptedException if interrupted.
         */
        @TearDown(Level.Trial)
        public void stop() throws InterruptedException {
            if (thread != null) {
                thread.interrupt();
                thread.join();
            }
        }
    }

    /** A page of one thread. */
    @State(Scope.Thread)
    public static class Page {
        private AddressSpace space;
        private long address;

        /** @param taker where. */
        @Setup(Level.Trial)
        public void map(final Taker taker) {
            space = taker.space;
            address = space.map(Pages.SIZE);
        }

        /** It is not there. */
        @Setup(Level.Invocation)
        public void begin() {
            space.advise(address, Pages.SIZE, Advice.DONTNEED);
        }
    }

    /** @param page of this thread. */
    @Benchmark
    public void fault(final Page page) {
        page.space.access().putLong(page.address, 1);
    }
}
