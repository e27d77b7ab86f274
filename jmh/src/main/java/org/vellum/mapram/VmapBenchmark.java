package org.vellum.mapram;

import java.util.concurrent.TimeUnit;
import org.agrona.UnsafeApi;
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
import org.openjdk.jmh.annotations.Warmup;
import org.vellum.EagerMemory;
import org.vellum.LazyMemory;
import org.vellum.OwnedFrames;
import org.vellum.Relief;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.mem.Words;
import org.vellum.vmap.VmallocFlags;
import org.vellum.vmap.Vmap;

/**
 * The table of reference 1: map some scattered frames, touch each page, unmap. Only the mapping differs from row to row;
 * every touch is one store to each page through the same checked access by address, inside a section.
 *
 * <table>
 * <caption>Rows</caption>
 * <tr><td>{@code touch}</td><td>the floor: mapped once, before; a section, and the touch in it</td></tr>
 * <tr><td>{@code bare}</td><td>what the processor asks for the same without any check: one CAS to enter, the entries stored, the pages
 * stored to through them, one CAS to remove the first, the others cleared, a release store to leave</td></tr>
 * <tr><td>{@code blocksSection}</td><td>{@code vmMapRam}, one section around all, its slot handed on as the hint</td></tr>
 * <tr><td>{@code blocksHint}</td><td>the same calls with the hint, each in a section of its own, and one for the touch</td></tr>
 * <tr><td>{@code blocksPlain}</td><td>the calls of the front door, which know no hint</td></tr>
 * <tr><td>{@code lazy}</td><td>an area each time ({@code vmap}, {@code vunmap}), flushed in batches</td></tr>
 * <tr><td>{@code eager}</td><td>{@code vmMapRam} under the global lock, with a flush at each unmap</td></tr>
 * <tr><td>{@code eagerArea}</td><td>an area each time, likewise: what {@code lazy} is to be compared with</td></tr>
 * </table>
 * Under the eager policy the section is around the touch only, since it refuses to map inside one; {@code lazy},
 * {@code blocksHint} and {@code blocksPlain} have theirs in the same place. A row's {@code relieved} is explained at
 * {@link Relief}.
 *
 * <p>Run: {@code java -jar jmh/target/benchmarks.jar '\.VmapBenchmark\.' -t 1 -prof gc}, and with {@code -t 2}, {@code -t 4},
 * {@code -t 8}; ratios hold within one run only.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsPrepend = "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class VmapBenchmark {
    /** A thread's frames, and the ways to map them. */
    @State(Scope.Thread)
    public abstract static class Mapper {
        @Param({"1", "4", "16", "64"})
        int pages;
        OwnedFrames frames;
        Vellum vellum;
        MapRam mapRam;
        Vmap vmap;

        void take(final Vellum from) {
            vellum = from;
            mapRam = from.mapRam();
            vmap = from.vmap();
            frames = new OwnedFrames(from, pages);
        }

        final void touchInSection(final long address) {
            final Cpu cpu = vellum.enter(frames.hint);
            frames.hint = cpu;
            try {
                frames.touch(address);
            } finally {
                cpu.exit();
            }
        }
    }

    /** Maps lazily. */
    public static class LazyMapper extends Mapper {
        /** @param memory where. */
        @Setup(Level.Trial)
        public void prepare(final LazyMemory memory) {
            take(memory.vellum);
        }
    }

    /** Maps eagerly. */
    public static class EagerMapper extends Mapper {
        /** @param memory where. */
        @Setup(Level.Trial)
        public void prepare(final EagerMemory memory) {
            take(memory.vellum);
        }
    }

    /** Has mapped. */
    public static class Mapped extends Mapper {
        private long address;

        /** @param memory where. */
        @Setup(Level.Trial)
        public void prepare(final LazyMemory memory) {
            take(memory.vellum);
            address = vmap.vmap(frames.numbers, 0, pages, VmallocFlags.NONE);
        }
    }

    /**
     * @param mapped what to touch.
     * @return the address.
     */
    @Benchmark
    public long touch(final Mapped mapped) {
        mapped.touchInSection(mapped.address);
        return mapped.address;
    }

    /** A slot word, a piece of a table, and pages: nobody else's. */
    @State(Scope.Thread)
    public static class Bare {
        private static final long ENTRIES = 1 << 14;

        @Param({"1", "4", "16", "64"})
        int pages;
        private final Words slot = Words.zeroed(16);
        private final Words table = Words.zeroed(ENTRIES + 64);
        private final Words memory = Words.zeroed(65 * 512L);
        private long at;
        private long value;

        long run() {
            final long slotWord = slot.address(0);
            final long first = table.address(at);
            at = at + pages & ENTRIES - 1;
            value++;
            if (!UnsafeApi.compareAndSetLong(null, slotWord, 0, value)) {
                throw new IllegalStateException();
            }
            final long frames = memory.address(0) + 4095 & -4096;
            UnsafeApi.storeFence();
            for (int i = 0; i < pages; i++) {
                UnsafeApi.putLong(first + ((long)i << 3), frames + ((long)i << 12) | 1);
            }
            for (int i = 0; i < pages; i++) {
                UnsafeApi.putLong(UnsafeApi.getLongVolatile(null, first + ((long)i << 3)) & -4096, value);
            }
            final long head = UnsafeApi.getLongVolatile(null, first);
            if (!UnsafeApi.compareAndSetLong(null, first, head, 0)) {
                throw new IllegalStateException();
            }
            for (int i = 1; i < pages; i++) {
                UnsafeApi.putLong(first + ((long)i << 3), 0);
            }
            UnsafeApi.putLongRelease(null, slotWord, 0);
            return head;
        }
    }

    /**
     * @param bare of this thread.
     * @return the entry removed.
     */
    @Benchmark
    public long bare(final Bare bare) {
        return bare.run();
    }

    /**
     * @param mapper of this thread.
     * @param count of this thread.
     * @return where it was mapped.
     */
    @Benchmark
    public long blocksSection(final LazyMapper mapper, final Relief.Count count) {
        return Relief.run(count, mapper.vellum, mapper, VmapBenchmark::inSection);
    }

    private static long inSection(final LazyMapper mapper) {
        final OwnedFrames frames = mapper.frames;
        final Cpu cpu = mapper.vellum.enter(frames.hint);
        frames.hint = cpu;
        try {
            final long address = mapper.mapRam.vmMapRam(cpu, frames.numbers, 0, frames.numbers.length);
            frames.touch(address);
            mapper.mapRam.vmUnmapRam(cpu, address, frames.numbers.length);
            return address;
        } finally {
            cpu.exit();
        }
    }

    /**
     * @param mapper of this thread.
     * @param count of this thread.
     * @return where it was mapped.
     */
    @Benchmark
    public long blocksHint(final LazyMapper mapper, final Relief.Count count) {
        return Relief.run(count, mapper.vellum, mapper, VmapBenchmark::byBlocks);
    }

    /**
     * @param mapper of this thread.
     * @return where it was mapped.
     */
    @Benchmark
    public long eager(final EagerMapper mapper) {
        return byBlocks(mapper);
    }

    private static long byBlocks(final Mapper mapper) {
        final OwnedFrames frames = mapper.frames;
        final long address = mapper.mapRam.vmMapRam(frames.hint, frames.numbers, 0, frames.numbers.length);
        mapper.touchInSection(address);
        mapper.mapRam.vmUnmapRam(frames.hint, address, frames.numbers.length);
        return address;
    }

    /**
     * @param mapper of this thread.
     * @param count of this thread.
     * @return where it was mapped.
     */
    @Benchmark
    public long blocksPlain(final LazyMapper mapper, final Relief.Count count) {
        return Relief.run(count, mapper.vellum, mapper, VmapBenchmark::byFrontDoor);
    }

    private static long byFrontDoor(final LazyMapper mapper) {
        final OwnedFrames frames = mapper.frames;
        final long address = mapper.vellum.vmMapRam(frames.numbers, 0, frames.numbers.length);
        final Cpu cpu = mapper.vellum.enter();
        try {
            frames.touch(address);
        } finally {
            cpu.exit();
        }
        mapper.vellum.vmUnmapRam(address, frames.numbers.length);
        return address;
    }

    /**
     * @param mapper of this thread.
     * @param count of this thread.
     * @return where it was mapped.
     */
    @Benchmark
    public long lazy(final LazyMapper mapper, final Relief.Count count) {
        return Relief.run(count, mapper.vellum, mapper, VmapBenchmark::byArea);
    }

    /**
     * @param mapper of this thread.
     * @return where it was mapped.
     */
    @Benchmark
    public long eagerArea(final EagerMapper mapper) {
        return byArea(mapper);
    }

    private static long byArea(final Mapper mapper) {
        final OwnedFrames frames = mapper.frames;
        final long address = mapper.vmap.vmap(frames.numbers, 0, frames.numbers.length, VmallocFlags.NONE);
        mapper.touchInSection(address);
        mapper.vmap.vunmap(address);
        return address;
    }
}
