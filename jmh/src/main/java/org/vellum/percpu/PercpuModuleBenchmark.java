package org.vellum.percpu;

import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.vellum.LazyMemory;
import org.vellum.VellumBuilder;
import org.vellum.cpu.CpuOptions;

/**
 * The scenario of the kernel's public vmalloc test module that is about per-CPU memory: 35,000 objects of 1 to 1,024 bytes, aligned to 2 to
 * 2,048, all allocated, and then all freed. The figure is for one object, allocated and freed; it contains the chunks that are made for
 * them, and given back behind them.
 *
 * <p>Run: {@code java -jar jmh/target/benchmarks.jar '\.PercpuModuleBenchmark\.' -t 1}. At more threads each has its own 35,000.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsPrepend = "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class PercpuModuleBenchmark {
    private static final int OBJECTS = 35_000;
    private static final long MEMORY = 2L << 30;

    /** One for all threads. */
    @State(Scope.Benchmark)
    public static class Memory extends LazyMemory {
        /** How many copies there are of each. */
        @Param("2")
        public int slots;

        private PercpuAllocator percpu;

        @Override
        protected VellumBuilder builder() {
            return super.builder().memory(MEMORY).cpus(CpuOptions.forThisMachine().withCachedSlots(slots));
        }

        /** The first chunk is there before it is measured. */
        @Setup
        public void prepare() {
            percpu = vellum.percpu();
        }
    }

    /** What each thread asks for, the same each time. */
    @State(Scope.Thread)
    public static class Objects {
        private final int[] sizes = new int[OBJECTS];
        private final int[] aligns = new int[OBJECTS];
        private final long[] pointers = new long[OBJECTS];

        /** Draws them. */
        @Setup
        public void draw() {
            final SplittableRandom random = new SplittableRandom(128);
            for (int i = 0; i < OBJECTS; i++) {
                sizes[i] = 1 + random.nextInt(1024);
                aligns[i] = 2 << random.nextInt(11);
            }
        }
    }

    /**
     * @param memory where.
     * @param objects what.
     */
    @Benchmark
    @OperationsPerInvocation(OBJECTS)
    public void pcpuAlloc(final Memory memory, final Objects objects) {
        for (int i = 0; i < OBJECTS; i++) {
            objects.pointers[i] = memory.percpu.allocate(objects.sizes[i], objects.aligns[i]);
        }
        for (final long pointer : objects.pointers) {
            memory.percpu.free(pointer);
        }
    }
}
