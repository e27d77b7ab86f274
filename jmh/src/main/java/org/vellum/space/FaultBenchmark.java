package org.vellum.space;

import java.util.concurrent.TimeUnit;
import org.agrona.UnsafeApi;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.ThreadParams;
import org.vellum.mem.Pages;
import org.vellum.mmu.SpaceAccess;

/**
 * The first touch of a page. Nanoseconds are of one touch.
 *
 * <table>
 * <caption>Rows</caption>
 * <tr><td>{@code touchFresh}</td><td>the floor: a page that the operating system gives, which is zero, too</td></tr>
 * <tr><td>{@code write}</td><td>the first store: a zeroed frame and an entry; every thread has a region of its own, without tables</td></tr>
 * <tr><td>{@code writeSameRegion}</td><td>the same in one region of all threads, each in page tables of its own</td></tr>
 * <tr><td>{@code writeSameTables}</td><td>the same, threads taking turns every {@value #STRIP} pages</td></tr>
 * <tr><td>{@code read}</td><td>the first load: an entry of the zero frame</td></tr>
 * <tr><td>{@code readFile, writeFile}</td><td>the first load and store of a page of a file that is in memory: an entry, and a reference</td></tr>
 * <tr><td>{@code writeAfterRead}</td><td>the first store to a page that was read: a frame takes the zero frame's place</td></tr>
 * </table>
 *
 * <p>What was touched is taken away between invocations, which is not timed. Run: {@code java -jar jmh/target/benchmarks.jar
 * '\.FaultBenchmark\.' -t 1 -prof gc}, and with {@code -t 2}; ratios hold within one run only.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsPrepend = "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class FaultBenchmark {
    private static final int PAGES = 4_096;
    /** More than the C library ever keeps for the next allocation: each one comes from the operating system anew, and goes back. */
    private static final int FRESH_PAGES = 10_240;
    private static final int STRIP = 32;
    private static final long BYTES = (long)PAGES << Pages.SHIFT;

    /** What a thread touches, and how it is taken away again. */
    @State(Scope.Thread)
    public abstract static class Touched {
        SpaceMemory memory;
        SpaceAccess access;
        int thread;
        int threads;

        /** @param where the space. */
        @Setup(Level.Trial)
        public void prepare(final SpaceMemory where, final ThreadParams params) {
            memory = where;
            access = where.space.access();
            thread = params.getThreadIndex();
            threads = params.getThreadCount();
        }

        abstract void takeAway();

        /** The pages are not there. */
        @Setup(Level.Invocation)
        public void begin() {
            takeAway();
            memory.settle();
        }

        final long store(final long start) {
            for (long address = start; address < start + BYTES; address += Pages.SIZE) {
                access.putLong(address, address);
            }
            return start;
        }

        final long load(final long start) {
            long sum = 0;
            for (long address = start; address < start + BYTES; address += Pages.SIZE) {
                sum += access.getLong(address);
            }
            return sum;
        }
    }

    /** A region of the thread's, mapped anew each time; the last one goes with the space. */
    public static class OwnRegion extends Touched {
        long start;

        @Override
        void takeAway() {
            if (start != 0) {
                memory.space.unmap(start, BYTES);
            }
            start = memory.space.map(BYTES);
        }
    }

    /** One that was read. */
    public static class ReadRegion extends OwnRegion {
        @Override
        void takeAway() {
            super.takeAway();
            load(start);
        }
    }

    /** One that shows a file whose pages are in memory. */
    public static class FileRegion extends Touched {
        private long start;

        @Override
        void takeAway() {
            if (start != 0) {
                memory.space.unmap(start, BYTES);
            }
            start = memory.space.map(BYTES, MapOptions.DEFAULT.shared().file(memory.file(BYTES), 0));
        }
    }

    /** One region of all threads. */
    @State(Scope.Benchmark)
    public static class Shared {
        long start;

        /**
         * @param memory where.
         * @param params how many there are.
         */
        @Setup(Level.Trial)
        public void map(final SpaceMemory memory, final ThreadParams params) {
            start = memory.space.map(BYTES * params.getThreadCount());
        }
    }

    /** A part of it. */
    public static class Part extends Touched {
        private long start;

        /** @param shared of all. */
        @Setup(Level.Trial)
        public void choose(final Shared shared) {
            start = shared.start;
        }

        @Override
        void takeAway() {
            memory.space.advise(start + BYTES * thread, BYTES, Advice.DONTNEED);
        }
    }

    /** Every so many pages of it. */
    public static class Strips extends Touched {
        private static final long STRIP_BYTES = (long)STRIP << Pages.SHIFT;
        private long first;

        /** @param shared of all. */
        @Setup(Level.Trial)
        public void choose(final Shared shared) {
            first = shared.start + STRIP_BYTES * thread;
        }

        private long strip(final int number) {
            return first + STRIP_BYTES * threads * number;
        }

        @Override
        void takeAway() {
            for (int i = 0; i < PAGES / STRIP; i++) {
                memory.space.advise(strip(i), STRIP_BYTES, Advice.DONTNEED);
            }
        }
    }

    /** Memory that the process has not had before. */
    @State(Scope.Thread)
    public static class Fresh {
        private static final long FRESH_BYTES = (long)FRESH_PAGES << Pages.SHIFT;
        private long start;

        /** Comes without pages. */
        @Setup(Level.Invocation)
        public void allocate() {
            start = UnsafeApi.allocateMemory(FRESH_BYTES);
        }

        /** The pages go back. */
        @TearDown(Level.Invocation)
        public void free() {
            UnsafeApi.freeMemory(start);
        }
    }

    /** @param fresh of this thread. */
    @Benchmark
    @OperationsPerInvocation(FRESH_PAGES)
    public void touchFresh(final Fresh fresh) {
        for (long at = fresh.start; at < fresh.start + Fresh.FRESH_BYTES; at += Pages.SIZE) {
            UnsafeApi.putLong(at, at);
        }
    }

    /**
     * @param own of this thread.
     * @return an address.
     */
    @Benchmark
    @OperationsPerInvocation(PAGES)
    public long write(final OwnRegion own) {
        return own.store(own.start);
    }

    /**
     * @param part of this thread.
     * @return an address.
     */
    @Benchmark
    @OperationsPerInvocation(PAGES)
    public long writeSameRegion(final Part part) {
        return part.store(part.start + BYTES * part.thread);
    }

    /**
     * @param strips of this thread.
     * @return an address.
     */
    @Benchmark
    @OperationsPerInvocation(PAGES)
    public long writeSameTables(final Strips strips) {
        for (int i = 0; i < PAGES / STRIP; i++) {
            final long start = strips.strip(i);
            for (long address = start; address < start + Strips.STRIP_BYTES; address += Pages.SIZE) {
                strips.access.putLong(address, address);
            }
        }
        return strips.first;
    }

    /**
     * @param own of this thread.
     * @return the sum.
     */
    @Benchmark
    @OperationsPerInvocation(PAGES)
    public long read(final OwnRegion own) {
        return own.load(own.start);
    }

    /**
     * @param region of this thread.
     * @return the sum.
     */
    @Benchmark
    @OperationsPerInvocation(PAGES)
    public long readFile(final FileRegion region) {
        return region.load(region.start);
    }

    /**
     * @param region of this thread.
     * @return an address.
     */
    @Benchmark
    @OperationsPerInvocation(PAGES)
    public long writeFile(final FileRegion region) {
        return region.store(region.start);
    }

    /**
     * @param own of this thread.
     * @return an address.
     */
    @Benchmark
    @OperationsPerInvocation(PAGES)
    public long writeAfterRead(final ReadRegion own) {
        return own.store(own.start);
    }
}
