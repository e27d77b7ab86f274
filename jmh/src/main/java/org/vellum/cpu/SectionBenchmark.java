package org.vellum.cpu;

import java.util.concurrent.TimeUnit;
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
import org.vellum.OwnedFrames;
import org.vellum.Vellum;
import org.vellum.mem.CacheLine;
import org.vellum.mem.Words;
import org.vellum.vmap.VmallocFlags;

/**
 * What a section costs by itself, and around work.
 *
 * <p>By itself: {@code enterExit} (slot by the table), {@code enterExitByHint}, {@code enterNestExit} (a second enter in the
 * first). Around the checked store to one page ({@code touch}, the floor): {@code sectionTouch}, {@code hintTouch},
 * {@code nestedTouch} (two sections, one in the other). Below them what they are made of, each alone: {@code baseline} (an
 * empty call), {@code compareAndSet} and {@code casRelease} (the least that entering and leaving can be) on a line of the
 * thread's own, {@code releaseStore}, {@code threadId}; and {@code threadLocal}, the road not taken.
 *
 * <p>Run: {@code java -jar jmh/target/benchmarks.jar '\.SectionBenchmark\.' -t 1}.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsPrepend = "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class SectionBenchmark {
    private static final ThreadLocal<long[]> LOCAL = ThreadLocal.withInitial(() -> new long[1]);

    /** A page of the thread's own, mapped, and its last slot, as a caller would keep it. */
    @State(Scope.Thread)
    public static class Page {
        private OwnedFrames frames;
        private Vellum vellum;
        private long address;

        /** @param memory where. */
        @Setup(Level.Trial)
        public void prepare(final LazyMemory memory) {
            vellum = memory.vellum;
            frames = new OwnedFrames(vellum, 1);
            address = vellum.vmap().vmap(frames.numbers, 0, 1, VmallocFlags.NONE);
        }
    }

    /** A word of the thread's own, off-heap and alone on its lines, as a slot's is. */
    @State(Scope.Thread)
    public static class Word {
        private final Words words = Words.zeroed(2L * CacheLine.STRIDE_WORDS);
        private long value;
    }

    /** @return nothing of interest: the floor of a benchmark call. */
    @Benchmark
    public int baseline() {
        return 0;
    }

    /**
     * @param word of this thread.
     * @return whether it succeeded, as it always does.
     */
    @Benchmark
    public boolean compareAndSet(final Word word) {
        final long old = word.value++;
        return word.words.compareAndSet(0, old, old + 1);
    }

    /**
     * @param word of this thread.
     * @return whether it succeeded, as it always does.
     */
    @Benchmark
    public boolean casRelease(final Word word) {
        final boolean set = word.words.compareAndSet(0, 0, 1);
        word.words.putRelease(0, 0);
        return set;
    }

    /** @param word of this thread. */
    @Benchmark
    public void releaseStore(final Word word) {
        word.words.putRelease(0, word.value++);
    }

    /** @return the id of this thread. */
    @Benchmark
    public long threadId() {
        return ThreadIds.of(Thread.currentThread());
    }

    /** @return what the thread local holds. */
    @Benchmark
    public long threadLocal() {
        return LOCAL.get()[0];
    }

    /**
     * @param page of this thread.
     * @return the slot's number.
     */
    @Benchmark
    public int enterExit(final Page page) {
        final Cpu cpu = page.vellum.enter();
        final int index = cpu.index();
        cpu.exit();
        return index;
    }

    /**
     * @param page of this thread.
     * @return the slot's number.
     */
    @Benchmark
    public int enterExitByHint(final Page page) {
        final Cpu cpu = page.vellum.enter(page.frames.hint);
        page.frames.hint = cpu;
        final int index = cpu.index();
        cpu.exit();
        return index;
    }

    /**
     * @param page of this thread.
     * @return the slot's number.
     */
    @Benchmark
    public int enterNestExit(final Page page) {
        final Cpu cpu = page.vellum.enter();
        final Cpu nested = page.vellum.enter();
        final int index = nested.index();
        nested.exit();
        cpu.exit();
        return index;
    }

    /** @param page of this thread. */
    @Benchmark
    public void touch(final Page page) {
        page.frames.touch(page.address);
    }

    /** @param page of this thread. */
    @Benchmark
    public void sectionTouch(final Page page) {
        final Cpu cpu = page.vellum.enter();
        page.frames.touch(page.address);
        cpu.exit();
    }

    /** @param page of this thread. */
    @Benchmark
    public void hintTouch(final Page page) {
        final Cpu cpu = page.vellum.enter(page.frames.hint);
        page.frames.hint = cpu;
        page.frames.touch(page.address);
        cpu.exit();
    }

    /** @param page of this thread. */
    @Benchmark
    public void nestedTouch(final Page page) {
        final Cpu cpu = page.vellum.enter();
        final Cpu nested = page.vellum.enter(cpu);
        page.frames.touch(page.address);
        nested.exit();
        cpu.exit();
    }
}
