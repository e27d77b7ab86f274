package org.vellum.epoch;

import java.util.concurrent.TimeUnit;
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
import org.openjdk.jmh.annotations.Warmup;
import org.vellum.EagerMemory;
import org.vellum.LazyMemory;
import org.vellum.OwnedFrames;
import org.vellum.Relief;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.mapram.MapRam;

/**
 * What a grace period costs: alone, shared by a batch, and with nothing to wait for.
 *
 * <table>
 * <caption>Rows</caption>
 * <tr><td>{@code section}</td><td>the floor: entering and leaving</td></tr>
 * <tr><td>{@code retirePoll}</td><td>one object of the user's: retired, and polled for at once</td></tr>
 * <tr><td>{@code retireBatchPoll}</td><td>the same, one poll for 64; in nanoseconds for one</td></tr>
 * <tr><td>{@code synchronizeIdle}</td><td>a wait that nobody holds up but the other callers</td></tr>
 * <tr><td>{@code unmapAliasesIdle}</td><td>nothing was unmapped: no flush</td></tr>
 * <tr><td>{@code fill}</td><td>a block of {@code vmMapRam} filled and unmapped by 16 mappings of 64 pages: into limbo</td></tr>
 * <tr><td>{@code fillUnmapAliases}</td><td>the same, and then the flush: less {@code fill} it is that of a filled limbo</td></tr>
 * <tr><td>{@code eagerFill}</td><td>the same 16 mappings under the eager policy: 16 flushes, in nanoseconds for one unmap</td></tr>
 * </table>
 *
 * <p>Run: {@code java -jar jmh/target/benchmarks.jar '\.EpochBenchmark\.' -t 8 -prof gc}.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsPrepend = "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class EpochBenchmark {
    private static final int BATCH = 64;
    private static final int MAPPINGS = 16;

    /** A thread that retires. */
    @State(Scope.Thread)
    public static class Caller {
        private Vellum vellum;
        private HeadRing heads;

        /** @param memory where. */
        @Setup(Level.Trial)
        public void prepare(final LazyMemory memory) {
            vellum = memory.vellum;
            heads = new HeadRing(vellum);
        }
    }

    /** A thread that maps. */
    @State(Scope.Thread)
    public abstract static class Mapper {
        private OwnedFrames frames;
        Vellum vellum;
        MapRam mapRam;

        void take(final Vellum from) {
            vellum = from;
            frames = new OwnedFrames(vellum, MapRam.MAX_BLOCK_PAGES);
            mapRam = vellum.mapRam();
        }

        final long mapAndUnmap() {
            final long address = mapRam.vmMapRam(frames.hint, frames.numbers, 0, frames.numbers.length);
            mapRam.vmUnmapRam(frames.hint, address, frames.numbers.length);
            return address;
        }

        final void fill(final Relief.Count count) {
            for (int i = 0; i < MAPPINGS; i++) {
                Relief.run(count, vellum, this, Mapper::mapAndUnmap);
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

    /**
     * @param caller of this thread.
     * @return the slot's number.
     */
    @Benchmark
    public int section(final Caller caller) {
        final Cpu cpu = caller.vellum.enter();
        final int index = cpu.index();
        cpu.exit();
        return index;
    }

    /**
     * @param caller of this thread.
     * @return how many were released, of anybody's.
     */
    @Benchmark
    public int retirePoll(final Caller caller) {
        caller.heads.retire(0);
        return caller.vellum.poll();
    }

    /**
     * @param caller of this thread.
     * @return how many were released, of anybody's.
     */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public int retireBatchPoll(final Caller caller) {
        for (int i = 0; i < BATCH; i++) {
            caller.heads.retire(0);
        }
        return caller.vellum.poll();
    }

    /** @param caller of this thread. */
    @Benchmark
    public void synchronizeIdle(final Caller caller) {
        caller.vellum.synchronize();
    }

    /** @param caller of this thread. */
    @Benchmark
    public void unmapAliasesIdle(final Caller caller) {
        caller.vellum.unmapAliases();
    }

    /**
     * @param mapper of this thread.
     * @param count of this thread.
     */
    @Benchmark
    public void fill(final LazyMapper mapper, final Relief.Count count) {
        mapper.fill(count);
    }

    /**
     * @param mapper of this thread.
     * @param count of this thread.
     */
    @Benchmark
    public void fillUnmapAliases(final LazyMapper mapper, final Relief.Count count) {
        mapper.fill(count);
        mapper.mapRam.unmapAliases();
    }

    /** @param mapper of this thread. */
    @Benchmark
    @OperationsPerInvocation(MAPPINGS)
    public void eagerFill(final EagerMapper mapper) {
        for (int i = 0; i < MAPPINGS; i++) {
            mapper.mapAndUnmap();
        }
    }
}
