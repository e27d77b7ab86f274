package org.vellum.percpu;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.agrona.UnsafeApi;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.vellum.LazyMemory;
import org.vellum.cpu.Cpu;
import org.vellum.mem.CacheLine;
import org.vellum.mem.Words;

/**
 * Additions to one sum by all threads.
 *
 * <table>
 * <caption>Rows</caption>
 * <tr><td>{@code floor}</td><td>the least that an atomic addition off-heap can be: at a fixed address of the thread's own</td></tr>
 * <tr><td>{@code add}, {@code addCpu}</td><td>{@code OwnCopy.addLong} in the embedded first chunk; with the {@code Cpu} of an earlier
 * section</td></tr>
 * <tr><td>{@code addMapped}, {@code addMappedCpu}</td><td>the same in a further chunk, through the page table</td></tr>
 * <tr><td>{@code counter}, {@code counterCpu}, {@code batchCounter}</td><td>{@code PerCpuCounter.add}; {@code PerCpuBatchCounter.add}, a
 * batch of 1,024</td></tr>
 * <tr><td>{@code histogram}</td><td>{@code PerCpuHistogram.record} of one value</td></tr>
 * <tr><td>{@code longAdder}, {@code atomicLong}</td><td>the JDK's</td></tr>
 * <tr><td>{@code refGetPut}, {@code atomicGetPut}</td><td>a reference taken and dropped: {@code PerCpuRef}, and one {@code AtomicLong}</td></tr>
 * <tr><td>{@code sum}, {@code longAdderSum}</td><td>looking at the sum, which nobody changes meanwhile</td></tr>
 * <tr><td>{@code allocateFree}</td><td>an allocation of 64 bytes and its free; see {@link PerCpuAllocateBenchmark}</td></tr>
 * </table>
 *
 * <p>What was added is compared with the sums afterwards. Run: {@code java -jar jmh/target/benchmarks.jar '\.PerCpuBenchmark\.' -t 1 -prof gc},
 * and with {@code -t 2}, {@code -t 8}; ratios hold within one run only.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsPrepend = "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class PerCpuBenchmark {
    private static final int BATCH = 1024;
    private static final int FILLER_BYTES = 1024;

    /** One of each, for all threads. */
    @State(Scope.Benchmark)
    public static class Sums extends LazyMemory {
        private final LongAdder adder = new LongAdder();
        private final AtomicLong atomic = new AtomicLong();
        private final AtomicLong references = new AtomicLong(1);
        private PercpuAllocator percpu;
        private OwnCopy copies;
        private long embedded;
        private long mapped;
        private PerCpuCounter counter;
        private PerCpuBatchCounter batched;
        private PerCpuHistogram histogram;
        private PerCpuRef ref;

        /** Allocates. */
        @Setup(Level.Trial)
        public void prepare() {
            percpu = vellum.percpu();
            copies = percpu.access();
            embedded = percpu.allocate(Long.BYTES, Long.BYTES);
            counter = new PerCpuCounter(percpu);
            batched = new PerCpuBatchCounter(percpu, BATCH);
            histogram = new PerCpuHistogram(percpu, 1_000_000, 3);
            ref = new PerCpuRef(percpu, () -> { });
            final long first = percpu.staticPointer(0);
            require(isWithin(first, embedded), "the first allocation is in the first chunk");
            mapped = percpu.allocate(FILLER_BYTES, Long.BYTES);
            while (isWithin(first, mapped)) {
                mapped = percpu.allocate(FILLER_BYTES, Long.BYTES);
            }
        }

        private boolean isWithin(final long first, final long pointer) {
            return pointer >= first && pointer - first < percpu.maxBytes();
        }

        private static void require(final boolean holds, final String what) {
            if (!holds) {
                throw new IllegalStateException(what);
            }
        }

        /** What is a sum of ones is what there were: JMH tells how many, this tells that they were not negative, nor from elsewhere. */
        @Override
        protected void finish() {
            require(copies.sumLong(embedded) >= 0 && copies.sumLong(mapped) >= 0, "sums of ones");
            require(histogram.count() >= 0 && counter.sum() >= 0 && batched.sum() >= 0, "sums of ones");
            require(ref.kill() && ref.isReleased() && references.get() == 1, "as many references were dropped as taken");
        }
    }

    /** A thread, its slot, and a word of its own on lines of its own. */
    @State(Scope.Thread)
    public static class Caller {
        private final Words own = Words.zeroed(2L * CacheLine.STRIDE_WORDS);
        private final long address = own.address(CacheLine.STRIDE_WORDS);
        private Cpu cpu;

        /** @param sums whose memory. */
        @Setup(Level.Iteration)
        public void prepare(final Sums sums) {
            cpu = sums.vellum.enter();
            cpu.exit();
        }
    }

    /** @param caller of this thread. */
    @Benchmark
    public void floor(final Caller caller) {
        UnsafeApi.getAndAddLong(null, caller.address, 1);
    }

    /** @param sums where. */
    @Benchmark
    public void add(final Sums sums) {
        sums.copies.addLong(sums.embedded, 1);
    }

    /**
     * @param sums where.
     * @param caller of this thread.
     */
    @Benchmark
    public void addCpu(final Sums sums, final Caller caller) {
        sums.copies.addLong(caller.cpu, sums.embedded, 1);
    }

    /** @param sums where. */
    @Benchmark
    public void addMapped(final Sums sums) {
        sums.copies.addLong(sums.mapped, 1);
    }

    /**
     * @param sums where.
     * @param caller of this thread.
     */
    @Benchmark
    public void addMappedCpu(final Sums sums, final Caller caller) {
        sums.copies.addLong(caller.cpu, sums.mapped, 1);
    }

    /** @param sums where. */
    @Benchmark
    public void counter(final Sums sums) {
        sums.counter.add(1);
    }

    /**
     * @param sums where.
     * @param caller of this thread.
     */
    @Benchmark
    public void counterCpu(final Sums sums, final Caller caller) {
        sums.counter.add(caller.cpu, 1);
    }

    /** @param sums where. */
    @Benchmark
    public void batchCounter(final Sums sums) {
        sums.batched.add(1);
    }

    /** @param sums where. */
    @Benchmark
    public void histogram(final Sums sums) {
        sums.histogram.record(12_345);
    }

    /** @param sums where. */
    @Benchmark
    public void longAdder(final Sums sums) {
        sums.adder.add(1);
    }

    /** @param sums where. */
    @Benchmark
    public void atomicLong(final Sums sums) {
        sums.atomic.getAndAdd(1);
    }

    /** @param sums where. */
    @Benchmark
    public void refGetPut(final Sums sums) {
        sums.ref.get();
        sums.ref.put();
    }

    /** @param sums where. */
    @Benchmark
    public void atomicGetPut(final Sums sums) {
        sums.references.incrementAndGet();
        sums.references.decrementAndGet();
    }

    /**
     * @param sums where.
     * @return the sum.
     */
    @Benchmark
    public long sum(final Sums sums) {
        return sums.counter.sum();
    }

    /**
     * @param sums where.
     * @return the sum.
     */
    @Benchmark
    public long longAdderSum(final Sums sums) {
        return sums.adder.sum();
    }

    /** @param sums where. */
    @Benchmark
    public void allocateFree(final Sums sums) {
        sums.percpu.free(sums.percpu.allocate(CacheLine.BYTES, CacheLine.BYTES));
    }
}
