package org.vellum.frame;

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
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;

/**
 * Page frames, allocated and freed again in one section: {@code single} from the list of the slot (order 0), {@code buddy}
 * from the shared buddy (order 5, which no list carries), {@code bulk} 64 single frames by one call each way, in
 * nanoseconds for all 64. {@code section} is the floor: the section without anything in it.
 *
 * <p>Run: {@code java -jar jmh/target/benchmarks.jar '\.FrameBenchmark\.' -t 1 -prof gc}.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsPrepend = "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class FrameBenchmark {
    private static final int BUDDY_ORDER = 5;
    private static final int BULK = 64;

    /** What a thread keeps. */
    @State(Scope.Thread)
    public static class Caller {
        private final long[] numbers = new long[BULK];
        private FrameAllocator frames;
        private Vellum vellum;
        private Cpu hint;

        /** @param memory where. */
        @Setup(Level.Trial)
        public void prepare(final LazyMemory memory) {
            vellum = memory.vellum;
            frames = vellum.frames();
        }

        private Cpu enter() {
            final Cpu cpu = vellum.enter(hint);
            hint = cpu;
            return cpu;
        }
    }

    /**
     * @param caller of this thread.
     * @return the slot's number.
     */
    @Benchmark
    public int section(final Caller caller) {
        final Cpu cpu = caller.enter();
        final int index = cpu.index();
        cpu.exit();
        return index;
    }

    /**
     * @param caller of this thread.
     * @return the frame.
     */
    @Benchmark
    public long single(final Caller caller) {
        return pair(caller, 0);
    }

    /**
     * @param caller of this thread.
     * @return the first frame.
     */
    @Benchmark
    public long buddy(final Caller caller) {
        return pair(caller, BUDDY_ORDER);
    }

    private static long pair(final Caller caller, final int order) {
        final Cpu cpu = caller.enter();
        try {
            final long frame = caller.frames.allocate(cpu, order);
            if (frame == PhysicalMemory.NO_FRAME) {
                throw new IllegalStateException("out of frames: order=" + order);
            }
            caller.frames.free(cpu, frame, order);
            return frame;
        } finally {
            cpu.exit();
        }
    }

    /**
     * @param caller of this thread.
     * @return how many frames there were.
     */
    @Benchmark
    public int bulk(final Caller caller) {
        final Cpu cpu = caller.enter();
        try {
            final int count = caller.frames.allocateBulk(cpu, caller.numbers, 0, BULK);
            if (count != BULK) {
                throw new IllegalStateException("out of frames: count=" + count);
            }
            caller.frames.freeBulk(cpu, caller.numbers, 0, BULK);
            return count;
        } finally {
            cpu.exit();
        }
    }
}
