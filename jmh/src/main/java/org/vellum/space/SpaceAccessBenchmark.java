package org.vellum.space;

import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.agrona.BufferUtil;
import org.agrona.UnsafeApi;
import org.agrona.concurrent.UnsafeBuffer;
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
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.SpinLock;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.FrameOptions;
import org.vellum.mem.Pages;
import org.vellum.mmu.SpaceAccess;
import org.vellum.mmu.SpaceEntry;
import org.vellum.mmu.SpaceTable;

/**
 * What access by address of a space costs: random words of a working set that fits in a cache, or not. {@code floor...} is the same
 * bounds-checked access of an {@code UnsafeBuffer} over as much contiguous memory; the other rows go over frames in random order.
 *
 * <p>{@code read} is optimistic, {@code readInSection} the same inside a section of the caller's, {@code readNative} by {@code readable} there.
 * {@code write...} stores: in the caller's section with its slot as the hint, without, and each in a section of its own ({@code writeSingle});
 * {@code cas...} likewise. Each loop is written out in each row.
 *
 * <p>Run: {@code java -jar jmh/target/benchmarks.jar '\.SpaceAccessBenchmark\.' -t 1}.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsPrepend = {"--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED", "-XX:MaxDirectMemorySize=4g"})
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class SpaceAccessBenchmark {
    private static final int BATCH = 1_024;
    private static final int WORD = Long.BYTES;
    private static final int LOCKS = 64;
    private static final long ALLOWED =
        SpaceEntry.READABLE | SpaceEntry.WRITABLE | SpaceEntry.ACCESSED | SpaceEntry.DIRTY | SpaceEntry.EXCLUSIVE;

    /** Bytes that the accesses spread over, a power of two. */
    @Param({"262144", "67108864"})
    private int bytes;

    private UnsafeBuffer unsafe;
    private SpaceAccess access;
    private SpaceBuffer view;
    private Cpus cpus;
    private int indexMask;
    private long seed = 0x9E3779B97F4A7C15L;

    /** A space whose pages are all there. */
    @Setup
    public void open() {
        unsafe = new UnsafeBuffer(BufferUtil.allocateDirectAligned(bytes, Pages.SIZE));
        unsafe.setMemory(0, bytes, (byte)0);
        indexMask = bytes - WORD;
        cpus = new Cpus(CpuOptions.forThisMachine());
        final FrameAllocator frames = new FrameAllocator(
            cpus, FrameOptions.of(Math.max(bytes, FrameOptions.DEFAULT_BANK_BYTES) + FrameOptions.DEFAULT_BANK_BYTES));
        final int pages = bytes >>> Pages.SHIFT;
        final SpaceTable table = new SpaceTable(cpus, frames.memory(), pages, LOCKS);
        final long[] leaves = new long[(int)table.leaves()];
        final long[] found = new long[pages];
        try (Cpu cpu = cpus.enter()) {
            if (frames.allocateBulk(cpu, leaves, 0, leaves.length) != leaves.length || frames.allocateBulk(cpu, found, 0, pages) != pages) {
                throw new IllegalStateException("no frames for " + pages + " pages");
            }
            for (int i = 0; i < leaves.length; i++) {
                attach(table, frames, (long)i << SpaceTable.LEAF_SHIFT, leaves[i]);
            }
            shuffle(found);
            for (int i = 0; i < pages; i++) {
                map(table, frames, i, found[i]);
            }
        }
        access = new SpaceAccess(table, (page, write) -> {
            throw new IllegalStateException("page=" + page);
        }, cpus);
        view = new SpaceBuffer(access, 0, bytes);
    }

    private static void attach(final SpaceTable table, final FrameAllocator frames, final long page, final long frame) {
        UnsafeApi.setMemory(frames.memory().nativeAddress(frame), Pages.SIZE, (byte)0);
        final SpinLock lock = table.lockOf(page);
        lock.acquireSurely();
        table.attach(page, frame);
        lock.unlock();
    }

    private static void map(final SpaceTable table, final FrameAllocator frames, final long page, final long frame) {
        UnsafeApi.setMemory(frames.memory().nativeAddress(frame), Pages.SIZE, (byte)0);
        final SpinLock lock = table.lockOf(page);
        lock.acquireSurely();
        table.setIfNone(page, SpaceEntry.present(frames.memory().nativeAddress(frame), ALLOWED));
        lock.unlock();
    }

    private static void shuffle(final long[] numbers) {
        final Random random = new Random(7);
        for (int i = numbers.length - 1; i > 0; i--) {
            final int j = random.nextInt(i + 1);
            final long number = numbers[i];
            numbers[i] = numbers[j];
            numbers[j] = number;
        }
    }

    private static long next(final long x) {
        return x * 6364136223846793005L + 1442695040888963407L;
    }

    /** @return the sum. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long floorRead() {
        final int mask = indexMask;
        final UnsafeBuffer buffer = unsafe;
        long sum = 0;
        long x = seed;
        for (int i = 0; i < BATCH; i++) {
            x = next(x);
            sum += buffer.getLong((int)(x >>> 32) & mask);
        }
        seed = x;
        return sum;
    }

    /** @return the last place. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long floorWrite() {
        final int mask = indexMask;
        final UnsafeBuffer buffer = unsafe;
        long x = seed;
        for (int i = 0; i < BATCH; i++) {
            x = next(x);
            final int index = (int)(x >>> 32) & mask;
            buffer.putLong(index, index);
        }
        seed = x;
        return x;
    }

    /** @return the last place. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long floorCas() {
        final int mask = indexMask;
        final UnsafeBuffer buffer = unsafe;
        long x = seed;
        for (int i = 0; i < BATCH; i++) {
            x = next(x);
            final int index = (int)(x >>> 32) & mask;
            buffer.compareAndSetLong(index, 0, 0);
        }
        seed = x;
        return x;
    }

    /** @return the sum. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long read() {
        final int mask = indexMask;
        final SpaceAccess by = access;
        long sum = 0;
        long x = seed;
        for (int i = 0; i < BATCH; i++) {
            x = next(x);
            sum += by.getLong((int)(x >>> 32) & mask);
        }
        seed = x;
        return sum;
    }

    /** @return the sum. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long readInSection() {
        final int mask = indexMask;
        final SpaceAccess by = access;
        long sum = 0;
        long x = seed;
        try (Cpu ignored = cpus.enter()) {
            for (int i = 0; i < BATCH; i++) {
                x = next(x);
                sum += by.getLong((int)(x >>> 32) & mask);
            }
        }
        seed = x;
        return sum;
    }

    /** @return the sum. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long readNative() {
        final int mask = indexMask;
        final SpaceAccess by = access;
        long sum = 0;
        long x = seed;
        try (Cpu section = cpus.enter()) {
            for (int i = 0; i < BATCH; i++) {
                x = next(x);
                sum += UnsafeApi.getLong(by.readable(section, (int)(x >>> 32) & mask));
            }
        }
        seed = x;
        return sum;
    }

    /** @return the sum. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long readBuffer() {
        final int mask = indexMask;
        final SpaceBuffer buffer = view;
        long sum = 0;
        long x = seed;
        for (int i = 0; i < BATCH; i++) {
            x = next(x);
            sum += buffer.getLong((int)(x >>> 32) & mask);
        }
        seed = x;
        return sum;
    }

    /** @return the last place. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long writeInSection() {
        final int mask = indexMask;
        final SpaceAccess by = access;
        long x = seed;
        try (Cpu section = cpus.enter()) {
            for (int i = 0; i < BATCH; i++) {
                x = next(x);
                final int index = (int)(x >>> 32) & mask;
                by.putLong(section, index, index);
            }
        }
        seed = x;
        return x;
    }

    /** @return the last place. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long writeInSectionWithoutHint() {
        final int mask = indexMask;
        final SpaceAccess by = access;
        long x = seed;
        try (Cpu ignored = cpus.enter()) {
            for (int i = 0; i < BATCH; i++) {
                x = next(x);
                final int index = (int)(x >>> 32) & mask;
                by.putLong(index, index);
            }
        }
        seed = x;
        return x;
    }

    /** @return the last place. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long writeSingle() {
        final int mask = indexMask;
        final SpaceAccess by = access;
        long x = seed;
        for (int i = 0; i < BATCH; i++) {
            x = next(x);
            final int index = (int)(x >>> 32) & mask;
            by.putLong(index, index);
        }
        seed = x;
        return x;
    }

    /** @return the last place. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long casInSection() {
        final int mask = indexMask;
        final SpaceAccess by = access;
        long x = seed;
        try (Cpu section = cpus.enter()) {
            for (int i = 0; i < BATCH; i++) {
                x = next(x);
                final int index = (int)(x >>> 32) & mask;
                by.compareAndSetLong(section, index, 0, 0);
            }
        }
        seed = x;
        return x;
    }

    /** @return the last place. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long casSingle() {
        final int mask = indexMask;
        final SpaceAccess by = access;
        long x = seed;
        for (int i = 0; i < BATCH; i++) {
            x = next(x);
            final int index = (int)(x >>> 32) & mask;
            by.compareAndSetLong(index, 0, 0);
        }
        seed = x;
        return x;
    }
}
