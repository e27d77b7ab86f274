package org.vellum.vmap;

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
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.FrameOptions;
import org.vellum.mem.Pages;
import org.vellum.mmu.Address;
import org.vellum.mmu.Entry;
import org.vellum.mmu.MappedAccess;
import org.vellum.mmu.PageTable;
import org.vellum.report.PageFaultException;

/**
 * What checked translation costs an access. Rows: {@code Raw} is the floor, one native load; {@code Unsafe} is a bounds-checked
 * {@code UnsafeBuffer} over the same amount of contiguous memory, the peer; {@code VmapBuffer} and {@code Address} go over frames
 * in random order. Each loop is written out in each row, so that no row pays for a call the others do not make.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsPrepend = {"--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED", "-XX:MaxDirectMemorySize=4g"})
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class AccessBenchmark {
    private static final int BATCH = 1_024;
    private static final int WORD = Long.BYTES;
    private static final long TAG = 0x5A5AL << Address.TAG_SHIFT;

    /** Bytes that the accesses spread over, a power of two. */
    @Param({"1048576", "268435456"})
    private int bytes;

    private UnsafeBuffer unsafe;
    private UnsafeBuffer copy;
    private VmapBuffer view;
    private MappedAccess access;
    private long rawBase;
    private long viewBase;
    private int indexMask;
    private int position;
    private long seed = 0x9E3779B97F4A7C15L;

    /** Fills both memories with one random cycle through all words, for the chase. */
    @Setup
    public void open() {
        unsafe = new UnsafeBuffer(BufferUtil.allocateDirectAligned(bytes, Pages.SIZE));
        copy = new UnsafeBuffer(BufferUtil.allocateDirectAligned(bytes, Pages.SIZE));
        rawBase = unsafe.addressOffset();
        // Of all indexes below the size that are a multiple of the word.
        indexMask = bytes - WORD;
        map();
        final int[] order = shuffled(bytes / WORD);
        for (int i = 0; i < order.length; i++) {
            final int from = order[i] * WORD;
            final int to = order[(i + 1) % order.length] * WORD;
            unsafe.putLong(from, to);
            view.putLong(from, to);
        }
    }

    private void map() {
        final Cpus cpus = new Cpus(CpuOptions.forThisMachine());
        final FrameAllocator frames = new FrameAllocator(
            cpus, FrameOptions.of(Math.max(bytes, FrameOptions.DEFAULT_BANK_BYTES) + FrameOptions.DEFAULT_BANK_BYTES));
        final int pages = bytes >>> Pages.SHIFT;
        final PageTable table = new PageTable(1L << 40, pages);
        table.onFault((address, write) -> new PageFaultException(address, "fault"));
        table.extendTo(pages);
        final long[] found = new long[pages];
        final Cpu cpu = cpus.enter();
        final int count = frames.allocateBulk(cpu, found, 0, pages);
        cpu.exit();
        if (count != pages) {
            throw new IllegalStateException("frames=" + count + " pages=" + pages);
        }
        final int[] order = shuffled(pages);
        for (int i = 0; i < pages; i++) {
            table.set(i, Entry.present(frames.memory().nativeAddress(found[order[i]]), TAG, Entry.WRITABLE));
        }
        access = new MappedAccess(table, frames.memory(), cpus);
        viewBase = table.addressOf(0) | TAG;
        view = new VmapBuffer(access, viewBase, bytes);
    }

    private static int[] shuffled(final int length) {
        final Random random = new Random(7);
        final int[] order = new int[length];
        for (int i = 0; i < length; i++) {
            final int j = random.nextInt(i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        return order;
    }

    /** @return the sum. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long sequentialGetRaw() {
        final int mask = indexMask;
        final long base = rawBase;
        long sum = 0;
        int index = position;
        for (int i = 0; i < BATCH; i++) {
            sum += UnsafeApi.getLong(base + index);
            index = (index + WORD) & mask;
        }
        position = index;
        return sum;
    }

    /** @return the sum. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long randomGetRaw() {
        final int mask = indexMask;
        final long base = rawBase;
        long sum = 0;
        long x = seed;
        for (int i = 0; i < BATCH; i++) {
            x = next(x);
            sum += UnsafeApi.getLong(base + ((int)(x >>> 32) & mask));
        }
        seed = x;
        return sum;
    }

    /** @return the last place. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long randomPutRaw() {
        final int mask = indexMask;
        final long base = rawBase;
        long x = seed;
        for (int i = 0; i < BATCH; i++) {
            x = next(x);
            final int index = (int)(x >>> 32) & mask;
            UnsafeApi.putLong(base + index, index);
        }
        seed = x;
        return x;
    }

    /** @return the last place. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long chaseRaw() {
        final long base = rawBase;
        int index = position;
        for (int i = 0; i < BATCH; i++) {
            index = (int)UnsafeApi.getLong(base + index);
        }
        position = index;
        return index;
    }

    /** @return the copy, of all bytes, per invocation. */
    @Benchmark
    public UnsafeBuffer bulkCopyRaw() {
        UnsafeApi.copyMemory(rawBase, copy.addressOffset(), bytes);
        return copy;
    }

    /** @return the sum. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long sequentialGetUnsafe() {
        final int mask = indexMask;
        final UnsafeBuffer buffer = unsafe;
        long sum = 0;
        int index = position;
        for (int i = 0; i < BATCH; i++) {
            sum += buffer.getLong(index);
            index = (index + WORD) & mask;
        }
        position = index;
        return sum;
    }

    /** @return the sum. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long randomGetUnsafe() {
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
    public long randomPutUnsafe() {
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
    public long chaseUnsafe() {
        final UnsafeBuffer buffer = unsafe;
        int index = position;
        for (int i = 0; i < BATCH; i++) {
            index = (int)buffer.getLong(index);
        }
        position = index;
        return index;
    }

    /** @return the copy, of all bytes, per invocation. */
    @Benchmark
    public UnsafeBuffer bulkCopyUnsafe() {
        unsafe.getBytes(0, copy, 0, bytes);
        return copy;
    }

    /** @return the sum. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long sequentialGetVmapBuffer() {
        final int mask = indexMask;
        final VmapBuffer buffer = view;
        long sum = 0;
        int index = position;
        for (int i = 0; i < BATCH; i++) {
            sum += buffer.getLong(index);
            index = (index + WORD) & mask;
        }
        position = index;
        return sum;
    }

    /** @return the sum. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long randomGetVmapBuffer() {
        final int mask = indexMask;
        final VmapBuffer buffer = view;
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
    public long randomPutVmapBuffer() {
        final int mask = indexMask;
        final VmapBuffer buffer = view;
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
    public long chaseVmapBuffer() {
        final VmapBuffer buffer = view;
        int index = position;
        for (int i = 0; i < BATCH; i++) {
            index = (int)buffer.getLong(index);
        }
        position = index;
        return index;
    }

    /** @return the copy, of all bytes, per invocation. */
    @Benchmark
    public UnsafeBuffer bulkCopyVmapBuffer() {
        view.getBytes(0, copy, 0, bytes);
        return copy;
    }

    /** @return the sum. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long sequentialGetAddress() {
        final int mask = indexMask;
        final MappedAccess by = access;
        final long base = viewBase;
        long sum = 0;
        int index = position;
        for (int i = 0; i < BATCH; i++) {
            sum += by.getLong(base + index);
            index = (index + WORD) & mask;
        }
        position = index;
        return sum;
    }

    /** @return the sum. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long randomGetAddress() {
        final int mask = indexMask;
        final MappedAccess by = access;
        final long base = viewBase;
        long sum = 0;
        long x = seed;
        for (int i = 0; i < BATCH; i++) {
            x = next(x);
            sum += by.getLong(base + ((int)(x >>> 32) & mask));
        }
        seed = x;
        return sum;
    }

    /** @return the last place. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long randomPutAddress() {
        final int mask = indexMask;
        final MappedAccess by = access;
        final long base = viewBase;
        long x = seed;
        for (int i = 0; i < BATCH; i++) {
            x = next(x);
            final int index = (int)(x >>> 32) & mask;
            by.putLong(base + index, index);
        }
        seed = x;
        return x;
    }

    /** @return the last place. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long chaseAddress() {
        final MappedAccess by = access;
        final long base = viewBase;
        int index = position;
        for (int i = 0; i < BATCH; i++) {
            index = (int)by.getLong(base + index);
        }
        position = index;
        return index;
    }

    /** @return the copy, of all bytes, per invocation. */
    @Benchmark
    public UnsafeBuffer bulkCopyAddress() {
        access.getBytes(viewBase, copy, 0, bytes);
        return copy;
    }

    private static long next(final long x) {
        return x * 6364136223846793005L + 1442695040888963407L;
    }
}
